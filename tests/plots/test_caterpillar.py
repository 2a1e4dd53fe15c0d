"""Caterpillars show each group, its interval and the extremes by name."""

import numpy as np
import pytest
from matplotlib.patches import Ellipse
from pictures import labels, points, segments
from synthetic import many_groups, synthetic_fit

from hierkit.plots.canvas import NAMED


def test_caterpillars_show_each_group_and_name_the_extremes_of_many_groups() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", many_groups(5), draws=50)
    quantity = fit.group_effects()
    figure = quantity.plot()
    means = quantity.draws["deviation"].mean(("chain", "draw"))
    np.testing.assert_allclose(points(figure.axes[0])[:, 0], means.sel(effect="Intercept")[::-1])
    assert labels(figure.axes[0]) == ["4", "3", "2", "1", "0"]
    assert sum(isinstance(patch, Ellipse) for patch in figure.axes[2].patches) == 2

    fit = synthetic_fit("y ~ x + (1 | g)", many_groups(300), draws=50)
    quantity = fit.group_effects()
    axes = quantity.plot().axes[0]
    order = quantity.draws["deviation"].mean(("chain", "draw")).isel(effect=0).to_series().sort_values()
    assert labels(axes) == [str(g) for g in [*order.index[:NAMED], *order.index[-NAMED:]]]
    assert "300 groups, sorted; the 5 lowest and highest are named" in axes.get_ylabel()


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
    table_ = quantity.table(ci_prob=0.5, long=True).query("quantity == 'deviation'")
    bars = segments(quantity.plot(ci_prob=0.5).axes[0])
    np.testing.assert_allclose(bars[:, :, 0], table_[["ci_lower", "ci_upper"]].to_numpy()[::-1])


def test_axes_name_the_effect_and_its_unit() -> None:
    figure = synthetic_fit("y ~ x + (x | g)", many_groups(5), draws=50).group_effects().plot()
    level, slope, pairs = figure.axes
    assert level.get_xlabel() == "Intercept: deviation (units of y)"
    assert slope.get_xlabel() == "x: deviation (units of y per unit of x)"
    assert (pairs.get_xlabel(), pairs.get_ylabel()) == ("Intercept: posterior mean of the deviation", "x")
