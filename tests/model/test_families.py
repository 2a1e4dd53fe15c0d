"""Families against SciPy's distributions, and derivatives against finite differences."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from hierkit.errors import HierkitError
from hierkit.model.families import FAMILIES, family_of

GAUSSIAN, BERNOULLI = FAMILIES["gaussian"], FAMILIES["bernoulli"]
Y, WEIGHTS = np.array([0.0, 2.0, 5.0]), np.array([1.0, 3.0, 5.0])
SIGMA = np.array([[2.0], [3.0]])


def test_log_densities_are_scipys() -> None:
    eta = np.array([[0.3, -2.0, 40.0], [-800.0, 0.1, 800.0]])
    with np.errstate(divide="ignore"):
        expected = stats.binom(WEIGHTS, expit(eta[:1])).logpmf(Y)
    np.testing.assert_allclose(BERNOULLI.log_density(Y, WEIGHTS, eta[:1], None), expected)
    assert np.isfinite(BERNOULLI.log_density(Y, WEIGHTS, eta, None)).all()
    np.testing.assert_allclose(
        GAUSSIAN.log_density(Y, WEIGHTS, eta, SIGMA)[1], stats.norm(eta[1], 3 / np.sqrt(WEIGHTS)).logpdf(Y)
    )


@pytest.mark.parametrize(("family", "sigma"), [(GAUSSIAN, SIGMA), (BERNOULLI, None)])
def test_score_and_weight_are_the_derivatives_of_the_log_density(family: Any, sigma: Any) -> None:
    eta, step = np.array([[0.3, -2.0, 1.0], [-1.0, 0.1, 2.0]]), 1e-4
    below, here, above = (family.log_density(Y, WEIGHTS, eta + k * step, sigma) for k in (-1, 0, 1))
    weight, score = family.derivatives(Y, WEIGHTS, eta, sigma)
    np.testing.assert_allclose(score, (above - below) / (2 * step), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(weight, family.weight(WEIGHTS, eta, sigma))
    np.testing.assert_allclose(family.weight(WEIGHTS, eta, sigma), -(above - 2 * here + below) / step**2, rtol=1e-4)


@pytest.mark.parametrize(("family", "sigma"), [(GAUSSIAN, np.full(400_000, 2.0)), (BERNOULLI, None)])
@pytest.mark.parametrize("weights", [1.0, 6.0])
def test_draws_have_the_mean_and_the_variance_of_the_family(family: Any, sigma: Any, weights: Any) -> None:
    draws = family.draw(np.full(400_000, 0.7), np.array(weights), sigma, np.random.default_rng(0))
    p = expit(0.7)
    mean, variance = (0.7, 4.0 / weights) if family is GAUSSIAN else (weights * p, weights * p * (1 - p))
    assert abs(draws.mean() - mean) < 4 * np.sqrt(variance / 400_000)
    assert draws.var() == pytest.approx(variance, rel=0.01)


def test_means_over_groups_are_averages_of_means() -> None:
    v = np.random.default_rng(0).normal(0, 1.5, 400_000)
    groups = [(1.0, np.array(1.5**2))]
    for family in FAMILIES.values():
        means = family.mean(0.4 + v)
        over = family.mean_over_groups(np.array(0.4), groups)
        assert abs(over - means.mean()) < 4 * means.std() / np.sqrt(len(v))
        np.testing.assert_allclose(family.mean(family.link_over_groups(np.array(0.4), groups)), over)


@pytest.mark.parametrize(
    ("name", "counts", "message"),
    [
        ("poisson", False, "family is 'poisson'. It is one of 'gaussian', 'bernoulli'"),
        ("gaussian", True, 'Counts need family="bernoulli"'),
    ],
)
def test_refused(name: Any, counts: Any, message: Any) -> None:
    with pytest.raises(HierkitError, match=message):
        family_of(name, counts)
