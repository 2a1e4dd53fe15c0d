"""Numba kernels of the engine `joint` for Bernoulli outcomes and counts: parameters and all effects together.

See `hierkit.sampling.joint.coordinates` for the coordinates of coefficients and effects, and
`hierkit.sampling.kernels.parameters` for the others. Rows that are alike are counted once.
"""

from typing import Any

import numpy as np

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel, part
from hierkit.compiled.logistic import binomial_rows
from hierkit.sampling.joint.coordinates import Geometry, unpack_model
from hierkit.sampling.joint.patterns import Patterns
from hierkit.sampling.joint.row_sums import (
    add_columns,
    add_effects,
    column_products,
    effect_products,
    group_products,
    less_products,
    less_transposed_products,
    less_weighed_effects,
)
from hierkit.sampling.joint.transform import factors_gradient, groups_of, position, position_gradient
from hierkit.sampling.joint.whitening import precision, unwhiten, unwhiten_gradient
from hierkit.sampling.kernels.covariances import effect_factors, effect_factors_gradient
from hierkit.sampling.kernels.densities import answer, callback, log_priors, numbers_at, words
from hierkit.sampling.kernels.group_scales import (
    GroupScales,
    count_scales,
    fill_scales,
    inverse_squares,
    scale_coordinates_gradient,
)
from hierkit.sampling.kernels.layout import Layout
from hierkit.sampling.kernels.loops import add_matrix, copy, joined, product
from hierkit.sampling.kernels.origin import Origin, origin_priors
from hierkit.sampling.kernels.packing import matrix, vector
from hierkit.sampling.kernels.parameters import Numbers


@part
def logit_log_posterior(
    x: Array,
    parameters: Numbers,
    group_scales: GroupScales,
    origin: Origin,
    geometry: Geometry,
    layout: Layout,
    rows: Patterns,
) -> tuple[float, Array]:
    """Log posterior at a real vector, and its gradient.

    Parameters
    ----------
    x : (parameter + scales + effects,)
        Coordinates of gamma, the parameters but for coefficients as in `log_priors`, coordinates of the effects.
    parameters, group_scales, origin, geometry, layout, rows
        The model.
    """
    head = parameters.codes.shape[0]
    p = rows.X.shape[0]
    q = rows.Z.shape[0]
    n_head, n = geometry.head_b.shape[0], rows.y.shape[0]
    n_scales = count_scales(group_scales)
    c = np.empty(x.shape[0] - head - n_scales + p)
    joined(x[:p], x[head + n_scales :], c)
    C = np.empty((q, q))
    L = np.zeros((q, q))
    left = np.empty(parameters.pairs.shape[0])
    L_inverse, P = np.zeros((q, q)), np.empty((q, q))
    value, slope = np.empty(head), np.empty(head)
    grad_head = np.empty(head)
    codes, numbers = parameters.codes, parameters.numbers
    # sds and correlations: their priors, and G = L L' of all factors with its inverse P
    total = log_priors(x[p:head], codes[p:], numbers[p:], value[p:], slope[p:], grad_head[p:])
    effect_factors(value[p:], slope[p:], parameters.pairs, C, L, left)
    precision(L, L_inverse, P)
    # the scales of groups, where effects are Student-t
    by_scale = np.zeros(n_scales)
    c_scales = x[head : head + n_scales]
    scales = np.empty(n_scales)
    total += fill_scales(c_scales, value[p:], group_scales, scales)
    by = inverse_squares(scales, groups_of(layout, 0, layout.groups.shape[0]))
    # from coordinates to gamma and all effects, with Z u of the rows on the way
    v = np.empty(c.shape[0])
    K = np.zeros(geometry.M.shape[0])
    w = np.empty(c.shape[0] - p)
    eta = np.empty(n)
    head_K, head_w = np.zeros((n_head, n_head)), np.empty(n_head)
    total -= rows_position(c, P, by, geometry, layout, rows, v, head_K, head_w, K, w, eta)
    # the priors of coefficients hold for beta, the columns as they are
    beta = np.empty(p)
    product(geometry.basis, v[:p], beta)
    total += log_priors(beta, codes[:p], numbers[:p], value[:p], slope[:p], grad_head[:p])
    # the likelihood of the covariate patterns; residual is its derivative by eta
    for i in range(n):
        eta[i] += rows.offset[i]
    add_columns(v[:p], rows.X, eta)
    residual = np.empty(n)
    total += binomial_rows(eta, rows.y, rows.size, residual)
    # backwards: from the rows to the effects and coordinates, to P, to sds and correlations
    grad_v = np.zeros(c.shape[0])
    grad_c = np.empty(c.shape[0])
    grad_P = np.zeros((q, q))
    product(geometry.basis.T, grad_head[:p], grad_v[:p])
    column_products(rows.X, residual, grad_v[:p])
    total += _rows_gradient(
        c, P, by, geometry, layout, rows, v, head_K, head_w, K, w, residual, grad_v, grad_c, grad_P, by_scale
    )
    grad_L = np.zeros((q, q))
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
def rows_position(
    c: Array, P: Array, by: Array, geometry: Geometry, layout: Layout, rows: Patterns, v: Array, head_K: Array,
    head_w: Array, K: Array, w: Array, eta: Array,
) -> float:  # fmt: skip
    """As `position`, for all factors; fills eta (pattern,) with Z u."""
    n_factors = layout.groups.shape[0]
    head = geometry.head[0]
    p = rows.X.shape[0]
    end = n_factors if head == n_factors else n_factors - 1
    log_det = position(c, P, by, geometry, layout, end, v, head_K, head_w, K, w)
    # the factors that are tied to others by fixed matrices are in eta already when the largest follows
    u, eta[:] = v[p:], 0.0
    _add_smaller(u, layout, head, end, rows, eta)
    for f in range(end, n_factors):
        n_groups = layout.groups[f]
        q = layout.effects[f]
        column = layout.columns[f]
        first = layout.first[f]
        own, Z = slice(first, first + n_groups * q), rows.Z[column : column + q]
        size, width = n_groups * q * q, n_groups * q * p
        at, tied = geometry.M.shape[0] - size, geometry.S.shape[0] - width
        # s = b - S gamma - Z'W Z u: what the rows say of this factor given all before it
        s = np.empty(n_groups * q)
        copy(geometry.b[geometry.b.shape[0] - n_groups * q :], s)
        less_products(geometry.S[tied:].reshape((n_groups * q, p)), v, s)
        if f > 0:
            weighed = np.empty(eta.shape[0])
            for i in range(eta.shape[0]):
                weighed[i] = -geometry.W[i] * eta[i]
            group_products(Z, rows.starts, weighed, s.reshape((q, n_groups)))
        log_det += unwhiten(
            geometry.M[at:].reshape((q, q, n_groups)),
            s.reshape((q, n_groups)),
            P[column : column + q, column : column + q],
            by[groups_of(layout, 0, f) :],
            c[p:][own].reshape((q, n_groups)),
            K[at:].reshape((q, q, n_groups)),
            w[own].reshape((q, n_groups)),
            u[own].reshape((q, n_groups)),
        )
        add_effects(u[own].reshape((q, n_groups)), Z, rows.codes[f], eta)
    return log_det


