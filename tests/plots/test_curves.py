"""Curves of groups, of a typical group and across the population."""

import numpy as np
from pictures import band, line
from synthetic import synthetic_fit, table

from hierkit.intervals import interval


def test_the_closed_form_is_near_the_marginal_curve() -> None:
    fit = synthetic_fit("won ~ x + (1 | g)", table(80), "bernoulli", draws=50)
    draws = fit.response_curve("x").draws
    assert abs(draws["closed_form"] - draws["marginal"].mean(("chain", "draw"))).max() < 0.02


def test_every_curve_is_that_of_the_quantity() -> None:
    quantity = synthetic_fit("won ~ x + (1 | g)", table(80), "bernoulli", draws=50).response_curve("x")
    axes = quantity.plot().axes[0]
    means = quantity.draws.mean(("chain", "draw"))
    for name in ("typical", "marginal"):
        np.testing.assert_allclose(line(axes, name).get_ydata(), means[name])
    np.testing.assert_allclose(line(axes, "marginal, closed form").get_ydata(), quantity.draws["closed_form"])
    groups = np.array([one.get_ydata() for one in axes.lines[: means.sizes["group"]]])
    np.testing.assert_allclose(groups, means["by_group"].transpose("group", "x"))


def test_bands_are_the_intervals() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", table(80), draws=50).response_curve("x")
    axes = quantity.plot().axes[0]
    x = quantity.draws["x"].values
    for place, name in enumerate(("typical", "marginal")):
        found = interval(quantity.draws[name])
        lower, upper = band(axes, x, place)
        np.testing.assert_allclose(lower, found.lower)
        np.testing.assert_allclose(upper, found.upper)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "mean of y")
