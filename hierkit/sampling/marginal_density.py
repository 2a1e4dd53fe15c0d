"""Numba kernels of the engine `marginal`: the likelihood with the effects integrated out."""

import numpy as np

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
from hierkit.sampling.packing import cube, matrix, vector

LANES = 64  # groups at a time: their numbers stay in the processor's nearest cache


@row_kernel
def invert_lanes(M: Kernel, inverse: Kernel, log_det: Kernel) -> None:
    """Cholesky factors in place of symmetric matrices M (row, column, lane), their inverses, and log determinants."""
    q, lanes = M.shape[0], M.shape[2]
    log_det[:] = 1.0
    for k in range(q):
        for j in range(k + 1):
            for i in range(j):
                for n in range(lanes):
                    M[k, j, n] -= M[k, i, n] * M[j, i, n]
            for n in range(lanes):
                M[k, j, n] = np.sqrt(M[k, k, n]) if k == j else M[k, j, n] / M[j, j, n]
        for n in range(lanes):
            log_det[n] *= M[k, k, n]
    for n in range(lanes):
        log_det[n] = 2 * np.log(log_det[n])
    for column in range(q):
        for k in range(q):
            inverse[k, column] = 1.0 if k == column else 0.0
            for i in range(column, k):
                for n in range(lanes):
                    inverse[k, column, n] -= M[k, i, n] * inverse[i, column, n]
            for n in range(lanes):
                inverse[k, column, n] /= M[k, k, n]
        for k in range(q - 1, -1, -1):
            for i in range(k + 1, q):
                for n in range(lanes):
                    inverse[k, column, n] -= M[i, k, n] * inverse[i, column, n]
            for n in range(lanes):
                inverse[k, column, n] /= M[k, k, n]


@row_kernel
def some_groups(
    g: Kernel, delta: Kernel, L: Kernel, s2: float, room: Kernel, grad_beta: Kernel, grad_L: Kernel
) -> Kernel:
    """What some groups add to `marginal_gaussian`: sum log|M_j|, sum w_j' M_j^-1 w_j, and the derivative by s2.

    The innermost loops go over groups, so that the compiler does several at once.

    Parameters
    ----------
    g : (effect, effect + column + 1, group)
        A_j, B_j and c_j side by side.
    delta, L, s2
        As in `marginal_gaussian`.
    room : (3 * effect + 5, effect, group)
        Working memory.
    grad_beta, grad_L
        Added to.
    """
    q, p, lanes = L.shape[0], delta.shape[0], g.shape[2]
    M, inverse, AL = room[:q], room[q : 2 * q], room[2 * q : 3 * q]
    r, w, a, La, ALa = room[3 * q], room[3 * q + 1], room[3 * q + 2], room[3 * q + 3], room[3 * q + 4]
    log_det = np.empty(lanes)
    for k in range(q):
        r[k] = g[k, q + p]
        for i in range(p):
            for n in range(lanes):
                r[k, n] -= g[k, q + i, n] * delta[i]
    for k in range(q):
        w[k] = 0.0
        for i in range(k, q):
            for n in range(lanes):
                w[k, n] += L[i, k] * r[i, n]
        for m in range(q):
            AL[k, m] = 0.0
            for i in range(m, q):
                for n in range(lanes):
                    AL[k, m, n] += g[k, i, n] * L[i, m]
    for k in range(q):
        for m in range(k + 1):
            M[k, m] = 1.0 if k == m else 0.0
            for i in range(k, q):
                for n in range(lanes):
                    M[k, m, n] += L[i, k] * AL[i, m, n] / s2
    invert_lanes(M, inverse, log_det)
    quad, d_s2 = 0.0, 0.0
    for k in range(q):
        a[k] = 0.0
        for i in range(q):
            for n in range(lanes):
                a[k, n] += inverse[k, i, n] * w[i, n]
        for n in range(lanes):
            quad += a[k, n] * w[k, n]
            d_s2 += 0.5 * (1 - inverse[k, k, n]) / s2 - 0.5 * a[k, n] * (w[k, n] + a[k, n]) / (s2 * s2 * s2)
    for k in range(q):
        La[k], ALa[k] = 0.0, 0.0
        for i in range(k + 1):
            for n in range(lanes):
                La[k, n] += L[k, i] * a[i, n]
        for i in range(q):
            for n in range(lanes):
                ALa[k, n] += AL[k, i, n] * a[i, n]
        for i in range(p):
            s = 0.0
            for n in range(lanes):
                s += g[k, q + i, n] * La[k, n]
            grad_beta[i] -= s / (s2 * s2)
        for m in range(k + 1):
            s = 0.0
            for n in range(lanes):
                s += (r[k, n] - ALa[k, n] / s2) * a[m, n] / (s2 * s2)
            for i in range(q):
                for n in range(lanes):
                    s -= AL[k, i, n] * inverse[i, m, n] / s2
            grad_L[k, m] += s
    return log_det.sum(), quad, d_s2


