"""The change of coordinates of one factor, against numpy, and its gradient against differences."""

from typing import Any

import numpy as np
import pytest

from hierkit.sampling.joint import whitening as w


def problem(q: int, groups: int = 6) -> Any:
    rng = np.random.default_rng(q)
    half = rng.normal(size=(groups, q, q + 1))
    M = np.ascontiguousarray(np.moveaxis(half @ np.swapaxes(half, 1, 2), 0, 2))
    L = np.tril(rng.normal(size=(q, q))) + np.eye(q)
    return M, L, rng.normal(size=(q, groups)), rng.normal(size=(q, groups)), rng


def effects(M: Any, s: Any, P: Any, c: Any, scales: Any = None) -> Any:
    K, forward, u = np.zeros_like(M), np.empty_like(s), np.empty_like(s)
    by = np.ones(s.shape[1]) if scales is None else scales**-2
    return w.unwhiten(M, s, P, by, c, K, forward, u), K, forward, u


def precision(L: Any) -> Any:
    inverse, P = np.zeros_like(L), np.empty_like(L)
    w.precision(L, inverse, P)
    return inverse, P


@pytest.mark.parametrize("q", [1, 2, 4])
def test_precision(q: Any) -> None:
    _, L, *_ = problem(q)
    inverse, P = precision(L)
    np.testing.assert_allclose(inverse, np.linalg.inv(L), atol=1e-12)
    np.testing.assert_allclose(P, np.linalg.inv(L @ L.T))


@pytest.mark.parametrize("q", [1, 2, 4])
def test_effects_are_their_mean_and_a_standard_normal_number_of_their_spread(q: Any) -> None:
    """u = A^-1 s + K^-T c, A = M + P / scale² = K K'."""
    M, L, s, c, rng = problem(q)
    P, scales = precision(L)[1], rng.uniform(0.5, 2, s.shape[1])
    log_det, _, _, u = effects(M, s, P, c, scales)
    total = 0.0
    for j in range(s.shape[1]):
        K = np.linalg.cholesky(M[:, :, j] + P / scales[j] ** 2)
        expected = np.linalg.solve(K @ K.T, s[:, j]) + np.linalg.solve(K.T, c[:, j])
        np.testing.assert_allclose(u[:, j], expected, rtol=1e-8)
        total += np.log(np.diag(K)).sum()
    assert log_det == pytest.approx(total)


@pytest.mark.parametrize("q", [1, 3])
def test_gradient(q: Any) -> None:
    """Of f(u) - sum log|K| - sum u'P u / 2 scale² - q log scale by c, s, P and log scale, f a linear function of u."""
    M, L, s, c, rng = problem(q)
    P, slope = precision(L)[1], rng.normal(size=s.shape)
    scales = rng.uniform(0.5, 2, s.shape[1])

    def value(s: Any, P: Any, c: Any, scales: Any = scales) -> Any:
        log_det, _, _, u = effects(M, s, P, c, scales)
        prior = -0.5 * np.einsum("aj,ab,bj,j->", u, P, u, scales**-2) - q * np.log(scales).sum()
        return np.sum(slope * u) - log_det + prior

    _, K, forward, u = effects(M, s, P, c, scales)
    g, grad_c, grad_P = slope.copy(), np.empty_like(c), np.zeros((q, q))
    by_scale = np.empty(len(scales))
    prior = w.unwhiten_gradient(K, P, scales**-2, forward, c, u, g, grad_c, grad_P, by_scale)
    assert prior == pytest.approx(-0.5 * np.einsum("aj,ab,bj,j->", u, P, u, scales**-2))
    for j, e in enumerate(1e-6 * np.eye(len(scales))):
        expected = (value(s, P, c, scales * np.exp(e)) - value(s, P, c, scales * np.exp(-e))) / 2e-6
        assert by_scale[j] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    for k in range(q):
        unit = np.zeros_like(s)
        unit[k, 2] = 1e-6
        assert grad_c[k, 2] == pytest.approx((value(s, P, c + unit) - value(s, P, c - unit)) / 2e-6, rel=1e-5)
        assert g[k, 2] == pytest.approx((value(s + unit, P, c) - value(s - unit, P, c)) / 2e-6, rel=1e-5)
        for m in range(k + 1):
            step = np.zeros((q, q))
            step[k, m] = step[m, k] = 1e-6
            expected = (value(s, P + step, c) - value(s, P - step, c)) / 2e-6
            assert grad_P[k, m] + (grad_P[m, k] if k != m else 0) == pytest.approx(expected, rel=1e-5)


def test_stretch() -> None:
    """x + factor (v'x) v, in each of the orthonormal directions."""
    v = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 3)))[0].T.copy()
    x, factors = np.arange(8.0), np.array([2.0, -0.5, 0.3])
    expected = x + v.T @ (factors * (v @ x))
    w.stretch(v, factors, x)
    np.testing.assert_allclose(x, expected)


def test_the_head_is_whitened_as_a_group_is() -> None:
    """One large system, its derivative by P taken from a matrix that is symmetric."""
    M, L, s, c, rng = problem(4)
    P, slope = precision(L)[1], rng.normal(size=4)
    one: Any = [np.ascontiguousarray(M[:, :, 0]), s[:, 0].copy(), P, c[:, 0].copy()]
    K, forward, v = np.zeros((4, 4)), np.empty(4), np.empty(4)
    log_det = w.unwhiten_head(one[0], one[1], one[2], one[3], K, forward, v)
    theirs, K_all, forward_all, u = effects(M[:, :, :1].copy(), s[:, :1].copy(), P, c[:, :1].copy())
    assert log_det == pytest.approx(theirs)
    np.testing.assert_allclose(v, u[:, 0])
    g, grad_c, grad_P = slope.copy(), np.empty(4), np.empty((4, 4))
    prior = w.unwhiten_head_gradient(K, P, forward, one[3], v, g, grad_c, grad_P)
    grad_all, by_P = np.empty((4, 1)), np.zeros((4, 4))
    expected = w.unwhiten_gradient(
        K_all, P, np.ones(1), forward_all, c[:, :1].copy(), u, slope[:, None].copy(), grad_all, by_P, np.empty(0)
    )
    assert prior == pytest.approx(expected)
    np.testing.assert_allclose(grad_c, grad_all[:, 0])
    np.testing.assert_allclose(grad_P + grad_P.T, by_P + by_P.T)
