from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, log_expit, logsumexp
from scipy.stats import norm

from hierkit.model.logistic_normal import logit_of_mean, mean_over_mixture, mean_probability, moments_of_probability

NOTHING = [(1.0, np.zeros(1))]


@pytest.mark.parametrize("eta", [-6.0, -1.3, 0.0, 2.5])
@pytest.mark.parametrize("s", [1e-6, 0.5, 1.2, 3.0, 10.0])
def test_mean_probability(eta: Any, s: Any) -> None:
    expected = quad(lambda v: expit(eta + s * v) * norm.pdf(v), -12, 12, epsabs=1e-12, limit=500)[0]
    assert mean_probability(np.array(eta), np.array(s**2)) == pytest.approx(expected, abs=4e-9)


def test_without_variance_it_is_the_logistic_function() -> None:
    eta = np.linspace(-40, 40, 4001)
    np.testing.assert_allclose(mean_probability(eta, np.zeros(4001)), expit(eta), atol=3e-9)


@pytest.mark.parametrize(
    ("eta", "s"), [(20.0, 0.0), (-35.0, 1.0), (45.0, 0.5), (700.0, 2.0), (-800.0, 1.0), (1e5, 3.0)]
)
def test_far_out_the_logit_is_finite_and_right(eta: Any, s: Any) -> None:
    """E exp(-|eta| + v): the logit is |eta| - s²/2, with the sign of eta."""
    found = logit_of_mean(np.array(eta), [(1.0, np.array(s**2))])
    assert found == pytest.approx(np.sign(eta) * (abs(eta) - s**2 / 2), abs=1e-4)


@pytest.mark.parametrize(("eta", "variance"), [(5000.0, 6000.0), (6000.0, 20_000.0), (-3000.0, 3000.0)])
def test_far_out_with_a_wide_distribution(eta: float, variance: float) -> None:
    """The tail is that of the normal distribution: log of the integral, by quadrature around its largest value."""
    grid = np.linspace(0, 1.2 * abs(eta) + 12 * np.sqrt(variance), 2_000_001)
    logs = log_expit(grid - abs(eta)) - grid**2 / (2 * variance) - 0.5 * np.log(2 * np.pi * variance)
    expected = logsumexp(logs) + np.log(grid[1])
    found = logit_of_mean(np.array(eta), [(1.0, np.array(variance))])
    assert found == pytest.approx(-np.sign(eta) * expected, rel=2e-3)


def test_the_logit_agrees_with_the_mean() -> None:
    eta = np.linspace(-9, 9, 50)
    means = mean_probability(eta, np.full(50, 2.0))
    found = logit_of_mean(eta, [(1.0, np.full(50, 2.0))])
    np.testing.assert_allclose(found, np.log(means / (1 - means)), rtol=1e-6)


@pytest.mark.parametrize("s", [0.1, 0.7, 1.4, 5.0])
@pytest.mark.parametrize("farthest", [0.0, 3.0, 8.0])
def test_where_rows_have_one_variance_the_logit_is_interpolated(s: Any, farthest: Any) -> None:
    """(sample, 1) variances: the same means and logits as of each row by itself, and the same slopes."""
    rng = np.random.default_rng(0)
    eta = rng.uniform(-farthest, farthest, (3, 700)) + np.array([[-1.0], [0.0], [2.0]])
    mixture, alike = [(1.0, np.full((3, 1), s**2))], [(1.0, np.full((3, 700), s**2))]
    step = 1e-4
    np.testing.assert_allclose(logit_of_mean(eta, mixture), logit_of_mean(eta, alike), rtol=0, atol=3e-7)
    np.testing.assert_allclose(mean_over_mixture(eta, mixture), mean_over_mixture(eta, alike), rtol=0, atol=3e-9)
    found, expected = (
        (mean_over_mixture(eta + step, one) - mean_over_mixture(eta - step, one)) / (2 * step)
        for one in (mixture, alike)
    )
    np.testing.assert_allclose(found.mean(axis=1), expected.mean(axis=1), rtol=0, atol=1e-9)


def test_far_apart_rows_are_not_interpolated() -> None:
    eta = np.linspace(-600, 600, 700)[None]
    found = logit_of_mean(eta, [(1.0, np.ones((1, 1)))])
    np.testing.assert_array_equal(found, logit_of_mean(eta, [(1.0, np.ones((1, 700)))]))


@pytest.mark.parametrize(("eta", "s", "expected"), [(0.0, 3.0, 0.135162), (-3.0, 5.0, 0.14020), (0.0, 10.0, 0.2107)])
def test_variance_of_wide_distributions(eta: Any, s: Any, expected: Any) -> None:
    found = moments_of_probability(np.array([eta]), np.array([s**2]), NOTHING)[1]
    assert found[0] == pytest.approx(expected, rel=3e-4)


@pytest.mark.parametrize(
    ("eta", "icc"), [(-4.6, 0.0024), (-2.2, 0.0194), (-1.4, 0.0317), (-0.8, 0.0404), (0.0, 0.0456)]
)
def test_response_scale_icc_of_rare_and_common_events(eta: Any, icc: Any) -> None:
    """Merlo et al.: variance 0.2, latent ICC 0.0573 throughout."""
    at, variance = np.array([eta]), np.array([0.2])
    mean, between = moments_of_probability(at, variance, NOTHING)
    np.testing.assert_allclose(mean, mean_probability(at, variance), rtol=1e-6)
    share = between / (mean * (1 - mean))
    assert share[0] == pytest.approx(icc, abs=5e-5)


def test_variance_over_one_factor_with_another_integrated_out() -> None:
    """Var E(p | v) + E Var(p | v) is the variance over both."""
    eta, a, b = np.array([-0.4]), np.array([0.7]), np.array([1.1])
    rng = np.random.default_rng(0)
    v = rng.normal(0, np.sqrt(0.7), 400_000)
    conditional = mean_probability(-0.4 + v, np.full(len(v), 1.1))
    tolerance = 5 * conditional.var() * np.sqrt(2 / len(v))
    found = moments_of_probability(eta, a, [(1.0, b)])[1]
    assert found[0] == pytest.approx(conditional.var(), abs=tolerance)
    assert found[0] < moments_of_probability(eta, a + b, NOTHING)[1][0]
