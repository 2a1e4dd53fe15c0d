"""Numba kernel of the engine `marginal` that draws coefficients and effects, once the rest was sampled without them."""

import numpy as np

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel
from hierkit.sampling.kernels.integrated_groups import draw_group, integrate_groups, with_scales
from hierkit.sampling.kernels.loops import copy_matrix, matrix_product, scaled
from hierkit.sampling.marginal.head import solve_head, times_factors_transposed
from hierkit.sampling.marginal.statistics import Statistics


@kernel
def draw_effects(
    L: Array, T: Array, sigma: Array, scales: Array, statistics: Statistics, head: Array, z: Array
) -> None:
    """Coefficients and effects given the rest, from standard normal numbers.

    The head is Lambda (K^-1 k + K^-T z); then v_j ~ N(L M_j^-1 w_j / s2, L M_j^-1 L') with w_j = L'(Z_j'e - Z_j'H h),
    and u_j = T v_j, L being the group's own: that of its factor times its scale.

    Parameters
    ----------
    L : (draw, effect, effect)
        Factors of G of all factors.
    T : (effect, effect)
        From the effects as sampled to those of the formula.
    sigma : (draw,)
        Residual sds.
    scales : (draw, group)
        Of the groups of all factors, the largest last; without groups where effects are normal.
    statistics : Statistics
        Of the rows.
    head : (draw, head)
        Overwritten with the head, counted from least squares.
    z : (draw, effect, group)
        Overwritten with the largest factor's effects.
    """
    p = statistics.shift.shape[0]
    blocks = statistics.groups.shape[0]
    q = statistics.groups.shape[1]
    lanes = statistics.groups.shape[3]
    width = statistics.cross.shape[0]
    first, size = statistics.last[0], width - 1
    in_head = 0
    for f in range(statistics.head.shape[0]):
        in_head += statistics.head[f, 0]
    heavy = scales.shape[1] > 0
    ones = np.ones(in_head)
    own, TL = np.empty((q, q)), np.empty((q, q))
    AL, inverse = np.empty((q, q, lanes)), np.empty((q, q, lanes))
    products, solved = np.empty((q, width, lanes)), np.empty((q, width, lanes))
    SL = np.empty((size, size))
    K = np.empty((size, size))
    V = np.empty((size, size))
    estimate = np.empty(size)
    M = np.empty((q, q))
    right = np.empty(q)
    t = np.empty(q)
    for d in range(head.shape[0]):
        s2 = sigma[d] * sigma[d]
        copy_matrix(L[d, first : first + q, first : first + q], own)
        system = scaled(statistics.cross, 1 / s2)
        # the same systems as in the density
        groups = with_scales(statistics.groups, scales[d, in_head:], q) if heavy else statistics.groups
        in_units = scales[d] if heavy else ones
        for b in range(blocks):
            integrate_groups(groups[b], own, s2, AL, inverse, products, solved, system)
        solve_head(system, L[d], in_units, statistics, SL, K, V, estimate)
        # head = Lambda K^-1/2 z + estimate: back substitution in K's Cholesky factor
        for i in range(size - 1, -1, -1):
            s = head[d, i]
            for m in range(i + 1, size):
                s -= K[m, i] * head[d, m]
            head[d, i] = s / K[i, i]
        for i in range(size):
            head[d, i] += estimate[i]
        times_factors_transposed(head[d : d + 1], L[d], in_units, statistics.head, p)
        # each group of the largest factor given the head
        matrix_product(T[first : first + q, first : first + q], own, TL)
        for j in range(z.shape[2]):
            g = groups[j // lanes, :, :, j % lanes]
            for a in range(q):
                right[a] = g[a, q + size]
                for i in range(size):
                    right[a] -= g[a, q + i] * head[d, i]
            draw_group(g[:, :q], right, own, s2, z[d, :, j], M, t)
            # from the standard normal t to u = T L t, with the group's own L
            scale = scales[d, in_head + j] if heavy else 1.0
            for k in range(q):
                s = 0.0
                for i in range(q):
                    s += TL[k, i] * t[i]
                z[d, k, j] = scale * s
