"""Numba kernels of the engine `marginal`: a Gaussian model with coefficients and all group effects integrated out.

y = H h + Z u + e; rows of weights w are multiplied by sqrt(w), and then have one residual sd. The head h holds gamma,
the coefficients in the coordinates of `hierkit.model.basis`, and the effects of all factors but the largest, whose
effects are u. With G = L L', s2 = sigma², e = y - X g the residuals of least squares, h counted from (g, 0), and for
each group of the largest factor A = Z'Z, X = Z'[H, e], T = L'X:

    M = I + L'A L / s2
    [S t; t' r] = [H, e]'[H, e] / s2 - sum T'M^-1 T / s2²
    K = Lambda' S Lambda + Pi,      k = Lambda' t + Pi d
    -2 log p = n log s2 + sum log|M| + log|K| + r - k'K^-1 k

Lambda is the identity for gamma and L for each group of the head's factors; Pi is the precision of gamma's normal
prior, d its mean less g, and for effects they are the identity and 0. Deviations from least squares keep the digits
that raw sums lose.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import kernel, part
from hierkit.sampling.kernels.covariances import effect_factors, effect_factors_gradient
from hierkit.sampling.kernels.densities import answer, callback, cholesky_solve_identity, log_priors, numbers_at, words
from hierkit.sampling.kernels.integrated_groups import integrate_groups, integrate_groups_gradient
from hierkit.sampling.kernels.loops import copy, copy_matrix, scaled, transpose
from hierkit.sampling.kernels.origin import Origin, origin_priors
from hierkit.sampling.kernels.packing import cubes, matrix, vector


class Statistics(NamedTuple):
    """All that the posterior needs to know of the rows.

    Attributes
    ----------
    cross : ndarray
        (head + 1, head + 1), products of the head's columns and e.
    groups : ndarray
        (block, effect, effect + head + 1, lane), Z_j'Z_j, Z_j'H and Z_j'e side by side, of the groups of the largest
        factor; see `hierkit.sampling.kernels.integrated_groups.in_lanes`.
    precision, shift : ndarray
        (column, column) and (column,), Pi and Pi d of the coefficients.
    head : ndarray of int
        (factor, 3), groups, effects, and the place of the first effect among all effects, of the head's factors.
    last : ndarray of int
        (1,), the place of the largest factor's first effect.
    size : ndarray
        (1,), the rows n.
    """

    cross: Array
    groups: Array
    precision: Array
    shift: Array
    head: NDArray[np.int64]
    last: NDArray[np.int64]
    size: Array


@kernel
def times_factors(rows: Array, L: Array, head: Ints, p: int) -> None:
    """Each row (head,) times Lambda, in place."""
    at = p
    for f in range(head.shape[0]):
        n_groups = head[f, 0]
        q = head[f, 1]
        first = head[f, 2]
        for _ in range(n_groups):
            for i in range(rows.shape[0]):
                for k in range(q):
                    s = 0.0
                    for a in range(k, q):
                        s += rows[i, at + a] * L[first + a, first + k]
                    rows[i, at + k] = s
            at += q


@kernel
def times_factors_transposed(rows: Array, L: Array, head: Ints, p: int) -> None:
    """Each row (head,) times Lambda', in place."""
    at = p
    for f in range(head.shape[0]):
        n_groups = head[f, 0]
        q = head[f, 1]
        first = head[f, 2]
        for _ in range(n_groups):
            for i in range(rows.shape[0]):
                for k in range(q - 1, -1, -1):
                    s = 0.0
                    for a in range(k + 1):
                        s += rows[i, at + a] * L[first + k, first + a]
                    rows[i, at + k] = s
            at += q


@kernel
def solve_head(
    system: Array, L: Array, statistics: Statistics, SL: Array, K: Array, V: Array, estimate: Array
) -> tuple[float, float]:
    """Integrate the head out: S Lambda, K's Cholesky factor, K^-1, K^-1 k; returns log|K| and k'K^-1 k."""
    size, p = K.shape[0], statistics.shift.shape[0]
    for i in range(size):
        for m in range(i + 1):
            SL[i, m] = SL[m, i] = system[i, m]
    # K = Lambda'S Lambda + I, for the coefficients with their prior's precision instead of I
    times_factors(SL, L, statistics.head, p)
    copy_matrix(SL.T, K)
    times_factors(K, L, statistics.head, p)
    right = np.empty((1, size))
    copy(system[size, :size], right[0])
    times_factors(right, L, statistics.head, p)
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