@part
def _rows_gradient(
    c: Array, P: Array, by: Array, geometry: Geometry, layout: Layout, rows: Patterns, v: Array, head_K: Array,
    head_w: Array, K: Array, w: Array, residual: Array, grad_v: Array, grad_c: Array, grad_P: Array, by_scale: Array,
) -> float:  # fmt: skip
    """Backwards through `rows_position`; residual (pattern,) is the derivative by eta and is changed."""
    n_factors = layout.groups.shape[0]
    head = geometry.head[0]
    p = rows.X.shape[0]
    end, total = n_factors if head == n_factors else n_factors - 1, 0.0
    for f in range(end, n_factors):
        n_groups = layout.groups[f]
        q = layout.effects[f]
        column = layout.columns[f]
        first = layout.first[f]
        own = slice(first, first + n_groups * q)
        block = slice(column, column + q)
        Z = rows.Z[column : column + q]
        at = geometry.M.shape[0] - n_groups * q * q
        tied = geometry.S.shape[0] - n_groups * q * p
        g, grad_own = grad_v[p:][own].reshape((q, n_groups)), np.zeros((q, q))
        # from the rows to this factor's effects
        group_products(Z, rows.starts, residual, g)
        total += unwhiten_gradient(
            K[at:].reshape((q, q, n_groups)),
            P[block, block],
            by[groups_of(layout, 0, f) :],
            w[own].reshape((q, n_groups)),
            c[p:][own].reshape((q, n_groups)),
            v[p:][own].reshape((q, n_groups)),
            g,
            grad_c[p:][own].reshape((q, n_groups)),
            grad_own,
            by_scale[groups_of(layout, 0, f) :],
        )
        add_matrix(grad_own, grad_P[block, block])
        # what this factor's mean takes from gamma and from the factors before it
        less_transposed_products(geometry.S[tied:].reshape((n_groups * q, p)), g.ravel(), grad_v)
        if f > 0:
            less_weighed_effects(g, Z, geometry.W, rows.codes[f], residual)
    _add_smaller_gradient(residual, layout, head, end, rows, grad_v[p:])
    return total + position_gradient(
        c, P, by, geometry, layout, end, v, head_K, head_w, K, w, grad_v, grad_c, grad_P, by_scale
    )


