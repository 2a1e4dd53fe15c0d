"""Numba kernels from NUTS's coordinates to coefficients and effects, and back with the gradient.

See `hierkit.sampling.joint.coordinates` for the mathematics. The factors that are handled here are those whose ties to
the others are fixed matrices: all but the largest, which is integrated out of a Gaussian model, and tied by the rows
themselves in another.
"""

import numpy as np

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel, part
from hierkit.sampling.joint.coordinates import Geometry
from hierkit.sampling.joint.row_sums import less_products, less_transposed_products
from hierkit.sampling.joint.whitening import (
    stretch,
    unwhiten,
    unwhiten_gradient,
    unwhiten_head,
    unwhiten_head_gradient,
)
from hierkit.sampling.kernels.layout import Layout
from hierkit.sampling.kernels.loops import add_matrix, copy, matrix_product


@kernel
def groups_of(layout: Layout, first: int, end: int) -> int:
    """How many groups these factors have."""
    total = 0
    for f in range(first, end):
        total += layout.groups[f]
    return total


@kernel
def _fill_prior(P: Array, by: Array, geometry: Geometry, layout: Layout, prior: Array) -> None:
    """The precision (head, head) of the head's effects: a block of P for each of its groups, times the group's `by`."""
    group = 0
    at = prior.shape[0] - layout.first[geometry.head[0]]
    for f in range(geometry.head[0]):
        q, column = layout.effects[f], layout.columns[f]
        for j in range(group, group + layout.groups[f]):
            for k in range(q):
                for m in range(q):
                    prior[at + k, at + m] = by[j] * P[column + k, column + m]
            at += q
        group += layout.groups[f]


@part
def head_position(
    c: Array, P: Array, by: Array, geometry: Geometry, layout: Layout, v: Array, head_K: Array, head_w: Array
) -> float:
    """Fill gamma and the effects of the head's factors in v; return log|K|."""
    size = geometry.head_b.shape[0]
    prior = np.zeros((size, size))
    _fill_prior(P, by, geometry, layout, prior)
    return unwhiten_head(geometry.head_M, geometry.head_b, prior, c[:size], head_K, head_w, v[:size])


@part
def head_gradient(
    c: Array, P: Array, by: Array, geometry: Geometry, layout: Layout, v: Array, head_K: Array, head_w: Array, g: Array,
    grad_c: Array, grad_P: Array, by_scale: Array,
) -> float:  # fmt: skip
    """Backwards through `head_position`; g (head,) is the derivative by v and is changed. Returns -sum u'P u / 2.

    Fills by_scale if it has places.
    """
    size = geometry.head_b.shape[0]
    start = geometry.head_b.shape[0] - layout.first[geometry.head[0]]
    prior, grad_prior = np.zeros((size, size)), np.zeros((size, size))
    _fill_prior(P, by, geometry, layout, prior)
    total = unwhiten_head_gradient(head_K, prior, head_w, c[:size], v[:size], g, grad_c[:size], grad_prior)
    at = start
    group = 0
    heavy = by_scale.shape[0] > 0
    for f in range(geometry.head[0]):
        q, column = layout.effects[f], layout.columns[f]
        for j in range(group, group + layout.groups[f]):
            trace = 0.0
            for k in range(q):
                for m in range(q):
                    grad_P[column + k, column + m] += by[j] * grad_prior[at + k, at + m]
                    trace += prior[at + k, at + m] * grad_prior[at + k, at + m]
            if heavy:
                by_scale[j] = -2 * trace - q
            at += q
        group += layout.groups[f]
    return total


@part
def position(
    c: Array, P: Array, by: Array, geometry: Geometry, layout: Layout, end: int, v: Array, head_K: Array, head_w: Array,
    K: Array, w: Array,
) -> float:  # fmt: skip
    """From coordinates to coefficients and effects of the first factors.

    Parameters
    ----------
    c : (column + effects,)
        Coordinates; overwritten with the stretched ones.
    P : (effect, effect)
        G^-1 of all effects.
    by : (group,)
        What P is multiplied by in each group of these factors: the inverse square of the group's scale, 1 for normal
        effects.
    geometry, layout : Geometry, Layout
        As there.
    end : int
        How many factors.
    v : (column + effects,)
        Filled with gamma and the effects.
    head_K, head_w, K, w : (head, head), (head,), (...,), (effects,)
        Filled with Cholesky factors and K^-1 s, of the head and of the factors after it, flat.

    Returns
    -------
    float
        sum_j log|K_j|.
    """
    head = geometry.head[0]
    p = geometry.head_b.shape[0] - layout.first[head]
    at = 0
    tied = 0
    group = groups_of(layout, 0, head)
    # the head first, along the pilot's principal directions; then each factor given those before it
    stretch(geometry.directions, geometry.factors, c[: geometry.directions.shape[1]])
    log_det = head_position(c, P, by, geometry, layout, v, head_K, head_w)
    for f in range(head, end):
        n_groups = layout.groups[f]
        q = layout.effects[f]
        column = layout.columns[f]
        first = layout.first[f]
        own = slice(first, first + n_groups * q)
        size = n_groups * q * q
        width = geometry.widths[f - head]
        after = slice(first - layout.first[head], first - layout.first[head] + n_groups * q)
        # s = b - S v: what the rows say of this factor given all before it
        s = np.empty(n_groups * q)
        copy(geometry.b[after], s)
        less_products(geometry.S[tied : tied + n_groups * q * width].reshape((n_groups * q, width)), v, s)
        log_det += unwhiten(
            geometry.M[at : at + size].reshape((q, q, n_groups)),
            s.reshape((q, n_groups)),
            P[column : column + q, column : column + q],
            by[group : group + n_groups],
            c[p:][own].reshape((q, n_groups)),
            K[at : at + size].reshape((q, q, n_groups)),
            w[own].reshape((q, n_groups)),
            v[p:][own].reshape((q, n_groups)),
        )
        at += size
        tied += n_groups * q * width
        group += n_groups
    return log_det


