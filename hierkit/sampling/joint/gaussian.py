"""Numba kernels of the engine `joint` for Gaussian outcomes: the largest factor's effects are integrated out.

With the letters of `hierkit.sampling.joint.products`, h = v less least squares, G = L L' the covariance of the largest
factor's effects, s2 = sigma² (1 where the sds of rows are known), w_j = Z_j'(e - H h) and M_j = I + L'Z_j'Z_j L / s2,

    -2 log p(y | v) = n log s2 + |e - H h|² / s2 + sum log|M_j| - sum w_j'L M_j^-1 L'w_j / s2²
"""

from typing import Any

import numpy as np

from hierkit.arrays import Array
from hierkit.compiled.compiling import part
from hierkit.sampling.joint.coordinates import Geometry, unpack_model
from hierkit.sampling.joint.products import Sums, from_centre, less_sparse_transposed, sparse_products
from hierkit.sampling.joint.row_sums import add_columns, column_products
from hierkit.sampling.joint.transform import factors_gradient, groups_of, position, position_gradient
from hierkit.sampling.joint.whitening import precision
from hierkit.sampling.kernels.covariances import effect_factors, effect_factors_gradient
from hierkit.sampling.kernels.densities import answer, callback, log_priors, numbers_at, words
from hierkit.sampling.kernels.group_scales import (
    GroupScales,
    count_scales,
    fill_scales,
    inverse_squares,
    scale_coordinates_gradient,
)
from hierkit.sampling.kernels.integrated_groups import (
    group_scales_gradient,
    integrate_groups,
    integrate_groups_gradient,
    with_scales,
)
from hierkit.sampling.kernels.layout import Layout
from hierkit.sampling.kernels.loops import copy, copy_matrix, joined, product
from hierkit.sampling.kernels.origin import Origin, origin_priors
from hierkit.sampling.kernels.packing import cubes, matrix, vector
from hierkit.sampling.kernels.parameters import Numbers


