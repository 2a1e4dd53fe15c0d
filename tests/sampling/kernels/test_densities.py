"""Every kernel against its definition, and its gradient against finite differences."""

from typing import Any

import numpy as np
import pymc as pm
import pytest
from scipy.interpolate import CubicSpline

from hierkit.model.distributions import DISTRIBUTIONS, make_prior
from hierkit.sampling.kernels import codes, covariances
from hierkit.sampling.kernels import densities as d
from hierkit.sampling.kernels.parameters import kernel_prior

EXAMPLES = {
    "Flat": (), "Normal": (1, 2), "StudentT": (4, 1, 2), "Cauchy": (1, 2), "Laplace": (1, 2), "HalfNormal": (2,),
    "HalfStudentT": (4, 2), "HalfCauchy": (2,), "Exponential": (0.5,), "Gamma": (2, 0.5), "InverseGamma": (3, 2),
    "LogNormal": (-1, 0.5), "Uniform": (0.5, 4),
}  # fmt: skip


def test_every_prior_of_the_kernels_is_a_distribution_and_has_an_example() -> None:
    assert set(codes.PRIORS) - {"LKJ"} == set(EXAMPLES)
    assert set(codes.PRIORS) <= set(DISTRIBUTIONS)


def derivative(function: Any, x: float, step: float = 1e-6) -> float:
    return float(function(x + step) - function(x - step)) / (2 * step)


def row(*given: float) -> np.ndarray:
    """A parameter's numbers: those given, and a curve whose slope falls from 4 to near 0."""
    knots = d.FIRST_KNOT + d.BETWEEN_KNOTS * np.arange(d.KNOTS)
    curve = CubicSpline(knots, 2 * knots - np.logaddexp(0, 1.9 * knots), bc_type="natural")
    return np.concatenate([[*given, 0.0, 0.0, 0.0][:3], curve(knots), curve(knots, 2)])


@pytest.mark.parametrize("x", [-30.0, -3.0, -0.1, 0.4, 2.0, 15.0])
@pytest.mark.parametrize("kind", [codes.REAL, codes.POSITIVE, codes.INTERVAL, codes.PARTIAL, codes.CURVE])
def test_transforms(kind: Any, x: Any) -> None:
    value, slope, log_slope, d_log_slope = d.transform(kind, x, row(1.0, 3.0))
    expected = {
        codes.REAL: x,
        codes.POSITIVE: np.exp(x),
        codes.INTERVAL: 1 + 2 / (1 + np.exp(-x)),
        codes.PARTIAL: np.tanh(x),
    }
    if kind != codes.CURVE:
        assert value == pytest.approx(expected[kind])
    assert log_slope == pytest.approx(np.log(slope), abs=1e-9)
    assert d_log_slope == pytest.approx(derivative(lambda at: d.transform(kind, at, row(1.0, 3.0))[2], x), abs=1e-6)
    if abs(x) < 5:
        assert slope == pytest.approx(derivative(lambda at: d.transform(kind, at, row(1.0, 3.0))[0], x), rel=1e-6)


@pytest.mark.parametrize("x", [-3.9, -1.3, 0.0, 0.25, 3.99])
def test_a_curve_is_scipys_natural_spline(x: Any) -> None:
    knots = d.FIRST_KNOT + d.BETWEEN_KNOTS * np.arange(d.KNOTS)
    heights = np.sin(knots) + 2 * knots
    theirs = CubicSpline(knots, heights, bc_type="natural")
    ours = d.spline(x, np.concatenate([heights, theirs(knots, 2)]))
    np.testing.assert_allclose(ours, [theirs(x), theirs(x, 1), theirs(x, 2)], atol=1e-10)


