"""Arrows from own to pooled estimates, and shrinkage factors."""

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
    left, right = synthetic_fit("y ~ x + (1 | g)", many_groups(6), draws=50).shrinkage().plot().axes
    assert left.get_ylabel() == "Intercept: deviation (units of y)"
    assert right.get_ylabel() == "Intercept: λ, share of its own kept"
    assert left.get_xlabel() == right.get_xlabel() == "rows of the group"


def test_bars_are_the_intervals_of_shrinkage_factors() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(6), draws=50).shrinkage()
    found = interval(quantity.draws["shrinkage"].sel(effect="Intercept"))
    bars = segments(quantity.plot().axes[1])
    np.testing.assert_allclose(bars[:, :, 1], np.column_stack([found.lower, found.upper]))