@part
def gaussian_log_posterior(
    x: Array,
    parameters: Numbers,
    group_scales: GroupScales,
    origin: Origin,
    geometry: Geometry,
    layout: Layout,
    sums: Sums,
) -> tuple[float, Array]:
    """Log posterior at a real vector, and its gradient.

    Parameters
    ----------
    x : (parameter + scales + effects,)
        Coordinates of gamma, the parameters but for coefficients as in `log_priors`, coordinates of the effects of all
        factors but the largest.
    parameters, group_scales, origin, geometry, layout, sums
        The model; the layout is that of the factors but the largest.
    """
    head = parameters.codes.shape[0]
    p = sums.centre.shape[0]
    q = origin.T.shape[0]
    n_head = geometry.head_b.shape[0]
    n_scales = count_scales(group_scales)
    c = np.empty(x.shape[0] - head - n_scales + p)
    joined(x[:p], x[head + n_scales :], c)
    C = np.empty((q, q))
    L = np.zeros((q, q))
    left = np.empty(parameters.pairs.shape[0])
    L_inverse, P = np.zeros((q, q)), np.empty((q, q))
    value = np.empty(head)
    slope = np.empty(head)
    grad_head = np.empty(head)
    codes, numbers = parameters.codes, parameters.numbers
    # sds, correlations and the residual sd: their priors, and G = L L' of all factors with its inverse P
    total = log_priors(x[p:head], codes[p:], numbers[p:], value[p:], slope[p:], grad_head[p:])
    effect_factors(value[p:], slope[p:], parameters.pairs, C, L, left)
    precision(L, L_inverse, P)
    # the scales of groups, where effects are Student-t
    in_smaller = groups_of(layout, 0, layout.groups.shape[0])
    by_scale = np.zeros(n_scales)
    c_scales = x[head : head + n_scales]
    scales = np.empty(n_scales)
    total += fill_scales(c_scales, value[p:], group_scales, scales)
    by = inverse_squares(scales, in_smaller)
    # from coordinates to gamma and the effects of the smaller factors
    v = np.empty(c.shape[0])
    K = np.zeros(geometry.M.shape[0])
    w = np.empty(c.shape[0] - p)
    head_K = np.zeros((n_head, n_head))
    head_w = np.empty(n_head)
    end = layout.groups.shape[0]
    total -= position(c, P, by, geometry, layout, end, v, head_K, head_w, K, w)
    # the priors of coefficients hold for beta, the columns as they are
    beta = np.empty(p)
    product(geometry.basis, v[:p], beta)
    total += log_priors(beta, codes[:p], numbers[:p], value[:p], slope[:p], grad_head[:p])
    grad_v = np.zeros(c.shape[0])
    grad_c = np.empty(c.shape[0])
    grad_P = np.zeros((q, q))
    product(geometry.basis.T, grad_head[:p], grad_v[:p])
    grad_L = np.zeros((q, q))
    # the largest factor's effects are integrated out
    has_sigma = head > p + q + parameters.pairs.shape[0] + group_scales.degrees.shape[0]
    sigma = value[head - 1] if has_sigma else 1.0
    largest = slice(min(in_smaller, n_scales), n_scales)
    likelihood, by_sigma = gaussian_likelihood(v, L, sigma, scales[largest], sums, grad_v, grad_L, by_scale[largest])
    if has_sigma:
        grad_head[head - 1] += by_sigma * slope[head - 1]
    total += likelihood
    # backwards: through the coordinates to P, and through G = L L' to sds and correlations
    total += position_gradient(
        c, P, by, geometry, layout, end, v, head_K, head_w, K, w, grad_v, grad_c, grad_P, by_scale
    )
    total += origin_priors(origin.T, origin.codes, origin.numbers, L, grad_L)
    total += factors_gradient(layout, scales, L, L_inverse, P, grad_P, grad_L)
    effect_factors_gradient(value[p:], slope[p:], parameters.pairs, C, left, grad_L, grad_head[p:])
    copy(grad_c[:p], grad_head[:p])
    grad = np.empty(x.shape[0])
    scale_coordinates_gradient(
        c_scales, value[p:], slope[p:], group_scales, by_scale, grad[head : head + n_scales], grad_head[p:]
    )
    copy(grad_head, grad[:head])
    copy(grad_c[p:], grad[head + n_scales :])
    return total, grad


