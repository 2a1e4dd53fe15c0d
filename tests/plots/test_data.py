"""What stands in the pictures is what the quantities say."""

import numpy as np
import pytest
from matplotlib.patches import Ellipse
from synthetic import many_groups, synthetic_fit, table

from hierkit.plots.canvas import MOST_LABELS, NAMED, paper, shorten, within_reach


def labels(axes):
    return [tick.get_text() for tick in axes.get_yticklabels()]


def points(axes):
    return next(line for line in axes.lines if line.get_marker() == "o").get_xydata()


def test_caterpillars_show_each_group_and_name_the_extremes_of_many_groups():
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


def test_ellipses_hold_their_share_of_groups():
    fit = synthetic_fit("y ~ x + (x | g)", many_groups(4), draws=50)
    quantity = fit.group_effects()
    ellipses = [patch for patch in quantity.plot().axes[2].patches if isinstance(patch, Ellipse)]
    u = np.random.default_rng(0).multivariate_normal([0, 0], quantity.draws["G"].values, size=20_000)
    for ellipse, share in zip(ellipses, (0.5, 0.89), strict=True):
        angle = np.radians(ellipse.angle)
        turned = u @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        inside = (2 * turned[:, 0] / ellipse.width) ** 2 + (2 * turned[:, 1] / ellipse.height) ** 2 <= 1
        assert inside.mean() == pytest.approx(share, abs=0.015)


def test_arrows_go_from_own_to_pooled():
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(6), draws=50).shrinkage()
    left, right = quantity.plot().axes
    own, pooled = (quantity.draws[name].mean(("chain", "draw")).values[:, 0] for name in ("own", "pooled"))
    arrows = left.collections[0]
    np.testing.assert_allclose(arrows.XY[:, 1], own)
    np.testing.assert_allclose(arrows.V, pooled - own)
    kept = quantity.draws["shrinkage"].mean(("chain", "draw")).values[:, 0]
    np.testing.assert_allclose(np.sort(points(right)[:, 1]), np.sort(kept))


def test_pooling_has_a_line_for_each_group_in_three_panels():
    fit = synthetic_fit("y ~ x + (x | g)", many_groups(6), draws=50)
    quantity = fit.compare_pooling()
    figure = quantity.plot()
    assert [axes.get_title() for axes in figure.axes] == ["complete pooling", "no pooling", "partial pooling"]
    partial = quantity.draws["partial"].mean(("chain", "draw")).transpose("group", "term").values
    ends = [fit.design.X[:, 1].min(), fit.design.X[:, 1].max()]
    lines = [line.get_ydata() for line in figure.axes[2].lines[:6]]
    np.testing.assert_allclose(lines, partial[:, :1] + partial[:, 1:] * ends)


def test_outlying_groups_are_named():
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(30), draws=50).blup_qq()
    quantity.draws["outlying"][:] = quantity.draws["group"] == 7
    axes = quantity.plot().axes[0]
    assert [text.get_text() for text in axes.texts] == ["7"]


def test_the_point_of_these_data_lies_on_the_curve():
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(30), draws=50).design_effect()
    axes = quantity.plot().axes[0]
    m, curve = axes.lines[0].get_data()
    at = np.interp(quantity.draws.attrs["size"], m, curve)
    assert at == pytest.approx(float(quantity.draws["design_effect"].mean()), rel=1e-6)


def test_replicates_stand_beside_what_was_seen():
    quantity = synthetic_fit("y ~ x + (1 | g)", table(80), draws=50).predictive_check()
    axes = quantity.plot().axes[0]
    assert axes.lines[0].get_xdata()[0] == pytest.approx(float(quantity.draws["observed"][0]))


def test_long_and_mathematical_labels_fit():
    assert shorten("a$b") == "a\\$b"
    assert len(shorten("x" * 300)) == 24
    assert MOST_LABELS >= 2 * NAMED


def test_far_estimates_are_counted_not_shown():
    _, (axes,) = paper()
    values = np.append(np.linspace(-1, 1, 99), 1e6)
    assert within_reach(axes, values, np.array([-0.5, 2.0])) == 1
    low, high = axes.get_ylim()
    assert -4 < low < -1
    assert 2 < high < 4


def test_the_curve_of_shrinkage_factors_goes_through_the_groups():
    fit = synthetic_fit("y ~ 1 + (1 | g)", many_groups(20), draws=50)
    quantity = fit.shrinkage()
    right = quantity.plot().axes[1]
    curve = next(line for line in right.lines if str(line.get_label()).startswith("n /"))
    n, kept = quantity.draws["n"].values, quantity.draws["shrinkage"].mean(("chain", "draw")).values[:, 0]
    # the mean over draws and the curve at the median differ by the curvature only
    np.testing.assert_allclose(np.interp(n, *curve.get_data()), kept, atol=0.05)


def test_the_closed_form_is_near_the_marginal_curve():
    fit = synthetic_fit("won ~ x + (1 | g)", table(80), "bernoulli", draws=50)
    draws = fit.response_curve("x").draws
    assert abs(draws["closed_form"] - draws["marginal"].mean(("chain", "draw"))).max() < 0.02


def test_prior_densities_are_those_of_the_priors():
    fit = synthetic_fit("y ~ x + (x | g)", table(80), draws=50)
    draws = fit.prior_and_posterior().draws
    for name in draws["component"].values:
        part = draws.sel(component=name)
        np.testing.assert_allclose(np.log(part["prior_density"]), fit.priors[name].log_density(part["at"].values))
