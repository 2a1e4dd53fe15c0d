"""Numba kernels of the engine `marginal` that integrate out the effects of the largest factor's groups.

Groups lie side by side in lanes, a few dozen in a block: the innermost loops go over lanes, so that the compiler does
several groups at once, and a block's numbers stay in the processor's nearest cache. The letters are those of
`hierkit.sampling.marginal.density`.
"""

import numpy as np

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel, row_kernel

MOST_LANES = 64
STEP = 8  # lanes are a multiple of what a processor does at once


def in_lanes(sums: Array) -> Array:
    """(block, effect, column, lane) from (group, effect, column); lanes without a group are zero and add nothing."""
    n_groups, q, width = sums.shape
    blocks = -(-n_groups // MOST_LANES)
    lanes = -(-n_groups // max(1, blocks * STEP)) * STEP
    padded = np.zeros((blocks * lanes, q, width))
    padded[:n_groups] = sums
    return np.ascontiguousarray(padded.reshape(blocks, lanes, q, width).transpose(0, 2, 3, 1))


@row_kernel
def invert_lanes(M: Array, inverse: Array) -> float:
    """Invert symmetric matrices M (row, column, lane), whose lower triangles are read; return the sum of log|M|.

    M = U D U' with U unit triangular, and M^-1 = U^-T D^-1 U^-1: one division for each row.
    """
    q, lanes = M.shape[0], M.shape[2]
    one_by_d, det = np.empty((q, lanes)), np.ones(lanes)
    for k in range(q):
        for j in range(k):
            for n in range(lanes):
                M[j, k, n] = M[k, j, n]
            for i in range(j):
                for n in range(lanes):
                    M[j, k, n] -= M[i, k, n] * M[j, i, n]
        for j in range(k):
            for n in range(lanes):
                M[k, j, n] = M[j, k, n] * one_by_d[j, n]
                M[k, k, n] -= M[k, j, n] * M[j, k, n]
        for n in range(lanes):
            det[n] *= M[k, k, n]
            one_by_d[k, n] = 1.0 / M[k, k, n]
    for k in range(q):
        for j in range(k):
            for n in range(lanes):
                M[k, j, n] = -M[k, j, n]
            for i in range(j + 1, k):
                for n in range(lanes):
                    M[k, j, n] -= M[k, i, n] * M[i, j, n]
    for j in range(q):
        for i in range(j + 1):
            for n in range(lanes):
                inverse[j, i, n] = one_by_d[j, n] * M[j, i, n] if i < j else one_by_d[j, n]
            for k in range(j + 1, q):
                for n in range(lanes):
                    inverse[j, i, n] += one_by_d[k, n] * M[k, j, n] * M[k, i, n]
            for n in range(lanes):
                inverse[i, j, n] = inverse[j, i, n]
    return _sum_of_logs(det)


@row_kernel
def _sum_of_logs(x: Array) -> float:
    """By the logs of products of four, which take a quarter of the time."""
    quarter, total = x.shape[0] // 4, 0.0
    for n in range(quarter):
        total += np.log(x[n] * x[n + quarter] * x[n + 2 * quarter] * x[n + 3 * quarter])
    return total


@row_kernel
def integrate_groups(
    g: Array, L: Array, s2: float, AL: Array, inverse: Array, T: Array, solved: Array, system: Array
) -> float:
    """Take the largest factor's part off [S t; t' r], for some of its groups; return sum log|M_j|.

    Parameters
    ----------
    g : (effect, effect + head + 1, lane)
        A_j and X_j side by side.
    L, s2
        Of the effects, and sigma².
    AL, inverse : (effect, effect, lane)
        Filled with A_j L and M_j^-1.
    T, solved : (effect, head + 1, lane)
        Filled with T_j and M_j^-1 T_j.
    system : (head + 1, head + 1)
        Its lower triangle is changed.
    """
    q = L.shape[0]
    width = T.shape[1]
    lanes = g.shape[2]
    M = np.empty((q, q, lanes))
    # T_j = L'X_j and A_j L
    for k in range(q):
        for i in range(width):
            T[k, i] = 0.0
            for a in range(k, q):
                for n in range(lanes):
                    T[k, i, n] += L[a, k] * g[a, q + i, n]
        for m in range(q):
            AL[k, m] = 0.0
            for a in range(m, q):
                for n in range(lanes):
                    AL[k, m, n] += g[k, a, n] * L[a, m]
    # M_j = I + L'A_j L / s2
    for k in range(q):
        for m in range(k + 1):
            M[k, m] = 1.0 if k == m else 0.0
            for a in range(k, q):
                for n in range(lanes):
                    M[k, m, n] += L[a, k] / s2 * AL[a, m, n]
    log_det = invert_lanes(M, inverse)
    # M_j^-1 T_j
    for k in range(q):
        for i in range(width):
            solved[k, i] = 0.0
            for m in range(q):
                for n in range(lanes):
                    solved[k, i, n] += inverse[k, m, n] * T[m, i, n]
    # less T_j'M_j^-1 T_j / s2², summed over groups
    for i in range(width):
        for m in range(i + 1):
            s = 0.0
            for k in range(q):
                for n in range(lanes):
                    s += T[k, i, n] * solved[k, m, n]
            system[i, m] -= s / (s2 * s2)
    return log_det


@row_kernel
def integrate_groups_gradient(
    g: Array, s2: float, AL: Array, inverse: Array, solved: Array, N: Array, by_X: Array, by_A: Array
) -> None:
    """Add sum_j X_j N solved_j' to by_X and sum_j A_j L (M_j^-1 + solved_j N solved_j' / s2²) to by_A.

    N (head + 1, head + 1) is twice minus the derivative of log p by [S t; t' r].
    """
    q = AL.shape[0]
    width = solved.shape[1]
    lanes = g.shape[2]
    Y = np.empty((width, lanes))
    weight = np.empty((q, lanes))
    scale = 1.0 / (s2 * s2)
    for k in range(q):
        # Y = N solved_j', one effect at a time
        for i in range(width):
            Y[i] = 0.0
            for m in range(width):
                for n in range(lanes):
                    Y[i, n] += N[i, m] * solved[k, m, n]
        for a in range(q):
            s = 0.0
            for i in range(width):
                for n in range(lanes):
                    s += g[a, q + i, n] * Y[i, n]
            by_X[a, k] += s
        # M_j^-1 + solved_j N solved_j' / s2²
        for m in range(q):
            for n in range(lanes):
                weight[m, n] = inverse[m, k, n]
            for i in range(width):
                for n in range(lanes):
                    weight[m, n] += scale * solved[m, i, n] * Y[i, n]
        for a in range(q):
            s = 0.0
            for m in range(q):
                for n in range(lanes):
                    s += AL[a, m, n] * weight[m, n]
            by_A[a, k] += s


@row_kernel
def group_scales_gradient(s2: float, inverse: Array, solved: Array, N: Array, by_scale: Array) -> None:
    """Add to by_scale (lane,) the derivative by the log of the scale of each group's effects.

    It is the mean of |z|² - q, with z the effects in units of L: tr M_j^-1 + sum_k solved_jk'N solved_jk / s2² - q. The
    other arguments are as in `integrate_groups_gradient`.
    """
    q, width, lanes = solved.shape
    scale = 1.0 / (s2 * s2)
    for k in range(q):
        for n in range(lanes):
            by_scale[n] += inverse[k, k, n] - 1.0
        for i in range(width):
            for m in range(width):
                for n in range(lanes):
                    by_scale[n] += scale * solved[k, i, n] * N[i, m] * solved[k, m, n]


@row_kernel
def with_scales(groups: Array, scales: Array, q: int) -> Array:
    """(block, effect, column, lane), the groups' sums where the effects of each are multiplied by its scale."""
    blocks, _, width, lanes = groups.shape
    scaled = np.zeros(groups.shape)
    for b in range(blocks):
        count = min(lanes, scales.shape[0] - b * lanes)
        for a in range(q):
            for i in range(width):
                for n in range(count):
                    s = scales[b * lanes + n]
                    scaled[b, a, i, n] = groups[b, a, i, n] * (s * s if i < q else s)
    return scaled


@kernel
def draw_group(A: Array, right: Array, L: Array, s2: float, z: Array, M: Array, t: Array) -> None:
    """Fill t with L^-1 u of one group, u given all else: N(M^-1 L'right / s2, M^-1) with M = I + L'A L / s2.

    Parameters
    ----------
    A, right : (effect, effect), (effect,)
        Z_j'Z_j, and Z_j' times what is left of the outcome.
    L, s2
        Of the effects, and sigma².
    z : (effect,)
        Standard normal numbers.
    M, t : (effect, effect), (effect,)
        Filled; M with its Cholesky factor.
    """
    q = L.shape[0]
    # M, turned into its Cholesky factor row by row
    for k in range(q):
        for m in range(k + 1):
            s = 1.0 if k == m else 0.0
            for a in range(k, q):
                for h in range(m, q):
                    s += L[a, k] * A[a, h] * L[h, m] / s2
            for i in range(m):
                s -= M[k, i] * M[m, i]
            M[k, m] = np.sqrt(s) if k == m else s / M[m, m]
    # t = M^-1/2' (M^-1/2 L'right / s2 + z)
    for k in range(q):
        s = 0.0
        for a in range(k, q):
            s += L[a, k] * right[a] / s2
        for i in range(k):
            s -= M[k, i] * t[i]
        t[k] = s / M[k, k]
    for k in range(q - 1, -1, -1):
        s = t[k] + z[k]
        for i in range(k + 1, q):
            s -= M[i, k] * t[i]
        t[k] = s / M[k, k]
