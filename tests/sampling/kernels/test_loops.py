"""Loops against NumPy's expressions of whole arrays."""

import numpy as np

from hierkit.sampling.kernels import loops

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4))
B = RNG.normal(size=(4, 2))


def test_products() -> None:
    out, wide = np.empty(3), np.empty((3, 2))
    loops.product(A, B[:, 0].copy(), out)
    loops.matrix_product(A, B, wide)
    np.testing.assert_allclose(out, A @ B[:, 0])
    np.testing.assert_allclose(wide, A @ B)


def test_what_is_transposed_may_be_given() -> None:
    out = np.empty(4)
    loops.product(A.T, A[:, 0].copy(), out)
    np.testing.assert_allclose(out, A.T @ A[:, 0])


def test_copies_and_sums() -> None:
    x, X = np.zeros(4), np.ones((3, 4))
    loops.copy(A[0], x)
    loops.add_matrix(A, X)
    np.testing.assert_array_equal(x, A[0])
    np.testing.assert_array_equal(X, A + 1)
    loops.copy_matrix(A, X)
    np.testing.assert_array_equal(X, A)


def test_one_after_the_other() -> None:
    out = np.empty(7)
    loops.joined(A[0], A[1, :3], out)
    np.testing.assert_array_equal(out, np.concatenate([A[0], A[1, :3]]))


def test_transposed_and_scaled() -> None:
    square = A[:, :3].copy()
    loops.transpose(square)
    np.testing.assert_array_equal(square, A[:, :3].T)
    np.testing.assert_array_equal(loops.scaled(A, 2.0), 2 * A)
