"""Numba kernels of the engine `joint`: parameters and effects together, any factors, Gaussian, Bernoulli or counts.

See `hierkit.sampling.geometry` for the coordinates of coefficients and effects, and `hierkit.sampling.parameters` for
the others.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.model.terms import Array
from hierkit.sampling.densities import (
    Kernel,
    answer,
    callback,
    correlation_cholesky,
    correlation_cholesky_gradient,
    kernel,
    log_priors,
    numbers_at,
    row_kernel,
    words,
)
from hierkit.sampling.geometry import Geometry
from hierkit.sampling.logistic import binomial_rows
from hierkit.sampling.packing import matrix, vector
from hierkit.sampling.patterns import Layout, Patterns
from hierkit.sampling.whitening import precision, stretch, unwhiten, unwhiten_gradient


class Numbers(NamedTuple):
    """The parameters' codes, numbers and pairs of effects (of all factors), as in `hierkit.sampling.densities`."""

    codes: NDArray[np.int64]
    numbers: Array
    pairs: NDArray[np.int64]


@row_kernel
def add_columns(beta: Kernel, X: Kernel, eta: Kernel) -> None:
    """Add X' beta to eta, for X (column, row)."""
    for k in range(X.shape[0]):
        b = beta[k]
        for i in range(eta.shape[0]):
            eta[i] += b * X[k, i]


@row_kernel
def column_products(X: Kernel, r: Kernel, grad: Kernel) -> None:
    """Add X r to grad, for X (column, row)."""
    for k in range(X.shape[0]):
        s = 0.0
        for i in range(r.shape[0]):
            s += X[k, i] * r[i]
        grad[k] += s


@row_kernel
def add_effects(u: Kernel, Z: Kernel, codes: Kernel, eta: Kernel) -> None:
    """Add each row's effects (effect, group) times Z (effect, row) to eta."""
    for k in range(Z.shape[0]):
        for i in range(eta.shape[0]):
            eta[i] += Z[k, i] * u[k, codes[i]]


@row_kernel
def effect_products(Z: Kernel, codes: Kernel, r: Kernel, grad: Kernel) -> None:
    """Add each row's Z r to its group's entries of grad (effect, group)."""
    for k in range(Z.shape[0]):
        for i in range(r.shape[0]):
            grad[k, codes[i]] += Z[k, i] * r[i]


@row_kernel
def group_products(Z: Kernel, starts: Kernel, r: Kernel, grad: Kernel) -> None:
    """Add Z_j r_j to grad (effect, group), for rows sorted by group."""
    for k in range(Z.shape[0]):
        for j in range(grad.shape[1]):
            s = 0.0
            for i in range(starts[j], starts[j + 1]):
                s += Z[k, i] * r[i]
            grad[k, j] += s


@row_kernel
def gaussian_rows(eta: Kernel, y: Kernel, size: Kernel, precision: float, residual: Kernel) -> float:
    """Sum of squares, in units of 1 / precision, of `size` rows of mean y around eta.

    Fills `residual` with precision size (y - eta), the derivative by eta of minus half that sum.
    """
    total = 0.0
    for i in range(eta.shape[0]):
        r = y[i] - eta[i]
        residual[i] = precision * size[i] * r
        total += r * residual[i]
    return total


@row_kernel
def less_products(S: Kernel, v: Kernel, s: Kernel) -> None:
    """Subtract S v from s."""
    for j in range(S.shape[0]):
        a = 0.0
        for k in range(S.shape[1]):
            a += S[j, k] * v[k]
        s[j] -= a


@row_kernel
def less_transposed_products(S: Kernel, g: Kernel, grad: Kernel) -> None:
    """Subtract S'g from grad."""
    for j in range(S.shape[0]):
        for k in range(S.shape[1]):
            grad[k] -= S[j, k] * g[j]


@kernel
def effect_factors(value: Kernel, slope: Kernel, pairs: Kernel, C: Kernel, L: Kernel, left: Kernel) -> None:
    """Fill C and L = diag(sds) C, Cholesky factors of the correlations and of G of all effects, block by block."""
    q = C.shape[0]
    correlation_cholesky(value[q:], slope[q:], pairs, C, left)
    for k in range(q):
        for m in range(q):
            L[k, m] = value[k] * C[k, m] if m <= k else 0.0


