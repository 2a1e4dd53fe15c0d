"""The marginal likelihood against the rows' own distribution, its gradient, and the effects drawn after it."""

import numpy as np
import pytest
from scipy import stats

from hierkit.sampling import densities as d
from hierkit.sampling import marginal_density as m
from hierkit.sampling.marginal_effects import draw_effects


def derivative(function, x: float, step: float = 1e-6) -> float:
    return (function(x + step) - function(x - step)) / (2 * step)


def problem(seed: int = 0, groups: int = 70, q: int = 3, p: int = 2, n: int = 300):
    rng = np.random.default_rng(seed)
    codes, X, Z, y = rng.integers(0, groups, n), rng.normal(size=(n, p)), rng.normal(size=(n, q)), rng.normal(size=n)
    b = np.linalg.lstsq(X, y, rcond=None)[0]
    e = y - X @ b
    indicator = np.eye(groups)[codes]
    sums = np.einsum("nj,nk,ni->kij", indicator, Z, np.column_stack([Z, X, e]))
    L = np.tril(rng.normal(size=(q, q)))
    return codes, X, Z, y, b, sums, float(e @ e), L, rng


def test_marginal_likelihood_is_that_of_the_rows():
    """log N(y; X beta, Z G Z' + sigma² I), over all rows at once."""
    codes, X, Z, y, b, sums, rss, L, rng = problem()
    values, expected = [], []
    for _ in range(3):
        beta, sigma, L = rng.normal(size=2), rng.uniform(0.5, 2), L * 0.7
        value, _ = m.marginal_gaussian(
            beta - b, L, sigma, X.T @ X, sums, float(len(y)), rss, np.empty(2), np.empty((3, 3))
        )
        same = codes[:, None] == codes[None, :]
        V = sigma**2 * np.eye(len(y)) + same * (Z @ L @ L.T @ Z.T)
        values.append(value)
        expected.append(stats.multivariate_normal.logpdf(y, X @ beta, V))
    np.testing.assert_allclose(np.diff(values), np.diff(expected), rtol=1e-9)


def test_gradient_of_the_marginal_likelihood():
    _, X, _, y, b, sums, rss, L, rng = problem()
    beta, sigma = rng.normal(size=2), 1.3

    def value(beta, L, sigma):
        out = np.empty(2), np.empty((3, 3))
        return m.marginal_gaussian(beta - b, L, sigma, X.T @ X, sums, float(len(y)), rss, *out), *out

    (_, grad_sigma), grad_beta, grad_L = value(beta, L, sigma)
    assert grad_sigma == pytest.approx(derivative(lambda s: value(beta, L, s)[0][0], sigma), rel=1e-6)
    for i, unit in enumerate(np.eye(2)):
        assert grad_beta[i] == pytest.approx(
            derivative(lambda t, u=unit: value(beta + t * u, L, sigma)[0][0], 0), rel=1e-6
        )
    for k in range(3):
        for h in range(k + 1):
            unit = np.zeros((3, 3))
            unit[k, h] = 1
            expected = derivative(lambda t, u=unit: value(beta, L + t * u, sigma)[0][0], 0)
            assert grad_L[k, h] == pytest.approx(expected, rel=1e-6)


def test_effects_have_their_conditional_distribution():
    """u_j given the rest is N(mean, covariance) of the textbook: C = (A/s2 + G^-1)^-1, mean C Z_j'(y - X beta)/s2."""
    codes, X, Z, y, b, sums, _, L, rng = problem()
    beta, sigma, draws = rng.normal(size=2), 1.3, 10_000
    z = rng.normal(size=(draws, 70, 3))
    repeat = (np.tile(beta, (draws, 1)), np.tile(L, (draws, 1, 1)), np.full(draws, sigma))
    u = draw_effects(*repeat, b, sums, z)
    for j in range(70):
        own = codes == j
        C = np.linalg.inv(Z[own].T @ Z[own] / sigma**2 + np.linalg.inv(L @ L.T))
        mean = C @ Z[own].T @ (y - X @ beta)[own] / sigma**2
        np.testing.assert_allclose(u[:, j].mean(axis=0), mean, atol=5 * np.sqrt(C.diagonal().max() / draws))
        np.testing.assert_allclose(np.cov(u[:, j].T), C, atol=5 * C.diagonal().max() * np.sqrt(2 / draws))


@pytest.mark.parametrize("x", [-800.0, -50.0, 50.0, 800.0])
def test_extreme_points_return_and_do_not_raise(x):
    _, X, _, y, b, sums, rss, _, _ = problem(q=2)
    codes = np.array([[d.REAL, d.NORMAL]] * 2 + [[d.POSITIVE, d.HALF]] * 2 + [[d.PARTIAL, d.LKJ], [d.POSITIVE, d.HALF]])
    numbers = np.array([[0, 1, 0]] * 2 + [[np.inf, 1, 0]] * 2 + [[2, 0, 0], [4, 1, 0]], dtype=float)
    size = np.array([len(y), rss])
    args = (codes, numbers, np.array([[1, 0]]), b, X.T @ X, np.ascontiguousarray(sums[:2]), size)
    value, grad = m.marginal_log_posterior(np.full(6, x), *args)
    assert isinstance(value, float)
    assert grad.shape == (6,)
