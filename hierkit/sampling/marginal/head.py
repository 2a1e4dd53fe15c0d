"""Numba kernels of the engine `marginal` that integrate out the head: coefficients, and effects of the smaller factors.

The letters are those of `hierkit.sampling.marginal.density`. `scales` has a number for each group of the head's
factors, by which the group's L is multiplied; it is 1 where effects are normal.
"""

import numpy as np

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import kernel
from hierkit.sampling.kernels.densities import cholesky_solve_identity
from hierkit.sampling.kernels.loops import copy, copy_matrix
from hierkit.sampling.marginal.statistics import Statistics


@kernel
def times_factors(rows: Array, L: Array, scales: Array, head: Ints, p: int) -> None:
    """Each row (head,) times Lambda, in place."""
    at = p
    group = 0
    for f in range(head.shape[0]):
        n_groups = head[f, 0]
        q = head[f, 1]
        first = head[f, 2]
        for j in range(group, group + n_groups):
            for i in range(rows.shape[0]):
                for k in range(q):
                    s = 0.0
                    for a in range(k, q):
                        s += rows[i, at + a] * L[first + a, first + k]
                    rows[i, at + k] = scales[j] * s
            at += q
        group += n_groups


@kernel
def times_factors_transposed(rows: Array, L: Array, scales: Array, head: Ints, p: int) -> None:
    """Each row (head,) times Lambda', in place."""
    at = p
    group = 0
    for f in range(head.shape[0]):
        n_groups = head[f, 0]
        q = head[f, 1]
        first = head[f, 2]
        for j in range(group, group + n_groups):
            for i in range(rows.shape[0]):
                for k in range(q - 1, -1, -1):
                    s = 0.0
                    for a in range(k + 1):
                        s += rows[i, at + a] * L[first + k, first + a]
                    rows[i, at + k] = scales[j] * s
            at += q
        group += n_groups


@kernel
def solve_head(
    system: Array, L: Array, scales: Array, statistics: Statistics, SL: Array, K: Array, V: Array, estimate: Array
) -> tuple[float, float]:
    """Integrate the head out: S Lambda, K's Cholesky factor, K^-1, K^-1 k; returns log|K| and k'K^-1 k."""
    size, p = K.shape[0], statistics.shift.shape[0]
    for i in range(size):
        for m in range(i + 1):
            SL[i, m] = SL[m, i] = system[i, m]
    # K = Lambda'S Lambda + I, for the coefficients with their prior's precision instead of I
    times_factors(SL, L, scales, statistics.head, p)
    copy_matrix(SL.T, K)
    times_factors(K, L, scales, statistics.head, p)
    right = np.empty((1, size))
    copy(system[size, :size], right[0])
    times_factors(right, L, scales, statistics.head, p)
    for i in range(size):
        if i < p:
            right[0, i] += statistics.shift[i]
            for m in range(p):
                K[i, m] += statistics.precision[i, m]
        else:
            K[i, i] += 1.0
    # the quadratic form k'K^-1 k, and the estimate K^-1 k
    log_det = cholesky_solve_identity(K, V)
    quad = 0.0
    for i in range(size):
        s = 0.0
        for m in range(size):
            s += V[i, m] * right[0, m]
        estimate[i] = s
        quad += s * right[0, i]
    return log_det, quad


@kernel
def head_gradient(
    system: Array, SL: Array, N: Array, estimate: Array, scales: Array, head: Ints, p: int, grad_L: Array,
    by_scale: Array,
) -> None:  # fmt: skip
    """Add the derivative by the L of the head's factors, and by the log of each group's scale if by_scale has places.

    By the L of one group it is minus its block of S Lambda N - t estimate'. By the log of its scale it is the mean of
    |z|² - q, with z the group's effects in units of L, and N the mean of z z'.
    """
    size = SL.shape[0]
    at = p
    group = 0
    for f in range(head.shape[0]):
        n_groups = head[f, 0]
        q = head[f, 1]
        first = head[f, 2]
        for j in range(group, group + n_groups):
            for k in range(q):
                for m in range(k + 1):
                    s = -system[size, at + k] * estimate[at + m]
                    for i in range(size):
                        s += SL[at + k, i] * N[i, at + m]
                    grad_L[first + k, first + m] -= scales[j] * s
            if by_scale.shape[0]:
                for k in range(q):
                    by_scale[j] += N[at + k, at + k] - 1
            at += q
        group += n_groups
