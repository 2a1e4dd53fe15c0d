"""Caterpillars show each group, its interval and the extremes by name."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Ellipse
from pictures import labels, points, segments
from scipy.special import expit
from synthetic import many_groups, synthetic_fit, table

from hierkit.errors import HierkitError
from hierkit.plots.canvas import NAMED


def test_caterpillars_show_each_group_and_name_the_extremes_of_many_groups() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", many_groups(5), draws=50)
    quantity = fit.group_effects()
    figure = quantity.plot()
    means = quantity.draws["deviation"].mean(("chain", "draw"))
    ordered = means.sel(effect="Intercept").to_series().sort_values()
    np.testing.assert_allclose(points(figure.axes[0])[:, 0], ordered)
    assert labels(figure.axes[0]) == list(map(str, ordered.index))
    assert sum(isinstance(patch, Ellipse) for patch in figure.axes[2].patches) == 2

    fit = synthetic_fit("y ~ x + (1 | g)", many_groups(300), draws=50)
    quantity = fit.group_effects()
    axes = quantity.plot().axes[0]
    order = quantity.draws["deviation"].mean(("chain", "draw")).isel(effect=0).to_series().sort_values()
    assert labels(axes) == [str(g) for g in [*order.index[:NAMED], *order.index[-NAMED:]]]
    assert "300 groups of g, sorted; the 5 lowest and highest are named" in axes.get_ylabel()


def test_ellipses_hold_their_share_of_groups() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", many_groups(4), draws=50)
    quantity = fit.group_effects()
    ellipses = [patch for patch in quantity.plot().axes[2].patches if isinstance(patch, Ellipse)]
    u = np.random.default_rng(0).multivariate_normal([0, 0], quantity.draws["G"].values, size=20_000)
    for ellipse, share in zip(ellipses, (0.5, 0.89), strict=True):
        angle = np.radians(ellipse.angle)
        turned = u @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        inside = (2 * turned[:, 0] / ellipse.width) ** 2 + (2 * turned[:, 1] / ellipse.height) ** 2 <= 1
        assert inside.mean() == pytest.approx(share, abs=0.015)


def test_bars_are_the_intervals_of_the_table() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(5), draws=50).group_effects()
    table_ = quantity.table(ci_prob=0.5).sort_values("estimate")
    bars = segments(quantity.plot(ci_prob=0.5).axes[0])
    np.testing.assert_allclose(bars[:, :, 0], table_[["ci_lower", "ci_upper"]].to_numpy())


def words_of(label: str) -> str:
    return " ".join(label.split())


def test_axes_name_the_effect_and_its_unit() -> None:
    quantity = synthetic_fit("y ~ x + (x | g)", many_groups(5), draws=50).group_effects()
    level, slope, pairs = quantity.plot().axes
    assert words_of(level.get_xlabel()) == "level: difference from the common one (units of y)"
    assert words_of(slope.get_xlabel()) == "x: difference from the common one (units of y per unit of x)"
    assert words_of(pairs.get_xlabel()) == "level: difference, posterior mean"
    assert [text.get_text() for text in level.texts] == ["common"]


def test_axes_speak_the_users_words() -> None:
    quantity = synthetic_fit("y ~ x + (x | g)", many_groups(5), draws=50).group_effects()
    figure = quantity.plot(labels={"y": "pay", "x": "age", "g": "team"}, units={"y": "euros", "x": "years"})
    level, slope, _ = figure.axes
    assert words_of(level.get_xlabel()) == "level: difference from the common one (euros)"
    assert words_of(slope.get_xlabel()) == "age: difference from the common one (euros per year of age)"
    assert figure.get_suptitle() == "Teams, 89% equal-tailed intervals"
    named = quantity.plot(labels={"y": "pay"}).axes[0].get_xlabel()
    assert words_of(named) == "level: difference from the common one (units of pay)"


def test_log_odds_have_an_axis_of_probabilities() -> None:
    quantity = synthetic_fit("won ~ x + (1 | g)", table(80), "bernoulli", draws=50).group_effects()
    figure = quantity.plot()
    axes = figure.axes[0]
    figure.draw_without_rendering()
    (above,) = axes.child_axes
    centre = quantity.draws.attrs["centre"]
    low, high = axes.get_xlim()
    np.testing.assert_allclose(above.get_xlim(), expit([centre + low, centre + high]))


def test_a_picture_is_drawn_on_given_axes() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(5), draws=50).group_effects()
    figure, (left, right) = plt.subplots(1, 2)
    assert quantity.plot(ax=right) is figure
    assert right.has_data()
    assert not left.has_data()
    with pytest.raises(HierkitError, match="2 axes were given"):
        quantity.plot(ax=[left, right])
    plt.close(figure)
