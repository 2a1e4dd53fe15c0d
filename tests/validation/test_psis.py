"""Importance sampling of many points: ArviZ's numbers, and the cases that it does not have."""

from typing import Any

import arviz_stats  # noqa: F401  (for its accessor)
import numpy as np
import pytest
import xarray as xr

from hierkit.validation.psis import psis, tail_length


@pytest.mark.parametrize(("samples", "relative"), [(100, 1.0), (240, 0.9), (1000, 0.5), (4000, 0.93)])
def test_scores_are_arvizs(samples: int, relative: float) -> None:
    """Points from those that no weight of is large to those whose weights have no mean."""
    rng = np.random.default_rng(samples)
    log_p = -0.5 * (rng.normal(size=(samples, 50)) * np.linspace(0.01, 2, 50)) ** 2
    found = psis(lambda part: log_p[:, part], 50, relative)
    array = xr.DataArray(log_p[None], dims=("chain", "draw", "point"))
    expected: Any = array.azstats.loo(sample_dims=["chain", "draw"], r_eff=relative)
    for own, its in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, its.values, rtol=1e-9, atol=1e-12)
    assert found[1].min() < 0.2 < 0.8 < found[1].max()


def test_draws_that_weigh_alike_are_their_density() -> None:
    elpd, k, p = psis(lambda part: np.full((100, 3), -1.5)[:, part], 3, 1.0)
    np.testing.assert_allclose(elpd, -1.5)
    np.testing.assert_allclose(p, 0, atol=1e-14)
    assert (k == -np.inf).all()


def test_two_values_are_no_pareto_distribution_and_their_weights_stay_as_they_are() -> None:
    """A point whose density is a half in nine draws of ten, and a tenth in one of ten: the mean of 1 / p is 2.8."""
    log_p = np.log(np.where(np.arange(1000) % 10 == 0, 0.1, 0.5))[:, None]
    elpd, k, _ = psis(lambda part: log_p[:, part], 1, 1.0)
    assert elpd[0] == pytest.approx(-np.log(0.9 * 2 + 0.1 * 10))
    assert np.isnan(k[0]) or k[0] == -np.inf


def test_weights_that_underflow_are_arvizs_too() -> None:
    """Log densities thousands apart, as of draws that are far from a row."""
    log_p = -np.random.default_rng(1).exponential(3000, (200, 5))
    found = psis(lambda part: log_p[:, part], 5, 0.97)
    array = xr.DataArray(log_p[None], dims=("chain", "draw", "point"))
    expected: Any = array.azstats.loo(sample_dims=["chain", "draw"], r_eff=0.97)
    for own, its in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, its.values, rtol=1e-9)


def test_the_tail_is_at_most_a_fifth() -> None:
    assert tail_length(4000, 1.0) == 189
    assert tail_length(4000, 0.001) == 800
    assert tail_length(100, 1.0) == 20
