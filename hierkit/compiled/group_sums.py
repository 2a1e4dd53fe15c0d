"""Sums over the rows of each group, of what a logit-binomial likelihood needs, for all draws in one pass.

Rows are sorted by group. Arrays of small matrices have their rows and columns first, (effect, effect, sample, group).
"""

import numpy as np

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import kernel, row_kernel
from hierkit.compiled.logistic import exp_below_zero


@kernel
def sum_derivatives(
    rest: Array, u: Array, Z: Array, y: Array, trials: Array, starts: Ints, M: Array, score: Array
) -> None:
    """Information Z_j'W_j Z_j and score Z_j'(y - trials p) of each group's effects u at logit p = rest + Zu.

    Parameters
    ----------
    rest : (sample, row)
        The linear predictor without these effects.
    u : (effect, sample, group)
        The effects.
    Z : (effect, row)
        What they multiply.
    y, trials : (row,)
        Successes and trials.
    starts : (group + 1,) of int
        Where the rows of each group begin, and their number.
    M, score : (effect, effect, sample, group), (effect, sample, group)
        Filled.
    """
    q, samples, groups = u.shape
    n = rest.shape[1]
    eta = np.empty(n)
    W = np.empty(n)
    residual = np.empty(n)
    for d in range(samples):
        _predictor(rest[d], u[:, d], Z, starts, eta)
        _weights(eta, y, trials, W, residual)
        for j in range(groups):
            for a in range(q):
                score[a, d, j] = _sum_of_two(residual, Z[a], starts[j], starts[j + 1])
                for b in range(a + 1):
                    M[a, b, d, j] = _sum_of_three(W, Z[a], Z[b], starts[j], starts[j + 1])
                    M[b, a, d, j] = M[a, b, d, j]


@kernel
def sum_bends(rest: Array, u: Array, Z: Array, trials: Array, starts: Ints, covariance: Array, pull: Array) -> None:
    """Σ_i w'_i (z_i'C z_i) z_i over each group's rows, w' the derivative of trials p (1 - p) by the linear predictor.

    Parameters
    ----------
    rest, u, Z, trials, starts
        As in `sum_derivatives`.
    covariance : (effect, effect, sample, group)
        C.
    pull : (effect, sample, group)
        Filled.
    """
    q, samples, groups = u.shape
    n = rest.shape[1]
    eta = np.empty(n)
    W = np.empty(n)
    residual = np.empty(n)
    zero = np.zeros(n)
    one = np.ones(n)
    for d in range(samples):
        _predictor(rest[d], u[:, d], Z, starts, eta)
        _weights(eta, zero, one, W, residual)
        for j in range(groups):
            for a in range(q):
                pull[a, d, j] = 0.0
            for i in range(starts[j], starts[j + 1]):
                spread = 0.0
                for a in range(q):
                    for b in range(q):
                        spread += covariance[a, b, d, j] * Z[a, i] * Z[b, i]
                # the residual of no success in one trial is -p
                bend = trials[i] * W[i] * (1 + 2 * residual[i]) * spread
                for a in range(q):
                    pull[a, d, j] += bend * Z[a, i]


@kernel
def _predictor(rest: Array, u: Array, Z: Array, starts: Ints, eta: Array) -> None:
    """Fill eta (row,) with rest + Zu, for u (effect, group)."""
    for i in range(rest.shape[0]):
        eta[i] = rest[i]
    for j in range(u.shape[1]):
        for a in range(u.shape[0]):
            own = u[a, j]
            for i in range(starts[j], starts[j + 1]):
                eta[i] += Z[a, i] * own


@row_kernel
def _weights(eta: Array, y: Array, trials: Array, W: Array, residual: Array) -> None:
    """Fill W (row,) with trials p (1 - p), and residual (row,) with y - trials p."""
    exp_below_zero(-np.abs(eta), W)
    for i in range(eta.shape[0]):
        e = W[i]
        share = 1 / (1 + e)
        residual[i] = y[i] - trials[i] * (share if eta[i] >= 0 else e * share)
        W[i] = trials[i] * e * share * share


@row_kernel
def _sum_of_two(x: Array, y: Array, first: int, last: int) -> float:
    total = 0.0
    for i in range(first, last):
        total += x[i] * y[i]
    return total


@row_kernel
def _sum_of_three(x: Array, y: Array, z: Array, first: int, last: int) -> float:
    total = 0.0
    for i in range(first, last):
        total += x[i] * y[i] * z[i]
    return total
