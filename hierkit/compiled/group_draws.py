"""Effects of groups given all else, which are normal for a Gaussian outcome."""

import numpy as np

from hierkit.arrays import Array, Ints, Words
from hierkit.compiled.compiling import kernel
from hierkit.compiled.keyed_normals import fill_normals

LANES = 256  # draws at once: their numbers stay near the processor


@kernel
def draw_groups(
    groups: Array, L: Array, T: Array, sigma: Array, head: Array, key: Words, draws: Words, places: Ints, u: Array
) -> None:
    """Fill u with effects of some groups in some draws, from normal numbers that each group has in each draw.

    The innermost loops go over draws, so that the compiler does several at once. None adds up, so that an effect is the
    same to the bit whichever other groups and draws are asked for with it.

    Parameters
    ----------
    groups : (group, effect, effect + head + 1)
        Z_j'Z_j, Z_j'H and Z_j'e side by side.
    L : (effect, effect, sample)
        Factors of the covariance of the effects that are drawn, v.
    T : (effect, effect)
        u = T v.
    sigma : (sample,)
        Residual sds.
    head : (head, sample)
        What is known besides: coefficients, and the effects of other factors.
    key : (2,)
        Of the random numbers.
    draws : (2, sample)
        Numbers by which draws are told apart.
    places : (group,)
        The same for groups.
    u : (group, effect, sample)
        Filled.
    """
    q, samples = L.shape[0], sigma.shape[0]
    M = np.empty((q, q, LANES))
    t = np.empty((q + 1, LANES))
    right = np.empty((q, LANES))
    for j in range(groups.shape[0]):
        for start in range(0, samples, LANES):
            count = min(LANES, samples - start)
            fill_normals(key, draws, start, count, places[j], t)
            _fill_right(groups[j], head, start, count, right)
            _fill_factors(groups[j], L, sigma, start, count, M)
            _solve(L, sigma, start, count, M, right, t)
            _fill_effects(T, L, start, count, t, u[j])


@kernel
def _fill_right(g: Array, head: Array, start: int, count: int, right: Array) -> None:
    """Fill right (effect, lane) with Z_j'(e - H h)."""
    q, size = right.shape[0], head.shape[0]
    for a in range(q):
        right[a, :] = g[a, q + size]
        for i in range(size):
            for n in range(count):
                right[a, n] -= g[a, q + i] * head[i, start + n]


@kernel
def _fill_factors(g: Array, L: Array, sigma: Array, start: int, count: int, M: Array) -> None:
    """Fill M (effect, effect, lane) with the Cholesky factors of I + L'Z_j'Z_j L / sigma²."""
    q = L.shape[0]
    for k in range(q):
        for m in range(k + 1):
            M[k, m, :] = 0.0
            for a in range(k, q):
                for h in range(m, q):
                    for n in range(count):
                        M[k, m, n] += L[a, k, start + n] * g[a, h] * L[h, m, start + n]
            for n in range(count):
                M[k, m, n] /= sigma[start + n] * sigma[start + n]
            if k == m:
                M[k, m, :] += 1.0
            for i in range(m):
                for n in range(count):
                    M[k, m, n] -= M[k, i, n] * M[m, i, n]
            if k == m:
                for n in range(count):
                    M[k, k, n] = np.sqrt(M[k, k, n])
            else:
                for n in range(count):
                    M[k, m, n] /= M[m, m, n]


@kernel
def _solve(L: Array, sigma: Array, start: int, count: int, M: Array, right: Array, t: Array) -> None:
    """Replace the normal numbers z in t (effect, lane) by M^-1/2' (M^-1/2 L'right / sigma² + z)."""
    q = L.shape[0]
    solved = np.empty(right.shape)
    for k in range(q):
        solved[k, :] = 0.0
        for a in range(k, q):
            for n in range(count):
                solved[k, n] += L[a, k, start + n] * right[a, n]
        for n in range(count):
            solved[k, n] /= sigma[start + n] * sigma[start + n]
        for i in range(k):
            for n in range(count):
                solved[k, n] -= M[k, i, n] * solved[i, n]
        for n in range(count):
            solved[k, n] /= M[k, k, n]
    for k in range(q - 1, -1, -1):
        for n in range(count):
            t[k, n] += solved[k, n]
        for i in range(k + 1, q):
            for n in range(count):
                t[k, n] -= M[i, k, n] * t[i, n]
        for n in range(count):
            t[k, n] /= M[k, k, n]


@kernel
def _fill_effects(T: Array, L: Array, start: int, count: int, t: Array, u: Array) -> None:
    """Fill u (effect, sample) with T L t, for t (effect, lane)."""
    q = len(T)
    for k in range(q):
        u[k, start : start + count] = 0.0
        for a in range(q):
            if T[k, a] == 0.0:
                continue
            for i in range(a + 1):
                for n in range(count):
                    u[k, start + n] += T[k, a] * L[a, i, start + n] * t[i, n]