@part
def gaussian_likelihood(
    v: Array, L: Array, sigma: float, scales: Array, sums: Sums, grad_v: Array, grad_L: Array, by_scale: Array
) -> tuple[float, float]:
    """Log likelihood with the largest factor's effects integrated out, without its constant.

    Parameters
    ----------
    v : (column + effects,)
        Gamma and the effects of the other factors.
    L : (effect, effect)
        Of all factors.
    sigma : float
        Residual sd.
    scales : (group,)
        Of the largest factor's groups; without places where effects are normal.
    sums : Sums
        Of the rows.
    grad_v, grad_L : (column + effects,), (effect, effect)
        Added to.
    by_scale : (group,)
        Filled with the derivative by the log of each scale.

    Returns
    -------
    value, slope : float
        The log likelihood, and its derivative by sigma.
    """
    s2 = sigma * sigma
    first = sums.last[0]
    p = sums.centre.shape[0]
    blocks = sums.groups.shape[0]
    q = sums.groups.shape[1]
    lanes = sums.groups.shape[3]
    # ||e - H h||², from the sums of products alone
    h, crossed = np.empty(v.shape[0]), np.empty(v.shape[0])
    from_centre(v, sums.centre, h)
    sparse_products(sums.cross_starts, sums.cross_columns, sums.cross_values, h, crossed)
    squares = sums.totals[1]
    for i in range(h.shape[0]):
        squares += h[i] * (crossed[i] - 2 * sums.linear[i])
        grad_v[i] += (sums.linear[i] - crossed[i]) / s2
    # w_j = Z_j'(e - H h), what is left for each group of the largest factor
    w = np.empty(sums.right.shape[0])
    sparse_products(sums.tie_starts, sums.tie_columns, sums.tie_values, h[p:], w)
    add_columns(h[:p], sums.tie_X, w)
    own = np.empty((q, q))
    copy_matrix(L[first : first + q, first : first + q], own)
    # the groups, a lane for each, each with its effects integrated out
    groups = with_scales(sums.groups, scales, q) if scales.shape[0] else sums.groups
    own_scales = np.ones(blocks * lanes)
    copy(scales, own_scales[: scales.shape[0]])
    by_lane = np.zeros(blocks * lanes)
    system, one = np.full((1, 1), squares / s2), np.ones((1, 1))
    g = np.empty((q, q + 1, lanes))
    T = np.empty((q, 1, lanes))
    solved = np.empty((q, 1, lanes))
    AL, inverse = np.empty((q, q, lanes)), np.empty((q, q, lanes))
    by_X = np.zeros((q, q))
    by_A = np.zeros((q, q))
    log_det = 0.0
    for b in range(blocks):
        part = slice(b * q * lanes, (b + 1) * q * lanes)
        own_right, pulled = sums.right[part].reshape((q, lanes)), w[part].reshape((q, lanes))
        for k in range(q):
            for m in range(q):
                copy(groups[b, k, m], g[k, m])
            for n in range(lanes):
                g[k, q, n] = own_scales[b * lanes + n] * (own_right[k, n] - pulled[k, n])
        log_det += integrate_groups(g, own, s2, AL, inverse, T, solved, system)
        integrate_groups_gradient(g, s2, AL, inverse, solved, one, by_X, by_A)
        if scales.shape[0]:
            group_scales_gradient(s2, inverse, solved, one, by_lane[b * lanes : (b + 1) * lanes])
        # what the estimates of the groups' effects give back to the others
        for k in range(q):
            pulled[k] = 0.0
            for m in range(k + 1):
                for n in range(lanes):
                    pulled[k, n] += own_scales[b * lanes + n] * own[k, m] / (s2 * s2) * solved[m, 0, n]
    copy(by_lane, by_scale)
    less_sparse_transposed(sums.tie_starts, sums.tie_columns, sums.tie_values, w, grad_v[p:])
    by_gamma = np.zeros(p)
    column_products(sums.tie_X, w, by_gamma)
    for i in range(p):
        grad_v[i] -= by_gamma[i]
    # log p = -(n log s2 + log|M| + quadratic form) / 2, and its derivatives by s2 and L
    n = sums.totals[0]
    value = -0.5 * (n * np.log(s2) + log_det + system[0, 0])
    d_s2 = n / s2 - squares / (s2 * s2)
    for k in range(q):
        for m in range(k + 1):
            d_s2 += own[k, m] * (2 * by_X[k, m] / s2 - by_A[k, m]) / (s2 * s2)
            grad_L[first + k, first + m] += (by_X[k, m] / s2 - by_A[k, m]) / s2
    return value, -sigma * d_s2


@part
def unpack(block: Array) -> tuple[Numbers, GroupScales, Origin, Geometry, Layout, Sums]:
    """Parameters, scales of groups, origin, geometry, layout and sums as `hierkit.sampling.joint.engine` packs them."""
    i = np.arange(24, 37)
    parameters, group_scales, origin, geometry, layout = unpack_model(block)
    sums = Sums(
        cubes(block, i[0]), vector(block, i[1]), matrix(block, i[2]),
        vector(block, i[3]).view(np.int64), vector(block, i[4]).view(np.int64), vector(block, i[5]),
        vector(block, i[6]).view(np.int64), vector(block, i[7]).view(np.int64), vector(block, i[8]),
        vector(block, i[9]), vector(block, i[10]), vector(block, i[11]), vector(block, i[12]).view(np.int64),
    )  # fmt: skip
    return parameters, group_scales, origin, geometry, layout, sums


@callback
def gaussian_callback(dimension: int, x: Array, out: Array, log_p: Array, address: Any) -> int:
    """`gaussian_log_posterior` for nutpie."""
    parameters, group_scales, origin, geometry, layout, sums = unpack(words(address))
    point = numbers_at(x, dimension)
    value, grad = gaussian_log_posterior(point, parameters, group_scales, origin, geometry, layout, sums)
    return answer(value, grad, numbers_at(out, dimension), numbers_at(log_p, 1))
