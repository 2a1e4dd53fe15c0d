"""Numba kernels: transforms, priors, Cholesky factors and likelihoods, each with its gradient.

Every kernel returns what is not finite as it is: an exception would panic the sampler's threads. Log densities leave
out constants that do not depend on parameters. Kernels are compiled once per machine.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

Kernel = Any  # a compiled function has no useful type

REAL, POSITIVE, INTERVAL, PARTIAL = range(4)
FLAT, NORMAL, STUDENT_T, CAUCHY, LAPLACE, HALF, EXPONENTIAL, GAMMA, INVERSE_GAMMA, LOG_NORMAL, UNIFORM, LKJ = range(12)


def kernel[F: Callable[..., Any]](function: F) -> F:
    """Compile, once per machine, without Python's lock and without exceptions from arithmetic."""
    compiled: F = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled


def parallel_kernel[F: Callable[..., Any]](function: F) -> F:
    """The same, with loops over `numba.prange` spread over threads."""
    compiled: F = numba.njit(cache=True, nogil=True, error_model="numpy", parallel=True)(function)
    return compiled


@kernel
def transform(kind: int, x: float, lower: float, upper: float) -> Kernel:
    """Value, its slope, the log of the slope, and the derivative of that log, at a real number x.

    REAL: x. POSITIVE: exp x. INTERVAL: lower + (upper - lower) / (1 + exp -x). PARTIAL: tanh x, slope 1 - tanh² x.
    """
    if kind == POSITIVE:
        value = np.exp(x)
        return value, value, x, 1.0
    if kind == INTERVAL:
        e = np.exp(-abs(x))
        share = 1 / (1 + e) if x >= 0 else e / (1 + e)
        width = upper - lower
        slope = width * e / (1 + e) ** 2
        return lower + width * share, slope, np.log(width) - abs(x) - 2 * np.log1p(e), 1 - 2 * share
    if kind == PARTIAL:
        e = np.exp(-2 * abs(x))
        value = np.tanh(x)
        return value, 4 * e / (1 + e) ** 2, np.log(4.0) - 2 * abs(x) - 2 * np.log1p(e), -2 * value
    return x, 1.0, 0.0, 0.0


@kernel
def log_density(kind: int, v: float, a: float, b: float, c: float) -> Kernel:
    """Log density of a value v and its derivative; a, b, c are the prior's parameters in PyMC's order.

    HALF is |Student t| with a degrees of freedom and scale b: half-normal for a = inf, half-Cauchy for a = 1. LKJ is
    that of one canonical partial correlation, (1 - v²)^(a - 1).
    """
    if kind == NORMAL:
        z = (v - a) / b
        return -0.5 * z * z, -z / b
    if kind == STUDENT_T:
        z = (v - b) / c
        return -0.5 * (a + 1) * np.log1p(z * z / a), -(a + 1) * z / (c * (a + z * z))
    if kind == CAUCHY:
        z = (v - a) / b
        return -np.log1p(z * z), -2 * z / (b * (1 + z * z))
    if kind == LAPLACE:
        return -abs(v - a) / b, -np.sign(v - a) / b
    if kind == HALF:
        z = v / b
        if np.isinf(a):
            return -0.5 * z * z, -z / b
        return -0.5 * (a + 1) * np.log1p(z * z / a), -(a + 1) * z / (b * (a + z * z))
    if kind == EXPONENTIAL:
        return -a * v, -a
    if kind == GAMMA:
        return (a - 1) * np.log(v) - b * v, (a - 1) / v - b
    if kind == INVERSE_GAMMA:
        return -(a + 1) * np.log(v) - b / v, -(a + 1) / v + b / (v * v)
    if kind == LOG_NORMAL:
        z = (np.log(v) - a) / b
        return -0.5 * z * z - np.log(v), -(z / b + 1) / v
    if kind == LKJ:
        return (a - 1) * np.log1p(-v * v), -2 * (a - 1) * v / (1 - v * v)
    return 0.0, 0.0


