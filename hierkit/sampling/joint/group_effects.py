"""Numba kernels of the engine `joint` that draw a Gaussian model's coefficients and effects from coordinates."""

import numpy as np

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel
from hierkit.sampling.joint.coordinates import Geometry
from hierkit.sampling.joint.products import Sums, from_centre, sparse_products
from hierkit.sampling.joint.row_sums import add_columns
from hierkit.sampling.joint.transform import groups_of, position
from hierkit.sampling.joint.whitening import precision
from hierkit.sampling.kernels.group_scales import inverse_squares
from hierkit.sampling.kernels.integrated_groups import draw_group
from hierkit.sampling.kernels.layout import Layout
from hierkit.sampling.kernels.loops import copy_matrix, matrix_product


@kernel
def gaussian_draws(c: Array, L: Array, scales: Array, geometry: Geometry, layout: Layout, v: Array) -> None:
    """Gamma and the effects of all factors but the largest.

    Parameters
    ----------
    c : (draw, column + effects)
        Coordinates, changed.
    L : (draw, effect, effect)
        Cholesky factors of G, of all factors.
    scales : (draw, group)
        Of the groups of all factors, the largest last; without groups where effects are normal.
    geometry, layout
        The model; the layout is that of the factors but the largest.
    v : (draw, column + effects)
        Filled.
    """
    q = L.shape[1]
    n_head = geometry.head_b.shape[0]
    n_groups = groups_of(layout, 0, layout.groups.shape[0])
    end = layout.groups.shape[0]
    inverse, P = np.zeros((q, q)), np.empty((q, q))
    head_K, head_w = np.zeros((n_head, n_head)), np.empty(n_head)
    K, w = np.zeros(geometry.M.shape[0]), np.empty(v.shape[1])
    for d in range(c.shape[0]):
        precision(L[d], inverse, P)
        by = inverse_squares(scales[d], n_groups)
        position(c[d], P, by, geometry, layout, end, v[d], head_K, head_w, K, w)


@kernel
def draw_largest(v: Array, L: Array, T: Array, sigma: Array, scales: Array, sums: Sums, z: Array) -> None:
    """Effects of the largest factor given all else, from standard normal numbers.

    Parameters
    ----------
    v : (draw, column + effects)
        From `gaussian_draws`.
    L, T : (draw, effect, effect), (effect, effect)
        Of all factors.
    sigma : (draw,)
        Residual sds.
    scales : (draw, group)
        As in `gaussian_draws`.
    sums : Sums
        Of the rows.
    z : (draw, effect, group)
        Overwritten with the effects.
    """
    first, p = sums.last[0], sums.centre.shape[0]
    q, lanes = sums.groups.shape[1], sums.groups.shape[3]
    h, w = np.empty(v.shape[1]), np.empty(sums.right.shape[0])
    own = np.empty((q, q))
    TL = np.empty((q, q))
    M = np.empty((q, q))
    right = np.empty(q)
    t = np.empty(q)
    heavy = scales.shape[1] > 0
    in_smaller = scales.shape[1] - z.shape[2]
    A = np.empty((q, q))
    for d in range(z.shape[0]):
        from_centre(v[d], sums.centre, h)
        # w_j = Z_j'(e - H h), what the other effects leave
        sparse_products(sums.tie_starts, sums.tie_columns, sums.tie_values, h[p:], w)
        add_columns(h[:p], sums.tie_X, w)
        s2 = sigma[d] * sigma[d]
        copy_matrix(L[d, first : first + q, first : first + q], own)
        matrix_product(T[first : first + q, first : first + q], own, TL)
        # each group from its normal distribution given all else
        for j in range(z.shape[2]):
            block, lane = j // lanes, j % lanes
            # in units of the group's scale
            scale = scales[d, in_smaller + j] if heavy else 1.0
            for a in range(q):
                place = (block * q + a) * lanes + lane
                right[a] = scale * (sums.right[place] - w[place])
                for k in range(q):
                    A[a, k] = scale * scale * sums.groups[block, a, k, lane]
            draw_group(A, right, own, s2, z[d, :, j], M, t)
            # from the standard normal t to u = T L t, with the group's own L
            for k in range(q):
                s = 0.0
                for i in range(q):
                    s += TL[k, i] * t[i]
                z[d, k, j] = scale * s
