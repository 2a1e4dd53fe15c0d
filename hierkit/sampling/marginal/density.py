"""Numba kernels of the engine `marginal`: a Gaussian model with coefficients and all group effects integrated out.

y = H h + Z u + e; rows of weights w are multiplied by sqrt(w), and then have one residual sd. The head h holds gamma,
the coefficients in the coordinates of `hierkit.model.basis`, and the effects of all factors but the largest, whose
effects are u. With G = L L', s2 = sigma², e = y - X g the residuals of least squares, h counted from (g, 0), and for
each group of the largest factor A = Z'Z, X = Z'[H, e], T = L'X:

    M = I + L'A L / s2
    [S t; t' r] = [H, e]'[H, e] / s2 - sum T'M^-1 T / s2²
    K = Lambda' S Lambda + Pi,      k = Lambda' t + Pi d
    -2 log p = n log s2 + sum log|M| + log|K| + r - k'K^-1 k

Lambda is the identity for gamma and L for each group of the head's factors. Where effects are Student-t, the L of each
group is multiplied by its scale; see `hierkit.sampling.kernels.group_scales`. Pi is the precision of gamma's normal
prior, d its mean less g, and for effects they are the identity and 0. Deviations from least squares keep the digits
that raw sums lose.
"""

from typing import Any

import numpy as np

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import part
from hierkit.sampling.kernels.covariances import effect_factors, effect_factors_gradient
from hierkit.sampling.kernels.densities import answer, callback, log_priors, numbers_at, words
from hierkit.sampling.kernels.group_scales import GroupScales, fill_scales, scale_coordinates_gradient
from hierkit.sampling.kernels.integrated_groups import (
    group_scales_gradient,
    integrate_groups,
    integrate_groups_gradient,
    with_scales,
)
from hierkit.sampling.kernels.loops import copy, copy_matrix, scaled, transpose
from hierkit.sampling.kernels.origin import Origin, origin_priors
from hierkit.sampling.kernels.packing import cubes, matrix, vector
from hierkit.sampling.marginal.head import head_gradient, solve_head, times_factors_transposed
from hierkit.sampling.marginal.statistics import Statistics


@part
def marginal_gaussian(
    L: Array, sigma: float, statistics: Statistics, scales: Array, grad_L: Array, by_scale: Array
) -> tuple[float, float]:
    """Log likelihood of y with coefficients and effects integrated out, without its constant, and its gradient.

    Parameters
    ----------
    L : (effect, effect)
        Lower triangular, of all factors.
    sigma : float
        Residual sd.
    statistics : Statistics
        Of the rows.
    scales : (group,)
        Of the groups of all factors, the largest last; 1 where effects are normal, and then those of the largest factor
        are not looked at.
    grad_L : (effect, effect)
        Added to.
    by_scale : (group,)
        Added to: the derivative by the log of each scale; without places where effects are normal.

    Returns
    -------
    value, slope : float
        The log likelihood, and its derivative by sigma.
    """
    cross = statistics.cross
    p = statistics.shift.shape[0]
    blocks = statistics.groups.shape[0]
    q = statistics.groups.shape[1]
    width = cross.shape[0]
    lanes = statistics.groups.shape[3]
    size = width - 1
    first = statistics.last[0]
    s2 = sigma * sigma
    own = np.empty((q, q))
    copy_matrix(L[first : first + q, first : first + q], own)
    in_head = 0
    for f in range(statistics.head.shape[0]):
        in_head += statistics.head[f, 0]
    heavy = by_scale.shape[0] > 0
    groups = with_scales(statistics.groups, scales[in_head:], q) if heavy else statistics.groups
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
    log_det_K, quad = solve_head(system, L, scales, statistics, SL, K, V, estimate)
    value = -0.5 * (statistics.size[0] * np.log(s2) + log_det + log_det_K + system[size, size] - quad)
    # N, the derivative of log p by the system, times -2: of log|K| and of k'K^-1 k together
    N = np.empty((width, width))
    for i in range(size):
        for m in range(size):
            V[i, m] += estimate[i] * estimate[m]
            N[i, m] = V[i, m]
        N[size, i] = -estimate[i]
    # to L of the smaller factors, then N from the whitened head to the effects as they are
    head_gradient(system, SL, V, estimate, scales, statistics.head, p, grad_L, by_scale)
    times_factors_transposed(N[:, :size], L, scales, statistics.head, p)
    transpose(N[:size, :size])
    times_factors_transposed(N[:size, :size], L, scales, statistics.head, p)
    copy(N[size, :size], N[:size, size])
    N[size, size] = 1.0
    # to L of the largest factor
    by_X, by_A = np.zeros((q, q)), np.zeros((q, q))
    for b in range(blocks):
        integrate_groups_gradient(groups[b], s2, AL[b], inverse[b], solved[b], N, by_X, by_A)
        if heavy:
            by_lane = np.zeros(lanes)
            group_scales_gradient(s2, inverse[b], solved[b], N, by_lane)
            places = by_scale[in_head + b * lanes :]
            copy(by_lane, places[: min(lanes, places.shape[0])])
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