@kernel
def position(
    c: Kernel, P: Kernel, ratio: float, geometry: Kernel, layout: Kernel, rows: Kernel,
    v: Kernel, K: Kernel, w: Kernel, eta: Kernel,
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
    v, K, w, eta : (column + all effects,), (...,), (all effects,), (pattern,)
        Filled with coefficients and effects, Cholesky factors and K^-1 s, flat, and Z u.

    Returns
    -------
    float
        sum_j log|K_j|.
    """
    p, n_factors = geometry.centre.shape[0], layout.groups.shape[0]
    stretch(geometry.directions, geometry.factors, c[: geometry.directions.shape[1]])
    v[:p] = geometry.centre + geometry.scale @ c[:p]
    u, eta[:] = v[p:], 0.0
    at, tied, log_det = 0, 0, 0.0
    for f in range(n_factors):
        n_groups, q, column, first = layout.groups[f], layout.effects[f], layout.columns[f], layout.first[f]
        own, Z, last = slice(first, first + n_groups * q), rows.Z[column : column + q], f == n_factors - 1
        size, width = n_groups * q * q, p if last else p + first
        M, s = geometry.M[at : at + size], geometry.b[own].copy()
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
    c: Kernel, P: Kernel, integrated: bool, geometry: Kernel, layout: Kernel, rows: Kernel, v: Kernel, K: Kernel,
    w: Kernel, residual: Kernel, grad_v: Kernel, grad_c: Kernel, grad_P: Kernel,
) -> Kernel:  # fmt: skip
    """Backwards through `position`, the effects' prior with it.

    Parameters
    ----------
    c, P, geometry, layout, rows, v, K, w
        As `position` left them.
    integrated : bool
        Whether the last factor's effects are at their conditional mean, where the log posterior is flat in them.
    residual : (pattern,)
        Derivative of the log likelihood by eta; changed.
    grad_v : (column + all effects,)
        Derivative by beta through the rows and its prior, then zeros; changed.
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
    p, n_factors = geometry.centre.shape[0], layout.groups.shape[0]
    at, tied, total, d_ratio = geometry.M.shape[0], geometry.S.shape[0], 0.0, 0.0
    u, grad_u = v[p:], grad_v[p:]
    for f in range(n_factors - 1, -1, -1):
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
    grad_c[:p] = geometry.scale.T @ grad_v[:p]
    stretch(geometry.directions, geometry.factors, grad_c[: geometry.directions.shape[1]])
    return total, d_ratio


@kernel
def joint_log_posterior(x: Kernel, parameters: Kernel, geometry: Kernel, layout: Kernel, rows: Kernel) -> Kernel:
    """Log posterior at a real vector, and its gradient.

    Given the rest, a Gaussian model's effects of the last factor are normal: with weights 1 / sigma² in place of the
    pilot's their coordinates are N(0, I), independent of all else. They are left out here and drawn afterwards.

    Parameters
    ----------
    x : (parameter + effects,)
        Coordinates of the coefficients, the other parameters as in `log_priors`, coordinates of the effects; without
        those of the last factor for a Gaussian outcome.
    parameters, geometry, layout, rows : Numbers, Geometry, Layout, Patterns
        The model.
    """
    head, p, q = parameters.codes.shape[0], geometry.centre.shape[0], rows.Z.shape[0]
    n_pairs, n = parameters.pairs.shape[0], rows.y.shape[0]
    gaussian = head > p + q + n_pairs
    c, sampled = np.zeros(p + geometry.b.shape[0]), p + x.shape[0] - head
    c[:p], c[p:sampled] = x[:p], x[head:]
    C, L, left = np.empty((q, q)), np.zeros((q, q)), np.empty(n_pairs)
    L_inverse, P = np.zeros((q, q)), np.empty((q, q))
    value, slope, grad_head = np.empty(head), np.empty(head), np.empty(head)
    point = x[:head].copy()
    log_priors(point[p:], parameters.codes[p:], parameters.numbers[p:], value[p:], slope[p:], grad_head[p:])
    effect_factors(value[p:], slope[p:], parameters.pairs, C, L, left)
    precision(L, L_inverse, P)
    v, K, w, eta = np.empty(c.shape[0]), np.zeros(geometry.M.shape[0]), np.empty(c.shape[0] - p), np.empty(n)
    ratio = geometry.sigma2 / value[head - 1] ** 2 if gaussian else 1.0
    total = -position(c, P, ratio, geometry, layout, rows, v, K, w, eta)
    point[:p] = v[:p]
    total += log_priors(point, parameters.codes, parameters.numbers, value, slope, grad_head)
    eta += rows.offset
    add_columns(value[:p], rows.X, eta)
    residual = np.empty(n)
    if gaussian:
        sigma, count = value[head - 1], rows.size.sum()
        squares = rows.within / sigma**2 + gaussian_rows(eta, rows.y, rows.size, 1 / sigma**2, residual)
        total -= 0.5 * squares + count * np.log(sigma)
        grad_head[head - 1] += (squares - count) / sigma * slope[head - 1]
    else:
        total += binomial_rows(eta, rows.y, rows.size, residual)
    grad_v, grad_c, grad_P = np.zeros(c.shape[0]), np.empty(c.shape[0]), np.zeros((q, q))
    grad_v[:p] = grad_head[:p]
    column_products(rows.X, residual, grad_v[:p])
    prior, d_ratio = position_gradient(
        c, P, gaussian, geometry, layout, rows, v, K, w, residual, grad_v, grad_c, grad_P
    )
    total += prior
    if gaussian:
        grad_head[head - 1] -= 2 * d_ratio / value[head - 1] * slope[head - 1]
    total += _scales_gradient(value[p:], slope[p:], parameters.pairs, layout, C, L, L_inverse, P, left, grad_P,
                              grad_head[p:])  # fmt: skip
    grad_head[:p] = grad_c[:p]
    return total, np.concatenate((grad_head, grad_c[p:sampled]))


@kernel
def _scales_gradient(
    value: Kernel, slope: Kernel, pairs: Kernel, layout: Kernel, C: Kernel, L: Kernel, L_inverse: Kernel, P: Kernel,
    left: Kernel, grad_P: Kernel, grad: Kernel,
) -> float:  # fmt: skip
    """From the derivative by P to that by sds and partial correlations, added to grad; returns -sum_f J_f log|L_f|.

    G = L L': the derivative by L is -2 P (dP) P L = -2 P (dP) L^-T, and log|G| adds -J / L_kk.
    """
    q = C.shape[0]
    grad_L = -2.0 * (P @ grad_P) @ np.ascontiguousarray(L_inverse.T)
    total = 0.0
    for f in range(layout.groups.shape[0]):
        for k in range(layout.columns[f], layout.columns[f] + layout.effects[f]):
            total -= layout.groups[f] * np.log(L[k, k])
            grad_L[k, k] -= layout.groups[f] / L[k, k]
    for k in range(q):
        s = 0.0
        for m in range(k + 1):
            s += grad_L[k, m] * C[k, m]
            grad_L[k, m] *= value[k]
        grad[k] += s * slope[k]
    correlation_cholesky_gradient(value[q:], slope[q:], pairs, left, grad_L, grad[q:])
    return total


@kernel
def unpack(block: Kernel) -> Kernel:
    """Parameters, geometry, layout and rows as `hierkit.sampling.joint` packs them."""
    i = np.arange(25)  # numba would compile the readers anew for each literal number
    parameters = Numbers(matrix(block, i[0]).view(np.int64), matrix(block, i[1]), matrix(block, i[2]).view(np.int64))
    geometry = Geometry(
        vector(block, i[3]), matrix(block, i[4]), matrix(block, i[5]), vector(block, i[6]), vector(block, i[7]),
        vector(block, i[8]), vector(block, i[9]), vector(block, i[10]), vector(block, i[11])[0],
    )  # fmt: skip
    layout = Layout(
        vector(block, i[12]).view(np.int64), vector(block, i[13]).view(np.int64), vector(block, i[14]).view(np.int64),
        vector(block, i[15]).view(np.int64), vector(block, i[16]).view(np.int64),
    )  # fmt: skip
    rows = Patterns(
        matrix(block, i[17]), matrix(block, i[18]), matrix(block, i[19]).view(np.int64),
        vector(block, i[20]).view(np.int64), vector(block, i[21]), vector(block, i[22]), vector(block, i[23]),
        vector(block, i[24])[0],
    )  # fmt: skip
    return parameters, geometry, layout, rows


@callback
def joint_callback(dimension: int, x: Kernel, out: Kernel, log_p: Kernel, address: Kernel) -> int:
    """`joint_log_posterior` for nutpie."""
    parameters, geometry, layout, rows = unpack(words(address))
    value, grad = joint_log_posterior(numbers_at(x, dimension), parameters, geometry, layout, rows)
    return answer(value, grad, numbers_at(out, dimension), numbers_at(log_p, 1))


@kernel
def joint_draws(c: Kernel, L: Kernel, sigma: Kernel, geometry: Kernel, layout: Kernel, rows: Kernel, v: Kernel) -> None:
    """Coefficients and effects of draws from their coordinates.

    Parameters
    ----------
    c : (draw, column + all effects)
        Coordinates, changed.
    L : (draw, effect, effect)
        Cholesky factors of G.
    sigma : (draw,)
        Residual sds; the pilot's where the outcome has none.
    geometry, layout, rows
        The model.
    v : (draw, column + all effects)
        Filled.
    """
    q, n = rows.Z.shape[0], rows.y.shape[0]
    inverse, P = np.zeros((q, q)), np.empty((q, q))
    K, w, eta = np.zeros(geometry.M.shape[0]), np.empty(geometry.b.shape[0]), np.empty(n)
    for d in range(c.shape[0]):
        precision(L[d], inverse, P)
        position(c[d], P, geometry.sigma2 / sigma[d] ** 2, geometry, layout, rows, v[d], K, w, eta)
