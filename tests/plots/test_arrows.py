"""Arrows from own to pooled estimates, and shrinkage factors."""

from dataclasses import replace
from typing import Any

import numpy as np
from pictures import points, segments
from synthetic import many_groups, synthetic_fit

from hierkit.intervals import interval


def test_arrows_go_from_own_to_pooled() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(6), draws=50).shrinkage()
    left, right = quantity.plot().axes
    own, pooled = (quantity.draws[name].mean(("chain", "draw")).values[:, 0] for name in ("own", "pooled"))
    arrows: Any = left.collections[0]
    np.testing.assert_allclose(arrows.XY[:, 1], own)
    np.testing.assert_allclose(arrows.V, pooled - own)
    kept = quantity.draws["shrinkage"].mean(("chain", "draw")).values[:, 0]
    np.testing.assert_allclose(np.sort(points(right)[:, 1]), np.sort(kept))


def test_the_curve_of_shrinkage_factors_goes_through_the_groups() -> None:
    fit = synthetic_fit("y ~ 1 + (1 | g)", many_groups(20), draws=50)
    quantity = fit.shrinkage()
    right = quantity.plot().axes[1]
    curve = next(line for line in right.lines if str(line.get_label()).startswith("n /"))
    n, kept = quantity.draws["n"].values, quantity.draws["shrinkage"].mean(("chain", "draw")).values[:, 0]
    # the mean over draws and the curve at the median differ by the curvature only
    np.testing.assert_allclose(
        np.interp(n, np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())), kept, atol=0.05
    )


def test_labels() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", many_groups(6), draws=50)
    left, right = fit.shrinkage().plot(labels={"g": "team"}, units={"y": "euros"}).axes
    assert " ".join(left.get_ylabel().split()) == "level: difference from the common one (euros)"
    assert " ".join(right.get_ylabel().split()) == "level: share of its own estimate kept"
    assert left.get_xlabel() == right.get_xlabel() == "rows of the team"


def test_groups_that_hardly_move_are_seen_to_move() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(6), draws=50).shrinkage()
    draws = quantity.draws.copy()
    draws["pooled"] = 0.99 * draws["own"]
    left = replace(quantity, draws=draws).plot().axes[0]
    own = draws["own"].mean(("chain", "draw")).values[:, 0]
    np.testing.assert_allclose(points(left), np.column_stack([own, -0.01 * own]))


def test_bars_are_the_intervals_of_shrinkage_factors() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(6), draws=50).shrinkage()
    found = interval(quantity.draws["shrinkage"].sel(effect="Intercept"))
    bars = segments(quantity.plot().axes[1])
    np.testing.assert_allclose(bars[:, :, 1], np.column_stack([found.lower, found.upper]))