@part
def marginal_log_posterior(
    x: Array,
    codes: Ints,
    numbers: Array,
    pairs: Ints,
    group_scales: GroupScales,
    origin: Origin,
    statistics: Statistics,
) -> tuple[float, Array]:
    """Log posterior of (sds, partial correlations, degrees of freedom, sigma) at a real vector, and its gradient.

    Parameters
    ----------
    x, codes, numbers
        As in `log_priors`, in the order of `hierkit.sampling.kernels.parameters`, without coefficients. After them x
        has the coordinates of the groups' scales. Where the sds of rows are known sigma is 1 and not among them.
    pairs : (pair, 2) of int
        As in `correlation_cholesky`.
    group_scales, origin, statistics : GroupScales, Origin, Statistics
        The model.
    """
    dim, q = codes.shape[0], origin.T.shape[0]
    value = np.empty(dim)
    slope = np.empty(dim)
    grad = np.empty(x.shape[0])
    # sds, correlations and the residual sd: their priors, and G = L L' of all factors
    total = log_priors(x[:dim], codes, numbers, value, slope, grad[:dim])
    C = np.empty((q, q))
    L = np.empty((q, q))
    left = np.empty(pairs.shape[0])
    effect_factors(value, slope, pairs, C, L, left)
    grad_L = np.zeros((q, q))
    total += origin_priors(origin.T, origin.codes, origin.numbers, L, grad_L)
    # the scales of groups, where effects are Student-t
    c = x[dim:]
    scales = np.ones(max(c.shape[0], statistics.cross.shape[0]))
    by_scale = np.zeros(c.shape[0])
    total += fill_scales(c, value, group_scales, scales)
    # the likelihood, and backwards through L to sds and correlations
    has_sigma = dim > q + pairs.shape[0] + group_scales.degrees.shape[0]
    sigma = value[dim - 1] if has_sigma else 1.0
    likelihood, grad_sigma = marginal_gaussian(L, sigma, statistics, scales, grad_L, by_scale)
    effect_factors_gradient(value, slope, pairs, C, left, grad_L, grad)
    scale_coordinates_gradient(c, value, slope, group_scales, by_scale, grad[dim:], grad)
    if has_sigma:
        grad[dim - 1] += grad_sigma * slope[dim - 1]
    return total + likelihood, grad


@part
def unpack(block: Array) -> tuple[Ints, Array, Ints, GroupScales, Origin, Statistics]:
    """What `hierkit.sampling.marginal.engine` packs, in its order."""
    i = np.arange(15)  # numba would compile the readers anew for each literal number
    origin = Origin(matrix(block, i[5]), matrix(block, i[6]).view(np.int64), matrix(block, i[7]))
    statistics = Statistics(
        matrix(block, i[8]), cubes(block, i[9]), matrix(block, i[10]), vector(block, i[11]),
        matrix(block, i[12]).view(np.int64), vector(block, i[13]).view(np.int64), vector(block, i[14]),
    )  # fmt: skip
    codes = matrix(block, i[0]).view(np.int64)
    pairs = matrix(block, i[2]).view(np.int64)
    group_scales = GroupScales(vector(block, i[3]).view(np.int64), vector(block, i[4]).view(np.int64))
    return codes, matrix(block, i[1]), pairs, group_scales, origin, statistics


@callback
def marginal_callback(dimension: int, x: Array, out: Array, log_p: Array, address: Any) -> int:
    """`marginal_log_posterior` for nutpie."""
    codes, numbers, pairs, group_scales, origin, statistics = unpack(words(address))
    point = numbers_at(x, dimension)
    value, grad = marginal_log_posterior(point, codes, numbers, pairs, group_scales, origin, statistics)
    return answer(value, grad, numbers_at(out, dimension), numbers_at(log_p, 1))
