"""Numba kernels of the change of coordinates in `hierkit.sampling.joint.coordinates`, each with its gradient."""

import numpy as np

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel, row_kernel
from hierkit.sampling.kernels.loops import copy_matrix


@kernel
def precision(L: Array, inverse: Array, P: Array) -> None:
    """Fill `inverse` with L^-1 and P with G^-1 = L^-T L^-1, for lower triangular L."""
    q = L.shape[0]
    for m in range(q):
        for k in range(q):
            s = 1.0 if k == m else 0.0
            for i in range(m, k):
                s -= L[k, i] * inverse[i, m]
            inverse[k, m] = s / L[k, k] if k >= m else 0.0
    for k in range(q):
        for m in range(q):
            s = 0.0
            for i in range(max(k, m), q):
                s += inverse[i, k] * inverse[i, m]
            P[k, m] = s


@row_kernel
def stretch(directions: Array, factors: Array, x: Array) -> None:
    """Add factors_r (v_r'x) v_r to x for each of the orthonormal directions v_r (direction, coordinate)."""
    for r in range(directions.shape[0]):
        s = 0.0
        for i in range(directions.shape[1]):
            s += directions[r, i] * x[i]
        s *= factors[r]
        for i in range(directions.shape[1]):
            x[i] += s * directions[r, i]


@row_kernel
def unwhiten(M: Array, s: Array, P: Array, by: Array, c: Array, K: Array, w: Array, u: Array) -> float:
    """Effects of the groups of one factor from their coordinates.

    The innermost loops go over groups, so that the compiler does several at once.

    Parameters
    ----------
    M, s, P : (effect, effect, group), (effect, group), (effect, effect)
        Information, its linear term, and the prior's precision.
    by : (group,)
        What P is multiplied by in each group: 1 for normal effects.
    c : (effect, group)
        Coordinates.
    K, w, u : (effect, effect, group), (effect, group), (effect, group)
        Filled with the Cholesky factors, w = K^-1 s, and the effects.

    Returns
    -------
    float
        sum_j log|K_j|.
    """
    q, n_groups = u.shape
    det = np.ones(n_groups)
    for k in range(q):
        for m in range(k + 1):
            for j in range(n_groups):
                K[k, m, j] = M[k, m, j] + P[k, m] * by[j]
            for i in range(m):
                for j in range(n_groups):
                    K[k, m, j] -= K[k, i, j] * K[m, i, j]
            for j in range(n_groups):
                K[k, m, j] = np.sqrt(K[k, m, j]) if k == m else K[k, m, j] / K[m, m, j]
        for j in range(n_groups):
            det[j] *= K[k, k, j]
            w[k, j] = s[k, j]
        for i in range(k):
            for j in range(n_groups):
                w[k, j] -= K[k, i, j] * w[i, j]
        for j in range(n_groups):
            w[k, j] /= K[k, k, j]
    for k in range(q - 1, -1, -1):
        for j in range(n_groups):
            u[k, j] = w[k, j] + c[k, j]
        for i in range(k + 1, q):
            for j in range(n_groups):
                u[k, j] -= K[i, k, j] * u[i, j]
        for j in range(n_groups):
            u[k, j] /= K[k, k, j]
    log_det = 0.0
    for j in range(n_groups):
        log_det += np.log(det[j])
    return log_det


