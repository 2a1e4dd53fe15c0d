"""Numba kernels of the engine `joint`: a Bernoulli or binomial model with one grouping factor, whitened by a pilot.

With pilot weights W, M_j = Z_j'W Z_j, B_j = Z_j'W X_j and s_j = b_j - B_j (beta - b), the effects of group j are

    u_j = A_j^-1 s_j + K_j^-T c_j,      A_j = M_j + G^-1 = K_j K_j'

Were the rows Gaussian with these weights, c would be N(0, I), independent of all else. It is exact for any likelihood:
only the coordinates change, and the log Jacobian is -sum_j log|K_j|.
"""

import numpy as np

from hierkit.sampling.densities import (
    Kernel,
    correlation_cholesky,
    correlation_cholesky_gradient,
    kernel,
    log_priors,
    row_kernel,
)


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


@kernel
def whiten_group(
    M: Kernel, B: Kernel, b: Kernel, P: Kernel, delta: Kernel, c: Kernel, K: Kernel, w: Kernel, u: Kernel
) -> float:
    """Effects of one group from their coordinates c; fills K, w = K^-1 s and u, and returns log|K|."""
    q, p = u.shape[0], delta.shape[0]
    log_det = 0.0
    for k in range(q):
        for m in range(k + 1):
            s = M[k, m] + P[k, m]
            for i in range(m):
                s -= K[k, i] * K[m, i]
            K[k, m] = np.sqrt(s) if k == m else s / K[m, m]
        log_det += np.log(K[k, k])
        s = b[k]
        for i in range(p):
            s -= B[k, i] * delta[i]
        for i in range(k):
            s -= K[k, i] * w[i]
        w[k] = s / K[k, k]
    for k in range(q - 1, -1, -1):
        s = w[k] + c[k]
        for i in range(k + 1, q):
            s -= K[i, k] * u[i]
        u[k] = s / K[k, k]
    return log_det


@row_kernel
def binomial_rows(
    beta: Kernel, u: Kernel, X: Kernel, Z: Kernel, codes: Kernel, y: Kernel, trials: Kernel, offset: Kernel,
    grad_beta: Kernel, grad_u: Kernel,
) -> float:  # fmt: skip
    """Log likelihood of y successes in `trials` at logit p = offset + X beta + Z u, and its gradient.

    Three passes: the middle one has no sums over groups, so that its exponentials and logarithms go several at a time.

    Parameters
    ----------
    beta, u : (column,), (group, effect)
        Where.
    X, Z, codes, y, trials, offset : (row, column), (row, effect), (row,), ...
        The rows.
    grad_beta, grad_u : (column,), (group, effect)
        Added to.
    """
    n, p, q = X.shape[0], X.shape[1], Z.shape[1]
    eta, residual = np.empty(n), np.empty(n)
    for i in range(n):
        j, s = codes[i], offset[i]
        for k in range(p):
            s += X[i, k] * beta[k]
        for k in range(q):
            s += Z[i, k] * u[j, k]
        eta[i] = s
    total = 0.0
    for i in range(n):
        e = np.exp(-abs(eta[i]))
        share = 1 / (1 + e)
        total += y[i] * eta[i] - trials[i] * (max(eta[i], 0.0) - np.log(share))
        residual[i] = y[i] - trials[i] * (share if eta[i] >= 0 else e * share)
    for i in range(n):
        j, r = codes[i], residual[i]
        for k in range(p):
            grad_beta[k] += r * X[i, k]
        for k in range(q):
            grad_u[j, k] += r * Z[i, k]
    return total


@kernel
def whitened_gradient(
    K: Kernel, B: Kernel, w: Kernel, c: Kernel, u: Kernel, g: Kernel, h: Kernel, T: Kernel,
    grad_beta: Kernel, grad_c: Kernel, grad_P: Kernel,
) -> None:  # fmt: skip
    """One group's part of the gradient, backwards through `whiten_group`.

    With g the derivative by u, h = K^-1 g and v = w + c, the derivative by c is h, by beta it is -B' K^-T h, and by A
    it is K^-T T K^-1, T_kk = -h_k (v_k + w_k) / 2 - 1/2 and T_km = -(v_k h_m + h_k w_m) / 2 for k > m. The prior
    -u'P u / 2 adds -u u' / 2 to that by P.
    """
    q, p = u.shape[0], grad_beta.shape[0]
    for k in range(q):
        s = g[k]
        for i in range(k):
            s -= K[k, i] * h[i]
        h[k] = s / K[k, k]
        grad_c[k] = h[k]
    for k in range(q):
        T[k, k] = -0.5 * h[k] * (2 * w[k] + c[k]) - 0.5
        for m in range(k):
            T[k, m] = -0.5 * ((w[k] + c[k]) * h[m] + h[k] * w[m])
            T[m, k] = T[k, m]
    # K^-T T K^-1: back substitution on the columns, then on the rows; h becomes K^-T h
    for m in range(q):
        for k in range(q - 1, -1, -1):
            s = T[k, m]
            for i in range(k + 1, q):
                s -= K[i, k] * T[i, m]
            T[k, m] = s / K[k, k]
    for k in range(q):
        for m in range(q - 1, -1, -1):
            s = T[k, m]
            for i in range(m + 1, q):
                s -= T[k, i] * K[i, m]
            T[k, m] = s / K[m, m]
            grad_P[k, m] += T[k, m] - 0.5 * u[k] * u[m]
    for k in range(q - 1, -1, -1):
        s = h[k]
        for i in range(k + 1, q):
            s -= K[i, k] * h[i]
        h[k] = s / K[k, k]
        for i in range(p):
            grad_beta[i] -= B[k, i] * h[k]


