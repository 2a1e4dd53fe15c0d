"""Sums over rows, against numpy."""

import numpy as np

from hierkit.sampling.joint import row_sums as r

RNG = np.random.default_rng(0)
X, Z, CODES = RNG.normal(size=(3, 50)), RNG.normal(size=(2, 50)), np.sort(RNG.integers(0, 7, 50))
STARTS = np.searchsorted(CODES, np.arange(8))
BETA, U, RESIDUAL = RNG.normal(size=3), RNG.normal(size=(2, 7)), RNG.normal(size=50)


def by_group() -> np.ndarray:
    return np.array([np.bincount(CODES, z * RESIDUAL, 7) for z in Z])


def test_linear_predictors() -> None:
    eta = np.ones(50)
    r.add_columns(BETA, X, eta)
    np.testing.assert_allclose(eta, 1 + BETA @ X)
    r.add_effects(U, Z, CODES, eta)
    np.testing.assert_allclose(eta, 1 + BETA @ X + (U[:, CODES] * Z).sum(axis=0))


def test_sums_back_to_coefficients_and_effects() -> None:
    grad = np.ones(3)
    r.column_products(X, RESIDUAL, grad)
    np.testing.assert_allclose(grad, 1 + X @ RESIDUAL)
    for sums, where in ((r.effect_products, CODES), (r.group_products, STARTS)):
        grad = np.ones((2, 7))
        sums(Z, where, RESIDUAL, grad)
        np.testing.assert_allclose(grad, 1 + by_group())


def test_gaussian_rows() -> None:
    y, size, residual = RNG.normal(size=50), RNG.integers(1, 5, 50).astype(float), np.empty(50)
    total = r.gaussian_rows(BETA @ X, y, size, 0.7, residual)
    np.testing.assert_allclose(total, 0.7 * np.sum(size * (y - BETA @ X) ** 2))
    np.testing.assert_allclose(residual, 0.7 * size * (y - BETA @ X))


def test_products_with_ties() -> None:
    S, v, s = RNG.normal(size=(4, 3)), RNG.normal(size=9), np.zeros(4)
    r.less_products(S, v, s)
    np.testing.assert_allclose(s, -S @ v[:3])
    grad = np.zeros(9)
    r.less_transposed_products(S, s, grad)
    np.testing.assert_allclose(grad[:3], -S.T @ s)