@pytest.mark.parametrize("name", EXAMPLES)
def test_priors_are_those_of_pymc(name: Any) -> None:
    """Up to a constant; and the derivative."""
    prior = make_prior(name, *EXAMPLES[name])
    code, numbers = kernel_prior(prior)
    a, b, c = [*numbers, 0.0, 0.0, 0.0][:3]
    points = np.array([0.6, 1.3, 3.7])
    theirs = pm.logp(getattr(pm, name).dist(**prior.args), points).eval() if name != "Flat" else np.zeros(3)
    ours = np.array([d.log_density(code, v, a, b, c)[0] for v in points])
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-10, atol=1e-12)
    for v in points:
        slope = derivative(lambda at: d.log_density(code, at, a, b, c)[0], v)
        assert d.log_density(code, v, a, b, c)[1] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_gradient_of_priors_with_their_transforms() -> None:
    kinds = np.array(
        [
            [codes.REAL, codes.STUDENT_T],
            [codes.POSITIVE, codes.GAMMA],
            [codes.INTERVAL, codes.UNIFORM],
            [codes.PARTIAL, codes.LKJ],
            [codes.CURVE, codes.HALF],
        ]
    )
    numbers = np.array([row(4, 0, 1), row(2, 3), row(1, 2), row(2.5), row(np.inf, 2)])

    def total(x: Any, grad: Any = None) -> Any:
        return d.log_priors(x, kinds, numbers, np.empty(5), np.empty(5), np.empty(5) if grad is None else grad)

    x, grad = np.array([0.3, -0.7, 0.9, 1.2, -0.6]), np.empty(5)
    total(x, grad)
    for i, unit in enumerate(np.eye(5)):
        assert grad[i] == pytest.approx(derivative(lambda t, u=unit: total(x + t * u), 0.0), rel=1e-6)


PAIRS = np.array([[1, 0], [2, 0], [2, 1], [4, 3]])


def factor_of(x: np.ndarray) -> np.ndarray:
    C = np.empty((5, 5))
    covariances.correlation_cholesky(np.tanh(x), 1 / np.cosh(x) ** 2, PAIRS, C, np.empty(4))
    return C


def test_cholesky_factors_of_correlations_in_blocks() -> None:
    x = np.array([0.5, -1.0, 0.3, 2.0])
    C = factor_of(x)
    corr = C @ C.T
    np.testing.assert_allclose(np.diag(corr), 1)
    np.testing.assert_allclose(corr[:3, 3:], 0)
    assert corr[1, 0] == pytest.approx(np.tanh(0.5))
    # the last is the partial correlation of 2 and 1 given 0
    r10, r20, r21 = corr[1, 0], corr[2, 0], corr[2, 1]
    assert (r21 - r20 * r10) / np.sqrt((1 - r20**2) * (1 - r10**2)) == pytest.approx(np.tanh(0.3))


def test_gradient_of_cholesky_factors() -> None:
    x, weights = np.array([0.5, -1.0, 0.3, 2.0]), np.random.default_rng(0).normal(size=(5, 5))
    C, left, grad = np.empty((5, 5)), np.empty(4), np.zeros(4)
    covariances.correlation_cholesky(np.tanh(x), 1 / np.cosh(x) ** 2, PAIRS, C, left)
    covariances.correlation_cholesky_gradient(np.tanh(x), 1 / np.cosh(x) ** 2, PAIRS, left, weights.copy(), grad)
    for i, unit in enumerate(np.eye(4)):
        expected = derivative(lambda t, u=unit: np.sum(np.tril(weights) * factor_of(x + t * u)), 0.0)
        assert grad[i] == pytest.approx(expected, rel=1e-6)


def test_inverse_and_determinant() -> None:
    A = np.random.default_rng(0).normal(size=(4, 6))
    M, inverse = A @ A.T, np.empty((4, 4))
    K = M.copy()
    assert d.cholesky_solve_identity(K, inverse) == pytest.approx(np.linalg.slogdet(M)[1])
    np.testing.assert_allclose(inverse, np.linalg.inv(M))
    np.testing.assert_allclose(np.tril(K), np.linalg.cholesky(M))
