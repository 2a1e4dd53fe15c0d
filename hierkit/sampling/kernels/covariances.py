"""Numba kernels from sds and partial correlations to the Cholesky factor L of G, and back with the gradient."""

import numpy as np

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import kernel


@kernel
def correlation_cholesky(partials: Array, slopes: Array, pairs: Ints, C: Array, left: Array) -> None:
    """Fill C with the Cholesky factor of a correlation matrix.

    Row i of a block: C_ij = r_ij sqrt(prod_{k<j} (1 - r_ik²)), and C_ii takes what is left.

    Parameters
    ----------
    partials, slopes : (pair,)
        Canonical partial correlations r and 1 - r².
    pairs : (pair, 2) of int
        Their row i and column j, row by row, columns in the order of the block.
    C : (effect, effect)
        Filled; the identity for effects without pairs.
    left : (pair,)
        Filled with the root of what the row had left before each pair.
    """
    q = C.shape[0]
    for i in range(q):
        for j in range(q):
            C[i, j] = 1.0 if i == j else 0.0
    for k in range(pairs.shape[0]):
        i, j = pairs[k, 0], pairs[k, 1]
        left[k] = C[i, i]
        C[i, j] = partials[k] * C[i, i]
        C[i, i] *= np.sqrt(slopes[k])


@kernel
def correlation_cholesky_gradient(
    partials: Array, slopes: Array, pairs: Ints, left: Array, grad_C: Array, grad_x: Array
) -> None:
    """Add the derivative with respect to x = artanh r of a function whose derivative by C is grad_C.

    Works backwards through `correlation_cholesky`; grad_C's diagonal is used up.
    """
    for k in range(pairs.shape[0] - 1, -1, -1):
        i, j = pairs[k, 0], pairs[k, 1]
        root = np.sqrt(slopes[k])
        after = grad_C[i, i]
        grad_x[k] += grad_C[i, j] * left[k] * slopes[k] - after * left[k] * partials[k] * root
        grad_C[i, i] = grad_C[i, j] * partials[k] + after * root


@kernel
def effect_factors(value: Array, slope: Array, pairs: Ints, C: Array, L: Array, left: Array) -> None:
    """Fill C and L = diag(sds) C, Cholesky factors of the correlations and of G of all effects, block by block."""
    q = C.shape[0]
    correlation_cholesky(value[q:], slope[q:], pairs, C, left)
    for k in range(q):
        for m in range(q):
            L[k, m] = value[k] * C[k, m] if m <= k else 0.0


@kernel
def effect_factors_gradient(
    value: Array, slope: Array, pairs: Ints, C: Array, left: Array, grad_L: Array, grad: Array
) -> None:
    """Add to grad the derivative by the coordinates of sds and correlations, given that by L; uses grad_L up."""
    q = C.shape[0]
    for k in range(q):
        s = 0.0
        for m in range(k + 1):
            s += grad_L[k, m] * C[k, m]
            grad_L[k, m] *= value[k]
        grad[k] += s * slope[k]
    correlation_cholesky_gradient(value[q:], slope[q:], pairs, left, grad_L, grad[q:])


@kernel
def correlation_factors(partials: Array, slopes: Array, pairs: Ints, q: int) -> Array:
    """(draw, effect, effect), Cholesky factors of correlation matrices; see `correlation_cholesky`."""
    factors, left = np.empty((partials.shape[0], q, q)), np.empty(pairs.shape[0])
    for d in range(partials.shape[0]):
        correlation_cholesky(partials[d], slopes[d], pairs, factors[d], left)
    return factors
