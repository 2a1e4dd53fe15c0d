"""Numba kernels of the change of coordinates that `hierkit.sampling.geometry` describes, each with its gradient."""

import numpy as np

from hierkit.sampling.densities import Kernel, kernel, row_kernel


@kernel
def precision(L: Kernel, inverse: Kernel, P: Kernel) -> None:
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
def stretch(directions: Kernel, factors: Kernel, x: Kernel) -> None:
    """Add factors_r (v_r'x) v_r to x for each of the orthonormal directions v_r (direction, coordinate)."""
    for r in range(directions.shape[0]):
        s = 0.0
        for i in range(directions.shape[1]):
            s += directions[r, i] * x[i]
        s *= factors[r]
        for i in range(directions.shape[1]):
            x[i] += s * directions[r, i]


@kernel
def unwhiten(M: Kernel, s: Kernel, P: Kernel, c: Kernel, K: Kernel, w: Kernel, u: Kernel) -> float:
    """Effects of the groups of one factor from their coordinates.

    Parameters
    ----------
    M, s, P : (group, effect, effect), (group, effect), (effect, effect)
        Information, its linear term, and the prior's precision.
    c : (group, effect)
        Coordinates.
    K, w, u : (group, effect, effect), (group, effect), (group, effect)
        Filled with the Cholesky factors, w = K^-1 s, and the effects.

    Returns
    -------
    float
        sum_j log|K_j|.
    """
    n_groups, q = u.shape
    log_det = 0.0
    for j in range(n_groups):
        for k in range(q):
            for m in range(k + 1):
                a = M[j, k, m] + P[k, m]
                for i in range(m):
                    a -= K[j, k, i] * K[j, m, i]
                K[j, k, m] = np.sqrt(a) if k == m else a / K[j, m, m]
            log_det += np.log(K[j, k, k])
            a = s[j, k]
            for i in range(k):
                a -= K[j, k, i] * w[j, i]
            w[j, k] = a / K[j, k, k]
        for k in range(q - 1, -1, -1):
            a = w[j, k] + c[j, k]
            for i in range(k + 1, q):
                a -= K[j, i, k] * u[j, i]
            u[j, k] = a / K[j, k, k]
    return log_det


@kernel
def unwhiten_gradient(
    K: Kernel, P: Kernel, w: Kernel, c: Kernel, u: Kernel, g: Kernel, grad_c: Kernel, grad_P: Kernel
) -> float:
    """One factor's part of the gradient, backwards through `unwhiten` and the prior N(0, G) of its effects.

    With g the derivative of the log posterior by u, h = K^-1 g and v = w + c, the derivative by c is h, by s it is
    K^-T h, and by A it is K^-T T K^-1, T_kk = -h_k (v_k + w_k) / 2 - 1/2 and T_km = -(v_k h_m + h_k w_m) / 2 for k > m.
    The prior -u'P u / 2 adds -P u to g and -u u' / 2 to the derivative by P.

    Parameters
    ----------
    K, P, w, c, u
        As in `unwhiten`.
    g : (group, effect)
        Derivative of the log likelihood by u; overwritten with that of the log posterior by s.
    grad_c : (group, effect)
        Filled.
    grad_P : (effect, effect)
        Added to.

    Returns
    -------
    float
        -sum_j u_j'P u_j / 2.
    """
    n_groups, q = u.shape
    h, T = np.empty(q), np.empty((q, q))
    total = 0.0
    for j in range(n_groups):
        for k in range(q):
            a = 0.0
            for m in range(q):
                a += P[k, m] * u[j, m]
            total -= 0.5 * a * u[j, k]
            a = g[j, k] - a
            for i in range(k):
                a -= K[j, k, i] * h[i]
            h[k] = a / K[j, k, k]
            grad_c[j, k] = h[k]
        for k in range(q):
            T[k, k] = -0.5 * h[k] * (2 * w[j, k] + c[j, k]) - 0.5
            for m in range(k):
                T[k, m] = -0.5 * ((w[j, k] + c[j, k]) * h[m] + h[k] * w[j, m])
                T[m, k] = T[k, m]
        # K^-T T K^-1: back substitution on the columns, then on the rows; g becomes K^-T h
        for m in range(q):
            for k in range(q - 1, -1, -1):
                a = T[k, m]
                for i in range(k + 1, q):
                    a -= K[j, i, k] * T[i, m]
                T[k, m] = a / K[j, k, k]
        for k in range(q - 1, -1, -1):
            a = h[k]
            for i in range(k + 1, q):
                a -= K[j, i, k] * g[j, i]
            g[j, k] = a / K[j, k, k]
            for m in range(q - 1, -1, -1):
                a = T[k, m]
                for i in range(m + 1, q):
                    a -= T[k, i] * K[j, i, m]
                T[k, m] = a / K[j, m, m]
                grad_P[k, m] += T[k, m] - 0.5 * u[j, k] * u[j, m]
    return total