@kernel
def joint_log_posterior(
    x: Kernel, codes: Kernel, numbers: Kernel, pairs: Kernel, centre: Kernel, groups: Kernel,
    X: Kernel, Z: Kernel, group_of: Kernel, y: Kernel, trials: Kernel, offset: Kernel,
) -> Kernel:  # fmt: skip
    """Log posterior of (beta, sds, partial correlations, c) at a real vector, and its gradient.

    Parameters
    ----------
    x : (parameter + group * effect,)
        Parameters as in `log_priors`, then c group by group.
    codes, numbers, pairs
        As in `hierkit.sampling.densities`.
    centre : (column,)
        The pilot's coefficients b.
    groups : (group, effect, effect + column + 1)
        M_j, B_j and b_j side by side.
    X, Z, group_of, y, trials, offset
        The rows, as in `binomial_rows`.
    """
    p, (n_groups, q), head = centre.shape[0], groups.shape[:2], codes.shape[0]
    value, slope, grad = np.empty(head), np.empty(head), np.zeros(x.shape[0])
    total = log_priors(x[:head], codes, numbers, value, slope, grad[:head])
    C, L, left = np.empty((q, q)), np.zeros((q, q)), np.empty(pairs.shape[0])
    correlation_cholesky(value[p + q :], slope[p + q :], pairs, C, left)
    for k in range(q):
        for m in range(k + 1):
            L[k, m] = value[p + k] * C[k, m]
    L_inverse, P = np.zeros((q, q)), np.empty((q, q))
    precision(L, L_inverse, P)
    delta, beta = value[:p] - centre, value[:p]
    c, grad_c = x[head:].reshape((n_groups, q)), grad[head:].reshape((n_groups, q))
    K, w, u = np.zeros((n_groups, q, q)), np.empty((n_groups, q)), np.empty((n_groups, q))
    for j in range(n_groups):
        g = groups[j]
        total -= whiten_group(g[:, :q], g[:, q : q + p], g[:, q + p], P, delta, c[j], K[j], w[j], u[j])
    grad_beta, grad_u = np.zeros(p), np.zeros((n_groups, q))
    total += binomial_rows(beta, u, X, Z, group_of, y, trials, offset, grad_beta, grad_u)
    grad_P, h, T = np.zeros((q, q)), np.empty(q), np.empty((q, q))
    for j in range(n_groups):
        for k in range(q):
            s = 0.0
            for m in range(q):
                s += P[k, m] * u[j, m]
            total -= 0.5 * u[j, k] * s
            grad_u[j, k] -= s
        B = groups[j][:, q : q + p]
        whitened_gradient(K[j], B, w[j], c[j], u[j], grad_u[j], h, T, grad_beta, grad_c[j], grad_P)
    for i in range(p):
        grad[i] += grad_beta[i]
    # G = L L': the derivative by L is -2 P (dP) P L = -2 P (dP) L^-T, and log|G| adds -J / L_kk
    grad_L = -2.0 * (P @ grad_P) @ np.ascontiguousarray(L_inverse.T)
    for k in range(q):
        total -= n_groups * np.log(L[k, k])
        grad_L[k, k] -= n_groups / L[k, k]
        s = 0.0
        for m in range(k + 1):
            s += grad_L[k, m] * C[k, m]
            grad_L[k, m] *= value[p + k]
        grad[p + k] += s * slope[p + k]
    correlation_cholesky_gradient(value[p + q :], slope[p + q :], pairs, left, grad_L, grad[p + q : head])
    return total, grad


@kernel
def whitened_effects(beta: Kernel, L: Kernel, c: Kernel, centre: Kernel, groups: Kernel) -> Kernel:
    """(draw, group, effect), effects from their coordinates c (draw, group, effect)."""
    n_groups, q = groups.shape[:2]
    p = centre.shape[0]
    u = np.empty_like(c)
    inverse, P, K, w = np.zeros((q, q)), np.empty((q, q)), np.zeros((q, q)), np.empty(q)
    for d in range(beta.shape[0]):
        precision(L[d], inverse, P)
        for j in range(n_groups):
            g = groups[j]
            whiten_group(g[:, :q], g[:, q : q + p], g[:, q + p], P, beta[d] - centre, c[d, j], K, w, u[d, j])
    return u