@kernel
def log_priors(x: Kernel, codes: Kernel, numbers: Kernel, value: Kernel, slope: Kernel, grad: Kernel) -> float:
    """Sum over parameters of log p(value) + log |d value / dx|, for a vector x of real numbers.

    Parameters
    ----------
    x : (parameter,)
        Where.
    codes : (parameter, 2) of int
        Transform and prior of each.
    numbers : (parameter, 3)
        The prior's parameters.
    value, slope, grad : (parameter,)
        Filled with the values, d value / dx, and the derivative of the sum with respect to x.
    """
    total = 0.0
    for i in range(x.shape[0]):
        a, b, c = numbers[i, 0], numbers[i, 1], numbers[i, 2]
        v, s, log_slope, d_log_slope = transform(codes[i, 0], x[i], a, b)
        if codes[i, 1] == LKJ:
            # (1 - v²)^(a - 1) times the slope 1 - v²: stable where tanh x rounds to 1
            log_p, dx = (a - 1) * log_slope, (a - 1) * d_log_slope
        else:
            log_p, d_value = log_density(codes[i, 1], v, a, b, c)
            dx = d_value * s
        total += log_p + log_slope
        value[i], slope[i], grad[i] = v, s, dx + d_log_slope
    return total


@kernel
def correlation_cholesky(partials: Kernel, slopes: Kernel, pairs: Kernel, C: Kernel, left: Kernel) -> None:
    """Fill C with the Cholesky factor of a correlation matrix.

    Row i of a block: C_ij = r_ij sqrt(prod_{k<j} (1 - r_ik²)), and C_ii takes what is left.

    Parameters
    ----------
    partials, slopes : (pair,)
        Canonical partial correlations r and 1 - r².
    pairs : (pair, 2) of int
        Their row i and column j, row by row, columns in the order of the block.
    C : (effect, effect)
        Filled; the identity for effects without pairs.
    left : (pair,)
        Filled with the root of what the row had left before each pair.
    """
    q = C.shape[0]
    for i in range(q):
        for j in range(q):
            C[i, j] = 1.0 if i == j else 0.0
    for k in range(pairs.shape[0]):
        i, j = pairs[k, 0], pairs[k, 1]
        left[k] = C[i, i]
        C[i, j] = partials[k] * C[i, i]
        C[i, i] *= np.sqrt(slopes[k])


@kernel
def correlation_cholesky_gradient(
    partials: Kernel, slopes: Kernel, pairs: Kernel, left: Kernel, grad_C: Kernel, grad_x: Kernel
) -> None:
    """Add the derivative with respect to x = artanh r of a function whose derivative by C is grad_C.

    Works backwards through `correlation_cholesky`; grad_C's diagonal is used up.
    """
    for k in range(pairs.shape[0] - 1, -1, -1):
        i, j = pairs[k, 0], pairs[k, 1]
        root = np.sqrt(slopes[k])
        after = grad_C[i, i]
        grad_x[k] += grad_C[i, j] * left[k] * slopes[k] - after * left[k] * partials[k] * root
        grad_C[i, i] = grad_C[i, j] * partials[k] + after * root


@kernel
def cholesky_solve_identity(M: Kernel, inverse: Kernel) -> float:
    """Replace M by its Cholesky factor, fill `inverse` with M^-1, and return log |M|."""
    q = M.shape[0]
    log_det = 0.0
    for k in range(q):
        for j in range(k + 1):
            s = M[k, j]
            for i in range(j):
                s -= M[k, i] * M[j, i]
            M[k, j] = np.sqrt(s) if k == j else s / M[j, j]
        log_det += 2 * np.log(M[k, k])
    for column in range(q):
        for k in range(q):
            s = 1.0 if k == column else 0.0
            for i in range(k):
                s -= M[k, i] * inverse[i, column]
            inverse[k, column] = s / M[k, k]
        for k in range(q - 1, -1, -1):
            s = inverse[k, column]
            for i in range(k + 1, q):
                s -= M[i, k] * inverse[i, column]
            inverse[k, column] = s / M[k, k]
    return log_det


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
    groups : (group, effect, effect + column + 1)
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
    M, inverse, AL = np.empty((q, q)), np.empty((q, q)), np.empty((q, q))
    r, w, a, La = np.empty(q), np.empty(q), np.empty(q), np.empty(q)
    distance = rss
    for i in range(p):
        s = 0.0
        for k in range(p):
            s += cross[i, k] * delta[k]
        grad_beta[i] = -s / s2
        distance += s * delta[i]
    for k in range(q):
        for m in range(q):
            grad_L[k, m] = 0.0
    log_det, quad, d_s2 = 0.0, 0.0, 0.0
    for j in range(groups.shape[0]):
        g = groups[j]
        for k in range(q):
            r[k] = g[k, q + p]
            for i in range(p):
                r[k] -= g[k, q + i] * delta[i]
        for k in range(q):
            for m in range(q):
                s = 0.0
                for i in range(m, q):
                    s += g[k, i] * L[i, m]
                AL[k, m] = s
        for k in range(q):
            s = 0.0
            for i in range(k, q):
                s += L[i, k] * r[i]
            w[k] = s
            for m in range(k + 1):
                s = 0.0
                for i in range(k, q):
                    s += L[i, k] * AL[i, m]
                M[k, m] = s / s2 + (1.0 if k == m else 0.0)
        log_det += cholesky_solve_identity(M, inverse)
        trace = aw = aa = 0.0
        for k in range(q):
            s = 0.0
            for i in range(q):
                s += inverse[k, i] * w[i]
            a[k] = s
            trace += inverse[k, k]
            aw += s * w[k]
            aa += s * s
        quad += aw
        for k in range(q):
            s = 0.0
            for i in range(k + 1):
                s += L[k, i] * a[i]
            La[k] = s
        for i in range(p):
            for k in range(q):
                grad_beta[i] -= g[k, q + i] * La[k] / (s2 * s2)
        for k in range(q):
            ALa = 0.0
            for i in range(q):
                ALa += AL[k, i] * a[i]
            for m in range(k + 1):
                s = 0.0
                for i in range(q):
                    s += AL[k, i] * inverse[i, m]
                grad_L[k, m] += (r[k] - ALa / s2) * a[m] / (s2 * s2) - s / s2
        d_s2 += 0.5 * (q - trace) / s2 - 0.5 * (aw + aa) / (s2 * s2 * s2)
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
    p, q = centre.shape[0], groups.shape[1]
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