@part
def _add_smaller(u: Array, layout: Layout, head: int, end: int, rows: Patterns, eta: Array) -> None:
    """Add Z u of the factors but the last to eta; the head has its effects group by group, others effect by effect."""
    for f in range(head):
        own, Z = u[layout.first[f] : layout.first[f + 1]], _own_Z(rows, layout, f)
        add_effects(own.reshape((layout.groups[f], layout.effects[f])).T, Z, rows.codes[f], eta)
    for f in range(head, end):
        own, Z = u[layout.first[f] : layout.first[f + 1]], _own_Z(rows, layout, f)
        add_effects(own.reshape((layout.effects[f], layout.groups[f])), Z, rows.codes[f], eta)


@part
def _add_smaller_gradient(residual: Array, layout: Layout, head: int, end: int, rows: Patterns, grad_u: Array) -> None:
    """Add Z'residual of the factors but the last to grad_u."""
    for f in range(head):
        own = grad_u[layout.first[f] : layout.first[f + 1]]
        Z = _own_Z(rows, layout, f)
        effect_products(Z, rows.codes[f], residual, own.reshape((layout.groups[f], layout.effects[f])).T)
    for f in range(head, end):
        own = grad_u[layout.first[f] : layout.first[f + 1]]
        Z = _own_Z(rows, layout, f)
        effect_products(Z, rows.codes[f], residual, own.reshape((layout.effects[f], layout.groups[f])))


@part
def _own_Z(rows: Patterns, layout: Layout, f: int) -> Array:
    return rows.Z[layout.columns[f] : layout.columns[f] + layout.effects[f]]


@part
def unpack(block: Array) -> tuple[Numbers, GroupScales, Origin, Geometry, Layout, Patterns]:
    """Parameters, scales of groups, origin, geometry, layout and rows as `hierkit.sampling.joint.engine` packs them."""
    i = np.arange(24, 32)
    parameters, group_scales, origin, geometry, layout = unpack_model(block)
    rows = Patterns(
        matrix(block, i[0]), matrix(block, i[1]), matrix(block, i[2]).view(np.int64),
        vector(block, i[3]).view(np.int64), vector(block, i[4]), vector(block, i[5]), vector(block, i[6]),
        vector(block, i[7])[0],
    )  # fmt: skip
    return parameters, group_scales, origin, geometry, layout, rows


@callback
def logit_callback(dimension: int, x: Array, out: Array, log_p: Array, address: Any) -> int:
    """`logit_log_posterior` for nutpie."""
    parameters, group_scales, origin, geometry, layout, rows = unpack(words(address))
    point = numbers_at(x, dimension)
    value, grad = logit_log_posterior(point, parameters, group_scales, origin, geometry, layout, rows)
    return answer(value, grad, numbers_at(out, dimension), numbers_at(log_p, 1))


@kernel
def logit_draws(
    c: Array, L: Array, scales: Array, geometry: Geometry, layout: Layout, rows: Patterns, v: Array
) -> None:
    """Gamma and effects of draws from their coordinates.

    Parameters
    ----------
    c : (draw, column + effects)
        Coordinates, changed.
    L : (draw, effect, effect)
        Cholesky factors of G.
    scales : (draw, group)
        Of the groups of all factors; without groups where effects are normal.
    geometry, layout, rows
        The model.
    v : (draw, column + effects)
        Filled.
    """
    q, n = rows.Z.shape[0], rows.y.shape[0]
    n_groups = groups_of(layout, 0, layout.groups.shape[0])
    inverse, P = np.zeros((q, q)), np.empty((q, q))
    size = geometry.head_b.shape[0]
    head_K, head_w = np.zeros((size, size)), np.empty(size)
    K = np.zeros(geometry.M.shape[0])
    w = np.empty(c.shape[1] - rows.X.shape[0])
    eta = np.empty(n)
    for d in range(c.shape[0]):
        precision(L[d], inverse, P)
        by = inverse_squares(scales[d], n_groups)
        rows_position(c[d], P, by, geometry, layout, rows, v[d], head_K, head_w, K, w, eta)