@kernel
def marginal_gaussian(
    delta: Kernel, L: Kernel, sigma: float, cross: Kernel, groups: Kernel, n: float, rss: float,
    grad_beta: Kernel, grad_L: Kernel,
) -> Kernel:  # fmt: skip
    """Log likelihood of y = X beta + Z u + e with u integrated out, for one grouping factor, and its gradient.

    With G = L L', s2 = sigma², and e = y - X b the residuals of least squares, delta = beta - b:

        M_j = I + L' A_j L / s2,    A_j = Z_j'Z_j, B_j = Z_j'X_j, c_j = Z_j'e_j
        r_j = c_j - B_j delta,      w_j = L' r_j
        -2 log p = n log s2 + sum_j log|M_j| + (e'e + delta' X'X delta) / s2 - sum_j w_j' M_j^-1 w_j / s2²

    Deviations from least squares keep the digits that raw sums of squares would lose.

    Parameters
    ----------
    delta : (column,)
        Coefficients less those of least squares.
    L : (effect, effect)
        Lower triangular.
    sigma : float
        Residual sd.
    cross : (column, column)
        X'X.
    groups : (effect, effect + column + 1, group)
        A_j, B_j and c_j side by side.
    n, rss : float
        Rows, and e'e.
    grad_beta, grad_L : (column,), (effect, effect)
        Filled.

    Returns
    -------
    value, slope : float
        The log likelihood without its constant, and its derivative with respect to sigma.
    """
    q, p = L.shape[0], delta.shape[0]
    s2 = sigma * sigma
    distance, log_det, quad, d_s2 = rss, 0.0, 0.0, 0.0
    for i in range(p):
        s = 0.0
        for k in range(p):
            s += cross[i, k] * delta[k]
        grad_beta[i] = -s / s2
        distance += s * delta[i]
    grad_L[:] = 0.0
    room = np.empty((3 * q + 5, q, LANES))
    for start in range(0, groups.shape[2], LANES):
        g = groups[:, :, start : start + LANES]
        part = some_groups(g, delta, L, s2, room[:, :, : g.shape[2]], grad_beta, grad_L)
        log_det += part[0]
        quad += part[1]
        d_s2 += part[2]
    value = -0.5 * (n * np.log(s2) + log_det + distance / s2 - quad / (s2 * s2))
    d_s2 += 0.5 * (distance / s2 - n) / s2
    return value, 2 * sigma * d_s2


@kernel
def marginal_log_posterior(
    x: Kernel,
    codes: Kernel,
    numbers: Kernel,
    pairs: Kernel,
    centre: Kernel,
    cross: Kernel,
    groups: Kernel,
    size: Kernel,
) -> Kernel:
    """Log posterior of (beta, sds, partial correlations, sigma) at a real vector, and its gradient.

    Parameters
    ----------
    x, codes, numbers
        As in `log_priors`, in the order of `hierkit.sampling.parameters`.
    pairs : (pair, 2) of int
        As in `correlation_cholesky`.
    centre : (column,)
        The least-squares coefficients.
    cross, groups
        As in `marginal_gaussian`.
    size : (2,)
        n and rss.
    """
    p, q = centre.shape[0], groups.shape[0]
    dim, n_pairs = x.shape[0], pairs.shape[0]
    value, slope, grad = np.empty(dim), np.empty(dim), np.empty(dim)
    total = log_priors(x, codes, numbers, value, slope, grad)
    sds, partials, partial_slopes = value[p : p + q], value[p + q : dim - 1], slope[p + q : dim - 1]
    C, L, left = np.empty((q, q)), np.zeros((q, q)), np.empty(n_pairs)
    correlation_cholesky(partials, partial_slopes, pairs, C, left)
    for k in range(q):
        for m in range(k + 1):
            L[k, m] = sds[k] * C[k, m]
    grad_beta, grad_L = np.empty(p), np.empty((q, q))
    likelihood, grad_sigma = marginal_gaussian(
        value[:p] - centre, L, value[dim - 1], cross, groups, size[0], size[1], grad_beta, grad_L
    )
    for i in range(p):
        grad[i] += grad_beta[i]
    for k in range(q):
        s = 0.0
        for m in range(k + 1):
            s += grad_L[k, m] * C[k, m]
            grad_L[k, m] *= sds[k]
        grad[p + k] += s * slope[p + k]
    correlation_cholesky_gradient(partials, partial_slopes, pairs, left, grad_L, grad[p + q : dim - 1])
    grad[dim - 1] += grad_sigma * slope[dim - 1]
    return total + likelihood, grad


@callback
def marginal_callback(dimension: int, x: Kernel, out: Kernel, log_p: Kernel, address: Kernel) -> int:
    """`marginal_log_posterior` for nutpie, its data packed in the order of its arguments."""
    block, i = words(address), np.arange(7)  # numba would compile the readers anew for each literal number
    value, grad = marginal_log_posterior(
        numbers_at(x, dimension),
        matrix(block, i[0]).view(np.int64),
        matrix(block, i[1]),
        matrix(block, i[2]).view(np.int64),
        vector(block, i[3]),
        matrix(block, i[4]),
        cube(block, i[5]),
        vector(block, i[6]),
    )
    return answer(value, grad, numbers_at(out, dimension), numbers_at(log_p, 1))
