"""Intervals by ArviZ's settings, and those settings in words."""

import numpy as np
import pytest
import xarray as xr
from arviz_base import rc_context

from hierkit.errors import HierkitError
from hierkit.intervals import (
    bounds,
    estimate,
    interval,
    interval_in_words,
    interval_settings,
    standard_deviation,
    with_bounds,
    without_mean,
)

DRAWS = xr.DataArray(np.arange(1000.0).reshape(2, 500) ** 2, dims=("chain", "draw"))


def test_equal_tails_are_quantiles() -> None:
    lower, upper = bounds(DRAWS, interval_settings(0.5, "eti"))
    np.testing.assert_allclose([lower, upper], np.quantile(DRAWS.values, [0.25, 0.75]))


def test_the_highest_density_of_a_falling_density_begins_at_its_start() -> None:
    lower, upper = bounds(DRAWS, interval_settings(0.5, "hdi"))
    assert float(lower) == 0
    assert float(upper) == pytest.approx(500**2, rel=0.01)


def test_settings_are_arvizs_unless_given() -> None:
    with rc_context({"stats.ci_prob": 0.8, "stats.ci_kind": "hdi"}):
        assert interval_in_words() == "80% highest-density intervals"
        assert str(interval_settings(0.5)) == "50% highest-density intervals"
        np.testing.assert_allclose(interval(DRAWS).upper, bounds(DRAWS, interval_settings(0.8, "hdi"))[1])
    assert interval_in_words() == "89% equal-tailed intervals"


def test_a_ratio_without_a_mean_is_estimated_by_its_median() -> None:
    """A ratio of standard normal numbers is Cauchy distributed about 0, whatever its largest draws are."""
    draws = without_mean(DRAWS)
    assert estimate(draws).item() == np.median(DRAWS)
    assert np.isnan(standard_deviation(draws))
    assert estimate(DRAWS).item() == DRAWS.mean().item()
    assert standard_deviation(DRAWS).item() == pytest.approx(np.std(DRAWS.values, ddof=1))
    above, below = np.random.default_rng(1).normal(size=(2, 4, 1000))
    ratio = without_mean(xr.DataArray(above / below, dims=("chain", "draw")))
    assert abs(estimate(ratio).item()) < 4 * np.pi / 2 / np.sqrt(4000)


def test_places_of_values_in_order_become_bounds_at_the_intervals_probability() -> None:
    places = xr.DataArray(np.linspace(0, 1, 101), dims="place")
    spread = (DRAWS * 0 + 10 * places).assign_coords(place=places.values)
    found = with_bounds(xr.Dataset({"groups": spread, "other": DRAWS}), interval_settings(0.5))
    np.testing.assert_allclose(found["groups_lower"], 2.5)
    np.testing.assert_allclose(found["groups_upper"], 7.5)
    xr.testing.assert_equal(found["other"], DRAWS)
    assert found["groups_lower"].dims == ("chain", "draw")


@pytest.mark.parametrize("prob", [0, 1, 89, "a lot"])
def test_impossible_probabilities_are_refused(prob: float) -> None:
    with pytest.raises(HierkitError, match=r"It is the probability inside the interval, between 0 and 1\. Try 0.89"):
        interval_settings(prob)
