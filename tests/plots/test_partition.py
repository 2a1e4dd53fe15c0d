"""Intraclass correlations as intervals, and as curves."""

import numpy as np
from pictures import band, labels, line, points
from synthetic import synthetic_fit, table

from hierkit.intervals import interval


def test_shares_lie_between_0_and_1_with_their_intervals() -> None:
    quantity = synthetic_fit("won ~ x + (1 | g)", table(80), "bernoulli", draws=50).icc()
    axes = quantity.plot().axes[0]
    means = [float(quantity.draws[name].mean()) for name in quantity.draws]
    np.testing.assert_allclose(points(axes)[:, 0], means[::-1])
    assert axes.get_xlim() == (0, 1)
    assert labels(axes) == [f"g, {name}" for name in list(quantity.draws)[::-1]]


def test_curves_along_a_predictor() -> None:
    quantity = synthetic_fit("y ~ x + (x | g)", table(80), draws=50).icc(along="x")
    axes = quantity.plot().axes[0]
    found = interval(quantity.draws["latent"].sel(factor="g"))
    np.testing.assert_allclose(line(axes, "g").get_ydata(), found.estimate)
    lower, upper = band(axes, quantity.draws["x"].values)
    np.testing.assert_allclose(lower, found.lower)
    np.testing.assert_allclose(upper, found.upper)