@part
def marginal_gaussian(L: Array, sigma: float, statistics: Statistics, grad_L: Array) -> tuple[float, float]:
    """Log likelihood of y with coefficients and effects integrated out, without its constant, and its gradient.

    Parameters
    ----------
    L : (effect, effect)
        Lower triangular, of all factors.
    sigma : float
        Residual sd.
    statistics : Statistics
        Of the rows.
    grad_L : (effect, effect)
        Added to.

    Returns
    -------
    value, slope : float
        The log likelihood, and its derivative by sigma.
    """
    groups = statistics.groups
    cross = statistics.cross
    p = statistics.shift.shape[0]
    blocks = groups.shape[0]
    q = groups.shape[1]
    width = cross.shape[0]
    lanes = groups.shape[3]
    size = width - 1
    first = statistics.last[0]
    s2 = sigma * sigma
    own = np.empty((q, q))
    copy_matrix(L[first : first + q, first : first + q], own)
    # integrate the largest factor out, a lane for each group; what is left is a system in the head
    system = scaled(cross, 1 / s2)
    AL, inverse = np.empty((blocks, q, q, lanes)), np.empty((blocks, q, q, lanes))
    T, solved = np.empty((q, width, lanes)), np.empty((blocks, q, width, lanes))
    log_det = 0.0
    for b in range(blocks):
        log_det += integrate_groups(groups[b], own, s2, AL[b], inverse[b], T, solved[b], system)
    # integrate the head out: coefficients, and effects of the smaller factors
    SL = np.empty((size, size))
    K = np.empty((size, size))
    V = np.empty((size, size))
    estimate = np.empty(size)
    log_det_K, quad = solve_head(system, L, statistics, SL, K, V, estimate)
    value = -0.5 * (statistics.size[0] * np.log(s2) + log_det + log_det_K + system[size, size] - quad)
    # N, the derivative of log p by the system, times -2: of log|K| and of k'K^-1 k together
    N = np.empty((width, width))
    for i in range(size):
        for m in range(size):
            V[i, m] += estimate[i] * estimate[m]
            N[i, m] = V[i, m]
        N[size, i] = -estimate[i]
    # to L of the smaller factors, then N from the whitened head to the effects as they are
    _head_gradient(system, SL, V, estimate, statistics.head, p, grad_L)
    times_factors_transposed(N[:, :size], L, statistics.head, p)
    transpose(N[:size, :size])
    times_factors_transposed(N[:size, :size], L, statistics.head, p)
    copy(N[size, :size], N[:size, size])
    N[size, size] = 1.0
    # to L of the largest factor
    by_X, by_A = np.zeros((q, q)), np.zeros((q, q))
    for b in range(blocks):
        integrate_groups_gradient(groups[b], s2, AL[b], inverse[b], solved[b], N, by_X, by_A)
    # to s2, in which both the system and the groups' systems are measured
    d_s2 = statistics.size[0] / s2
    for i in range(width):
        for m in range(width):
            d_s2 -= N[i, m] * cross[i, m] / (s2 * s2)
    for k in range(q):
        for m in range(k + 1):
            d_s2 += own[k, m] * (2 * by_X[k, m] / s2 - by_A[k, m]) / (s2 * s2)
            grad_L[first + k, first + m] += (by_X[k, m] / s2 - by_A[k, m]) / s2
    return value, -sigma * d_s2


@kernel
def _head_gradient(system: Array, SL: Array, N: Array, estimate: Array, head: Ints, p: int, grad_L: Array) -> None:
    """Add the derivative by the L of the head's factors: minus the blocks of S Lambda N - t estimate'."""
    size, at = SL.shape[0], p
    for f in range(head.shape[0]):
        n_groups = head[f, 0]
        q = head[f, 1]
        first = head[f, 2]
        for _ in range(n_groups):
            for k in range(q):
                for m in range(k + 1):
                    s = -system[size, at + k] * estimate[at + m]
                    for i in range(size):
                        s += SL[at + k, i] * N[i, at + m]
                    grad_L[first + k, first + m] -= s
            at += q


@part
def marginal_log_posterior(
    x: Array, codes: Ints, numbers: Array, pairs: Ints, origin: Origin, statistics: Statistics
) -> tuple[float, Array]:
    """Log posterior of (sds, partial correlations, sigma) at a real vector, and its gradient.

    Parameters
    ----------
    x, codes, numbers
        As in `log_priors`, in the order of `hierkit.sampling.kernels.parameters`, without coefficients. Where the sds
        of rows are known sigma is 1 and not among them.
    pairs : (pair, 2) of int
        As in `correlation_cholesky`.
    origin, statistics : Origin, Statistics
        The model.
    """
    dim, q = x.shape[0], origin.T.shape[0]
    value = np.empty(dim)
    slope = np.empty(dim)
    grad = np.empty(dim)
    # sds, correlations and the residual sd: their priors, and G = L L' of all factors
    total = log_priors(x, codes, numbers, value, slope, grad)
    C = np.empty((q, q))
    L = np.empty((q, q))
    left = np.empty(pairs.shape[0])
    effect_factors(value, slope, pairs, C, L, left)
    grad_L = np.zeros((q, q))
    total += origin_priors(origin.T, origin.codes, origin.numbers, L, grad_L)
    # the likelihood, and backwards through L to sds and correlations
    has_sigma = dim > q + pairs.shape[0]
    sigma = value[dim - 1] if has_sigma else 1.0
    likelihood, grad_sigma = marginal_gaussian(L, sigma, statistics, grad_L)
    effect_factors_gradient(value, slope, pairs, C, left, grad_L, grad)
    if has_sigma:
        grad[dim - 1] += grad_sigma * slope[dim - 1]
    return total + likelihood, grad


@part
def unpack(block: Array) -> tuple[Ints, Array, Ints, Origin, Statistics]:
    """Codes, numbers, pairs, origin and statistics as `hierkit.sampling.marginal.engine` packs them."""
    i = np.arange(13)  # numba would compile the readers anew for each literal number
    origin = Origin(matrix(block, i[3]), matrix(block, i[4]).view(np.int64), matrix(block, i[5]))
    statistics = Statistics(
        matrix(block, i[6]), cubes(block, i[7]), matrix(block, i[8]), vector(block, i[9]),
        matrix(block, i[10]).view(np.int64), vector(block, i[11]).view(np.int64), vector(block, i[12]),
    )  # fmt: skip
    codes = matrix(block, i[0]).view(np.int64)
    pairs = matrix(block, i[2]).view(np.int64)
    return codes, matrix(block, i[1]), pairs, origin, statistics


@callback
def marginal_callback(dimension: int, x: Array, out: Array, log_p: Array, address: Any) -> int:
    """`marginal_log_posterior` for nutpie."""
    codes, numbers, pairs, origin, statistics = unpack(words(address))
    value, grad = marginal_log_posterior(numbers_at(x, dimension), codes, numbers, pairs, origin, statistics)
    return answer(value, grad, numbers_at(out, dimension), numbers_at(log_p, 1))