@kernel
def constrain(x: Kernel, codes: Kernel, numbers: Kernel) -> Kernel:
    """(draw, parameter) twice: values and their slopes for real vectors x (draw, parameter)."""
    values, slopes = np.empty_like(x), np.empty_like(x)
    for d in range(x.shape[0]):
        for i in range(x.shape[1]):
            values[d, i], slopes[d, i], _, _ = transform(codes[i, 0], x[d, i], numbers[i, 0], numbers[i, 1])
    return values, slopes


@kernel
def correlation_factors(partials: Kernel, slopes: Kernel, pairs: Kernel, q: int) -> Kernel:
    """(draw, effect, effect), Cholesky factors of correlation matrices; see `correlation_cholesky`."""
    factors, left = np.empty((partials.shape[0], q, q)), np.empty(pairs.shape[0])
    for d in range(partials.shape[0]):
        correlation_cholesky(partials[d], slopes[d], pairs, factors[d], left)
    return factors


@parallel_kernel
def draw_effects(beta: Kernel, L: Kernel, sigma: Kernel, centre: Kernel, groups: Kernel, z: Kernel) -> Kernel:
    """(draw, group, effect), effects given the rest: u_j ~ N(L M_j^-1 w_j / s2, L M_j^-1 L'), from standard normal z.

    Parameters
    ----------
    beta : (draw, column)
        Coefficients.
    L : (draw, effect, effect)
        Cholesky factors of G.
    sigma : (draw,)
        Residual sds.
    centre, groups
        As in `marginal_log_posterior`.
    z : (draw, group, effect)
        Overwritten with the effects, and returned.
    """
    q, p = L.shape[1], beta.shape[1]
    for d in numba.prange(beta.shape[0]):
        s2 = sigma[d] * sigma[d]
        M, inverse, t = np.empty((q, q)), np.empty((q, q)), np.empty(q)
        for j in range(groups.shape[0]):
            g = groups[j]
            for k in range(q):
                for m in range(k + 1):
                    s = 0.0
                    for i in range(k, q):
                        for h in range(m, q):
                            s += L[d, i, k] * g[i, h] * L[d, h, m]
                    M[k, m] = s / s2 + (1.0 if k == m else 0.0)
            cholesky_solve_identity(M, inverse)
            # M = K K': K^-T z has covariance M^-1
            for k in range(q - 1, -1, -1):
                s = z[d, j, k]
                for i in range(k + 1, q):
                    s -= M[i, k] * t[i]
                t[k] = s / M[k, k]
            for k in range(q):
                w = 0.0
                for i in range(k, q):
                    r = g[i, q + p]
                    for h in range(p):
                        r -= g[i, q + h] * (beta[d, h] - centre[h])
                    w += L[d, i, k] * r
                for i in range(q):
                    t[i] += inverse[i, k] * w / s2
            for k in range(q):
                s = 0.0
                for i in range(k + 1):
                    s += L[d, k, i] * t[i]
                z[d, j, k] = s
    return z
