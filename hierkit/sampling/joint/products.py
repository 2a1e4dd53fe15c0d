"""A Gaussian model's rows as the engine `joint` reads them: sums of products, once for all.

With v the coefficients gamma and the effects of all factors but the largest, H their columns, Z the largest factor's
and e = y - X g the residuals of least squares, the likelihood needs e'e, H'e, H'H, and for each group of the largest
factor Z'Z, Z'e and Z'H. Rows of weights w are multiplied by sqrt(w), and then have one residual sd. For crossed factors
the products are sparse: of the cells that occur.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import kernel, row_kernel
from hierkit.model.basis import Basis
from hierkit.model.design import Design
from hierkit.sampling.kernels.integrated_groups import in_lanes
from hierkit.sampling.kernels.layout import Layout
from hierkit.sampling.kernels.origin import sampled_Z


class Sums(NamedTuple):
    """All that the log posterior needs to know of the rows.

    Attributes
    ----------
    groups : ndarray
        (block, effect, effect, lane), Z_j'Z_j of the largest factor; see `hierkit.sampling.kernels.integrated_groups`.
    right : ndarray
        (block * effect * lane,), Z_j'e.
    tie_X : ndarray
        (column, block * effect * lane), what ties them to gamma, X'Z_j.
    tie_starts, tie_columns, tie_values : ndarray
        What ties them to the other effects, by rows of `right`: a sparse matrix whose row i has `tie_values` from
        `tie_starts[i]` on, in columns of the effects.
    cross_starts, cross_columns, cross_values : ndarray
        H'H.
    linear : ndarray
        (coordinate,), H'e.
    centre : ndarray
        (column,), g.
    totals : ndarray
        (2,), the rows n, and e'e.
    last : ndarray of int
        (1,), the place of the largest factor's first effect among all effects.
    """

    groups: Array
    right: Array
    tie_X: Array
    tie_starts: NDArray[np.int64]
    tie_columns: NDArray[np.int64]
    tie_values: Array
    cross_starts: NDArray[np.int64]
    cross_columns: NDArray[np.int64]
    cross_values: Array
    linear: Array
    centre: Array
    totals: Array
    last: NDArray[np.int64]


def make_sums(design: Design, basis: Basis, layout: Layout, head: int, T: Array) -> Sums:
    """One pass over the rows.

    Parameters
    ----------
    design, basis, layout
        The model.
    head : int
        Factors whose effects are ordered group by group; those of others are by effect.
    T : ndarray
        (effect, effect), from the effects as sampled to those of the formula; see `hierkit.sampling.kernels.origin`.
    """
    root = np.sqrt(design.row_weights)[:, None]
    y, X = root[:, 0] * (design.outcome.y - design.offset), root * basis.X
    centre = np.linalg.lstsq(X, y, rcond=None)[0]
    e = y - X @ centre
    n_factors = len(layout.order)
    parts = [sparse.csr_array(X)]
    parts += [_columns(design, layout, f, root, T, by_group=f < head) for f in range(n_factors - 1)]
    H = sparse.hstack(parts, format="csr")
    cross = sparse.csr_array(H.T @ H)
    if n_factors:
        place = int(layout.order[-1])
        factor, Z = design.factors[place], root * sampled_Z(design, place, T)
        groups = in_lanes(factor.sums(Z, Z))
        right = in_lanes(factor.sums(e[:, None], Z)).ravel()
        ties = _ties(factor.codes, Z, groups.shape, H)
    else:
        groups = np.empty((0, 0, 0, 0))
        right = np.empty(0)
        ties = sparse.csr_array((0, H.shape[1]))
    p = len(centre)
    last = layout.columns[-1:] if n_factors else np.zeros(1, dtype=np.int64)
    return Sums(
        groups, right, np.ascontiguousarray(ties[:, :p].toarray().T), *_as_rows(ties[:, p:]), *_as_rows(cross),
        H.T @ e, centre, np.array([design.outcome.n_rows, e @ e]), last,
    )  # fmt: skip


def _columns(design: Design, layout: Layout, f: int, root: Array, T: Array, by_group: bool) -> sparse.csr_array:
    """(row, effects of a factor), each row times its root (row, 1)."""
    place = int(layout.order[f])
    codes, Z = design.factors[place].codes, root * sampled_Z(design, place, T)
    n_groups, q = layout.groups[f], layout.effects[f]
    places = codes[:, None] * q + np.arange(q) if by_group else codes[:, None] + np.arange(q) * n_groups
    return _of_rows(Z, places, n_groups * q)


def _ties(codes: NDArray[np.intp], Z: Array, shape: tuple[int, ...], H: sparse.csr_array) -> sparse.csr_array:
    """Z'H with the rows (block, effect, lane) of the largest factor."""
    blocks, q, _, lanes = shape
    places = (codes // lanes * q * lanes + codes % lanes)[:, None] + np.arange(q) * lanes
    return sparse.csr_array(_of_rows(Z, places, blocks * q * lanes).T @ H)


def _of_rows(Z: Array, places: NDArray[np.intp], width: int) -> sparse.csr_array:
    """(row, width), each row's numbers Z at its places."""
    starts = np.arange(len(Z) + 1) * Z.shape[1]
    return sparse.csr_array((Z.ravel(), places.ravel(), starts), shape=(len(Z), width))


def _as_rows(matrix: sparse.csr_array) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(float)


@kernel
def from_centre(v: Array, centre: Array, h: Array) -> None:
    """Fill h (coordinate,) with v counted from the least-squares coefficients and no effects."""
    for i in range(h.shape[0]):
        h[i] = v[i] - centre[i] if i < centre.shape[0] else v[i]


@row_kernel
def sparse_products(starts: Ints, columns: Ints, values: Array, x: Array, out: Array) -> None:
    """Fill out with S x, for a sparse matrix S by rows."""
    for i in range(out.shape[0]):
        s = 0.0
        for k in range(starts[i], starts[i + 1]):
            s += values[k] * x[columns[k]]
        out[i] = s


@row_kernel
def less_sparse_transposed(starts: Ints, columns: Ints, values: Array, x: Array, out: Array) -> None:
    """Subtract S'x from out."""
    for i in range(x.shape[0]):
        for k in range(starts[i], starts[i + 1]):
            out[columns[k]] -= values[k] * x[i]
