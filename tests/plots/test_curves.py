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
    axes = quantity.plot(labels={"g": "team"}).axes[0]
    means = quantity.draws.mean(("chain", "draw"))
    for name, label in (("typical", "a typical team"), ("marginal", "the whole population")):
        np.testing.assert_allclose(line(axes, label).get_ydata(), means[name])
    groups = np.array([one.get_ydata() for one in axes.lines[: means.sizes["group"]]])
    np.testing.assert_allclose(groups, means["by_group"].transpose("group", "x"))
    assert line(axes, "6 teams") is not None


def test_bands_are_the_intervals() -> None:
    quantity = synthetic_fit("won ~ x + (1 | g)", table(80), "bernoulli", draws=50).response_curve("x")
    axes = quantity.plot(labels={"won": "a win"}, units={"x": "years"}).axes[0]
    x = quantity.draws["x"].values
    for place, name in enumerate(("typical", "marginal")):
        found = interval(quantity.draws[name])
        lower, upper = band(axes, x, place)
        np.testing.assert_allclose(lower, found.lower)
        np.testing.assert_allclose(upper, found.upper)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x (years)", "probability of a win")


def test_a_gaussian_outcome_has_one_curve() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", table(80), draws=50).response_curve("x")
    axes = quantity.plot(units={"y": "euros"}).axes[0]
    np.testing.assert_allclose(line(axes, "mean").get_ydata(), quantity.draws["typical"].mean(("chain", "draw")))
    assert axes.get_ylabel() == "mean of y (euros)"
    assert len([one for one in axes.lines if one.get_linestyle() == "--"]) == 0
