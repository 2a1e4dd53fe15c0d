"""Numba kernels from NUTS's coordinates to coefficients and effects, and back with the gradient.

See `hierkit.sampling.geometry` for the mathematics.
"""

import numpy as np

from hierkit.sampling.densities import Kernel, kernel
from hierkit.sampling.row_sums import (
    add_effects,
    effect_products,
    group_products,
    less_products,
    less_transposed_products,
)
from hierkit.sampling.whitening import (
    stretch,
    unwhiten,
    unwhiten_gradient,
    unwhiten_head,
    unwhiten_head_gradient,
)


@kernel
def head_position(
    c: Kernel, P: Kernel, geometry: Kernel, layout: Kernel, v: Kernel, head_K: Kernel, head_w: Kernel
) -> float:
    """Fill gamma and the effects of the head's factors in v; return log|K|."""
    size = geometry.head_b.shape[0]
    prior = np.zeros((size, size))
    at = size - layout.first[geometry.head[0]]
    for f in range(geometry.head[0]):
        q, column = layout.effects[f], layout.columns[f]
        for _ in range(layout.groups[f]):
            prior[at : at + q, at : at + q] = P[column : column + q, column : column + q]
            at += q
    return unwhiten_head(geometry.head_M, geometry.head_b, prior, c[:size], head_K, head_w, v[:size])


@kernel
def head_gradient(
    c: Kernel, P: Kernel, geometry: Kernel, layout: Kernel, v: Kernel, head_K: Kernel, head_w: Kernel, g: Kernel,
    grad_c: Kernel, grad_P: Kernel,
) -> float:  # fmt: skip
    """Backwards through `head_position`; g (head,) is the derivative by v and is changed. Returns -sum u'P u / 2."""
    size, start = geometry.head_b.shape[0], geometry.head_b.shape[0] - layout.first[geometry.head[0]]
    prior, grad_prior = np.zeros((size, size)), np.zeros((size, size))
    at = start
    for f in range(geometry.head[0]):
        q, column = layout.effects[f], layout.columns[f]
        for _ in range(layout.groups[f]):
            prior[at : at + q, at : at + q] = P[column : column + q, column : column + q]
            at += q
    total = unwhiten_head_gradient(head_K, prior, head_w, c[:size], v[:size], g, grad_c[:size], grad_prior)
    at = start
    for f in range(geometry.head[0]):
        q, column = layout.effects[f], layout.columns[f]
        for _ in range(layout.groups[f]):
            for k in range(q):
                for m in range(q):
                    grad_P[column + k, column + m] += grad_prior[at + k, at + m]
            at += q
    return total


@kernel
def position(
    c: Kernel, P: Kernel, ratio: float, geometry: Kernel, layout: Kernel, rows: Kernel,
    v: Kernel, head_K: Kernel, head_w: Kernel, K: Kernel, w: Kernel, eta: Kernel,
) -> float:  # fmt: skip
    """From coordinates to coefficients, effects, and what the effects add to each row.

    Parameters
    ----------
    c : (column + all effects,)
        Coordinates; overwritten with the stretched ones.
    P : (effect, effect)
        G^-1 of all effects.
    ratio : float
        What the pilot's weights are multiplied by for the last factor.
    geometry, layout, rows : Geometry, Layout, Patterns
        As there.
    v, eta : (column + all effects,), (pattern,)
        Filled with gamma and the effects, and with Z u.
    head_K, head_w, K, w : (head, head), (head,), (...,), (all effects,)
        Filled with Cholesky factors and K^-1 s, of the head and of the factors after it, flat.

    Returns
    -------
    float
        sum_j log|K_j|.
    """
    p, n_factors, head = rows.X.shape[0], layout.groups.shape[0], geometry.head[0]
    stretch(geometry.directions, geometry.factors, c[: geometry.directions.shape[1]])
    u, eta[:] = v[p:], 0.0
    at, tied = 0, 0
    log_det = head_position(c, P, geometry, layout, v, head_K, head_w)
    for f in range(head):
        first, n_groups, q, column = layout.first[f], layout.groups[f], layout.effects[f], layout.columns[f]
        effects = u[first : first + n_groups * q].reshape((n_groups, q)).T
        add_effects(effects, rows.Z[column : column + q], rows.codes[f], eta)
    for f in range(head, n_factors):
        n_groups, q, column, first = layout.groups[f], layout.effects[f], layout.columns[f], layout.first[f]
        own, Z, last = slice(first, first + n_groups * q), rows.Z[column : column + q], f == n_factors - 1
        size, width = n_groups * q * q, p if last else p + first
        after = slice(first - layout.first[head], first - layout.first[head] + n_groups * q)
        M, s = geometry.M[at : at + size], geometry.b[after].copy()
        less_products(geometry.S[tied : tied + n_groups * q * width].reshape((n_groups * q, width)), v, s)
        if last and f > 0:
            coupled = np.zeros((q, n_groups))
            group_products(Z, rows.starts, geometry.W * eta, coupled)
            s -= coupled.ravel()
        if last:
            M, s = ratio * M, ratio * s
        log_det += unwhiten(
            M.reshape((q, q, n_groups)),
            s.reshape((q, n_groups)),
            P[column : column + q, column : column + q],
            c[p:][own].reshape((q, n_groups)),
            K[at : at + size].reshape((q, q, n_groups)),
            w[own].reshape((q, n_groups)),
            u[own].reshape((q, n_groups)),
        )
        add_effects(u[own].reshape((q, n_groups)), Z, rows.codes[f], eta)
        at, tied = at + size, tied + n_groups * q * width
    return log_det