@row_kernel
def unwhiten_gradient(
    K: Array, P: Array, by: Array, w: Array, c: Array, u: Array, g: Array, grad_c: Array, grad_P: Array,
    by_scale: Array,
) -> float:  # fmt: skip
    """One factor's part of the gradient, backwards through `unwhiten` and the prior N(0, G) of its effects.

    With g the derivative of the log posterior by u, h = K^-1 g and v = w + c, the derivative by c is h, by s it is
    K^-T h, and by A it is K^-T T K^-1, T_kk = -h_k (v_k + w_k) / 2 - 1/2 and T_km = -(v_k h_m + h_k w_m) / 2 for k > m.
    The prior -u'P u / 2 adds -P u to g and -u u' / 2 to the derivative by P.

    Parameters
    ----------
    K, P, by, w, c, u
        As in `unwhiten`.
    g : (effect, group)
        Derivative of the log likelihood by u; overwritten with that of the log posterior by s.
    grad_c : (effect, group)
        Filled with h.
    grad_P : (effect, effect)
        Added to.
    by_scale : (group,)
        Filled with the derivative by the log of a group's scale, of which `by` is the inverse square; without places
        for normal effects.

    Returns
    -------
    float
        -sum_j u_j'P u_j / 2, with each group's own P.
    """
    q, n_groups = u.shape
    T = np.empty((q, q, n_groups))
    h = grad_c
    total = 0.0
    for k in range(q):
        for m in range(q):
            for j in range(n_groups):
                g[k, j] -= by[j] * P[k, m] * u[m, j]
                total -= 0.5 * by[j] * P[k, m] * u[m, j] * u[k, j]
        for j in range(n_groups):
            h[k, j] = g[k, j]
        for i in range(k):
            for j in range(n_groups):
                h[k, j] -= K[k, i, j] * h[i, j]
        for j in range(n_groups):
            h[k, j] /= K[k, k, j]
    for k in range(q):
        for j in range(n_groups):
            T[k, k, j] = -0.5 * h[k, j] * (2 * w[k, j] + c[k, j]) - 0.5
        for m in range(k):
            for j in range(n_groups):
                T[k, m, j] = -0.5 * ((w[k, j] + c[k, j]) * h[m, j] + h[k, j] * w[m, j])
                T[m, k, j] = T[k, m, j]
    # K^-T T K^-1: back substitution on the columns, then on the rows; g becomes K^-T h
    for m in range(q):
        for k in range(q - 1, -1, -1):
            for i in range(k + 1, q):
                for j in range(n_groups):
                    T[k, m, j] -= K[i, k, j] * T[i, m, j]
            for j in range(n_groups):
                T[k, m, j] /= K[k, k, j]
    for k in range(q - 1, -1, -1):
        for j in range(n_groups):
            g[k, j] = h[k, j]
        for i in range(k + 1, q):
            for j in range(n_groups):
                g[k, j] -= K[i, k, j] * g[i, j]
        for j in range(n_groups):
            g[k, j] /= K[k, k, j]
        for m in range(q - 1, -1, -1):
            for i in range(m + 1, q):
                for j in range(n_groups):
                    T[k, m, j] -= T[k, i, j] * K[i, m, j]
            s = 0.0
            for j in range(n_groups):
                T[k, m, j] /= K[m, m, j]
                s += by[j] * (T[k, m, j] - 0.5 * u[k, j] * u[m, j])
            grad_P[k, m] += s
    # P is divided by the square of the scale, and the prior's constant by the scale for each effect
    for j in range(by_scale.shape[0]):
        by_scale[j] = -float(q)
        for k in range(q):
            for m in range(q):
                by_scale[j] -= by[j] * P[k, m] * (2 * T[k, m, j] - u[k, j] * u[m, j])
    return total


@kernel
def unwhiten_head(M: Array, s: Array, P: Array, c: Array, K: Array, w: Array, v: Array) -> float:
    """As `unwhiten`, for the one large system of the head; returns log|K|.

    Parameters
    ----------
    M, P : (coordinate, coordinate)
        Information, and the prior's precision.
    s, c : (coordinate,)
        The linear term, and coordinates.
    K, w, v : (coordinate, coordinate), (coordinate,), (coordinate,)
        Filled with the Cholesky factor, K^-1 s, and gamma with the head's effects.
    """
    size, log_det = s.shape[0], 0.0
    for k in range(size):
        for m in range(k + 1):
            t = M[k, m] + P[k, m]
            for i in range(m):
                t -= K[k, i] * K[m, i]
            K[k, m] = np.sqrt(t) if k == m else t / K[m, m]
        log_det += np.log(K[k, k])
        t = s[k]
        for i in range(k):
            t -= K[k, i] * w[i]
        w[k] = t / K[k, k]
    for k in range(size - 1, -1, -1):
        t = w[k] + c[k]
        for i in range(k + 1, size):
            t -= K[i, k] * v[i]
        v[k] = t / K[k, k]
    return log_det


@kernel
def unwhiten_head_gradient(
    K: Array, P: Array, w: Array, c: Array, v: Array, g: Array, grad_c: Array, grad_P: Array
) -> float:
    """As `unwhiten_gradient`, for the head; returns -v'P v / 2.

    Parameters
    ----------
    K, P, w, c, v
        As in `unwhiten_head`.
    g : (coordinate,)
        Derivative of the log likelihood by v; changed.
    grad_c, grad_P : (coordinate,), (coordinate, coordinate)
        Filled.
    """
    size, total = v.shape[0], 0.0
    for k in range(size):
        t = 0.0
        for m in range(size):
            t += P[k, m] * v[m]
        total -= 0.5 * t * v[k]
        g[k] -= t
        t = g[k]
        for i in range(k):
            t -= K[k, i] * grad_c[i]
        grad_c[k] = t / K[k, k]
    for k in range(size):
        for m in range(k + 1):
            t = -0.5 * ((w[k] + c[k]) * grad_c[m] + grad_c[k] * w[m])
            grad_P[k, m] = grad_P[m, k] = t
        grad_P[k, k] -= 0.5
    _solve_rows(K, grad_P)
    other = np.empty((size, size))
    copy_matrix(grad_P.T, other)
    _solve_rows(K, other)
    for k in range(size):
        for m in range(size):
            grad_P[k, m] = other[k, m] - 0.5 * v[k] * v[m]
    return total


@row_kernel
def _solve_rows(K: Array, rows: Array) -> None:
    """K^-T times a matrix, in its place."""
    size = K.shape[0]
    for k in range(size - 1, -1, -1):
        for i in range(k + 1, size):
            factor = K[i, k]
            for m in range(size):
                rows[k, m] -= factor * rows[i, m]
        for m in range(size):
            rows[k, m] /= K[k, k]
