"""Plain loops in place of expressions of whole arrays.

Numba compiles `x[:] = y` and `A @ x` with the words of their errors about shapes, which takes seconds; these loops take
a tenth of one.
"""

import numpy as np

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel


@kernel
def copy(x: Array, out: Array) -> None:
    """Fill out (n,) with x."""
    for i in range(out.shape[0]):
        out[i] = x[i]


@kernel
def copy_matrix(X: Array, out: Array) -> None:
    """Fill out (n, m) with X."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = X[i, k]


@kernel
def add_matrix(X: Array, out: Array) -> None:
    """Add X to out (n, m)."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] += X[i, k]


@kernel
def joined(x: Array, y: Array, out: Array) -> None:
    """Fill out with x, then y."""
    copy(x, out[: x.shape[0]])
    copy(y, out[x.shape[0] :])


@kernel
def product(A: Array, x: Array, out: Array) -> None:
    """Fill out (n,) with A x."""
    for i in range(A.shape[0]):
        s = 0.0
        for k in range(A.shape[1]):
            s += A[i, k] * x[k]
        out[i] = s


@kernel
def matrix_product(A: Array, B: Array, out: Array) -> None:
    """Fill out (n, m) with A B."""
    for i in range(A.shape[0]):
        for m in range(B.shape[1]):
            s = 0.0
            for k in range(A.shape[1]):
                s += A[i, k] * B[k, m]
            out[i, m] = s


@kernel
def scaled(X: Array, by: float) -> Array:
    """A matrix times a number."""
    out = np.empty(X.shape)
    for i in range(X.shape[0]):
        for k in range(X.shape[1]):
            out[i, k] = by * X[i, k]
    return out


@kernel
def transpose(X: Array) -> None:
    """Turn a square matrix into its transpose."""
    for i in range(X.shape[0]):
        for k in range(i):
            X[i, k], X[k, i] = X[k, i], X[i, k]