@part
def position_gradient(
    c: Array, P: Array, by: Array, geometry: Geometry, layout: Layout, end: int, v: Array, head_K: Array, head_w: Array,
    K: Array, w: Array, grad_v: Array, grad_c: Array, grad_P: Array, by_scale: Array,
) -> float:  # fmt: skip
    """Backwards through `position`, the effects' prior with it.

    Parameters
    ----------
    c, P, by, geometry, layout, end, v, head_K, head_w, K, w
        As `position` left them.
    grad_v : (column + effects,)
        Derivative of all else by gamma and the effects; changed.
    grad_c : (column + effects,)
        Filled with the derivative of the log posterior by the coordinates.
    grad_P : (effect, effect)
        Added to.
    by_scale : (group,)
        Filled with the derivative by the log of each scale; without places for normal effects.

    Returns
    -------
    float
        -sum u'P u / 2 over groups and factors, with each group's own P.
    """
    head, total = geometry.head[0], 0.0
    p = geometry.head_b.shape[0] - layout.first[head]
    at = 0
    tied = 0
    group = groups_of(layout, 0, end)
    # where the last of these factors' blocks end: the way goes backwards
    for f in range(head, end):
        at += layout.groups[f] * layout.effects[f] ** 2
        tied += layout.groups[f] * layout.effects[f] * geometry.widths[f - head]
    for f in range(end - 1, head - 1, -1):
        n_groups = layout.groups[f]
        q = layout.effects[f]
        column = layout.columns[f]
        first = layout.first[f]
        own, block = slice(first, first + n_groups * q), slice(column, column + q)
        size, width = n_groups * q * q, geometry.widths[f - head]
        at -= size
        tied -= n_groups * q * width
        group -= n_groups
        g, grad_own = grad_v[p:][own], np.zeros((q, q))
        # through K_j' t = c + w, and the prior -u'P u / 2
        total += unwhiten_gradient(
            K[at : at + size].reshape((q, q, n_groups)),
            P[block, block],
            by[group : group + n_groups],
            w[own].reshape((q, n_groups)),
            c[p:][own].reshape((q, n_groups)),
            v[p:][own].reshape((q, n_groups)),
            g.reshape((q, n_groups)),
            grad_c[p:][own].reshape((q, n_groups)),
            grad_own,
            by_scale[group : group + n_groups],
        )
        add_matrix(grad_own, grad_P[block, block])
        # through s = b - S v to all before it
        less_transposed_products(
            geometry.S[tied : tied + n_groups * q * width].reshape((n_groups * q, width)), g, grad_v
        )
    total += head_gradient(
        c, P, by, geometry, layout, v, head_K, head_w, grad_v[: geometry.head_b.shape[0]], grad_c, grad_P, by_scale
    )
    stretch(geometry.directions, geometry.factors, grad_c[: geometry.directions.shape[1]])
    return total


@kernel
def factors_gradient(
    layout: Layout, scales: Array, L: Array, L_inverse: Array, P: Array, grad_P: Array, grad_L: Array
) -> float:
    """Add to grad_L what the derivative by P and the effects' priors give; returns -sum log|L| over groups.

    `scales` (group,) is what L is multiplied by in each group; it has no places where effects are normal.

    G = L L': the derivative by L is -2 P (dP) P L = -2 P (dP) L^-T, and log|G| adds -J / L_kk.
    """
    q, total = L.shape[0], 0.0
    half, by_L = np.empty((q, q)), np.empty((q, q))
    matrix_product(P, grad_P, half)
    matrix_product(half, L_inverse.T, by_L)
    for k in range(q):
        for m in range(q):
            grad_L[k, m] -= 2.0 * by_L[k, m]
    for f in range(layout.groups.shape[0]):
        for k in range(layout.columns[f], layout.columns[f] + layout.effects[f]):
            total -= layout.groups[f] * np.log(L[k, k])
            grad_L[k, k] -= layout.groups[f] / L[k, k]
    group = 0
    for f in range(layout.groups.shape[0] if scales.shape[0] else 0):
        for j in range(group, group + layout.groups[f]):
            total -= layout.effects[f] * np.log(scales[j])
        group += layout.groups[f]
    return total