@kernel
def position_gradient(
    c: Kernel, P: Kernel, integrated: bool, geometry: Kernel, layout: Kernel, rows: Kernel, v: Kernel,
    head_K: Kernel, head_w: Kernel, K: Kernel, w: Kernel, residual: Kernel, grad_v: Kernel, grad_c: Kernel,
    grad_P: Kernel,
) -> Kernel:  # fmt: skip
    """Backwards through `position`, the effects' prior with it.

    Parameters
    ----------
    c, P, geometry, layout, rows, v, head_K, head_w, K, w
        As `position` left them.
    integrated : bool
        Whether the last factor's effects are at their conditional mean, where the log posterior is flat in them.
    residual : (pattern,)
        Derivative of the log likelihood by eta; changed.
    grad_v : (column + all effects,)
        Derivative by gamma through the rows and its prior, then zeros; changed.
    grad_c : (column + all effects,)
        Filled with the derivative of the log posterior by the coordinates.
    grad_P : (effect, effect)
        Added to.

    Returns
    -------
    total, d_ratio : float
        -sum u'P u / 2 over groups and factors, and the derivative of -sum_j log|K_j| of the last factor by the log of
        `ratio`.
    """
    p, n_factors, head = rows.X.shape[0], layout.groups.shape[0], geometry.head[0]
    at, tied, total, d_ratio = geometry.M.shape[0], geometry.S.shape[0], 0.0, 0.0
    u, grad_u = v[p:], grad_v[p:]
    for f in range(n_factors - 1, head - 1, -1):
        n_groups, q, column, first = layout.groups[f], layout.effects[f], layout.columns[f], layout.first[f]
        own, Z, last = slice(first, first + n_groups * q), rows.Z[column : column + q], f == n_factors - 1
        block, size, width = slice(column, column + q), n_groups * q * q, p if last else p + first
        at, tied = at - size, tied - n_groups * q * width
        effects, own_P, g = u[own].reshape((q, n_groups)), P[block, block], grad_u[own].reshape((q, n_groups))
        if last and integrated:
            g += np.ascontiguousarray(own_P) @ effects
        elif last:
            group_products(Z, rows.starts, residual, g)
        else:
            effect_products(Z, rows.codes[f], residual, g)
        grad_own = np.zeros((q, q))
        prior = unwhiten_gradient(
            K[at : at + size].reshape((q, q, n_groups)),
            own_P,
            w[own].reshape((q, n_groups)),
            c[p:][own].reshape((q, n_groups)),
            effects,
            g,
            grad_c[p:][own].reshape((q, n_groups)),
            grad_own,
        )
        total += prior
        grad_P[block, block] += grad_own
        if last:
            # A = ratio M + P: tr(A^-1 ratio M) = q - tr(A^-1 P), and grad_own holds -A^-1 / 2 - u u' / 2
            d_ratio = prior - np.sum(own_P * grad_own) - 0.5 * n_groups * q
        if not (last and integrated):
            S = geometry.S[tied : tied + n_groups * q * width].reshape((n_groups * q, width))
            less_transposed_products(S, g.ravel(), grad_v)
        if last and f > 0 and not integrated:
            add_effects(-g, geometry.W * Z, rows.codes[f], residual)
    for f in range(head):
        first, n_groups, q, column = layout.first[f], layout.groups[f], layout.effects[f], layout.columns[f]
        g = grad_u[first : first + n_groups * q].reshape((n_groups, q)).T
        effect_products(rows.Z[column : column + q], rows.codes[f], residual, g)
    total += head_gradient(
        c, P, geometry, layout, v, head_K, head_w, grad_v[: geometry.head_b.shape[0]], grad_c, grad_P
    )
    stretch(geometry.directions, geometry.factors, grad_c[: geometry.directions.shape[1]])
    return total, d_ratio
