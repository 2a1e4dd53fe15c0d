"""A few points that have the same number, means and products of columns as all rows of a cell.

A Gaussian likelihood knows nothing else of the rows. With m the mean of n rows of r columns, C = L L' the sum of their
products less the mean, and H (r + 1, r) orthonormal columns that sum to zero, the points m + L h sqrt((r + 1) / n), a
row h of H each, have these sums when each counts n / (r + 1) times.
"""

import numpy as np
from scipy.linalg import helmert

from hierkit.arrays import Array
from hierkit.streaming.exact_sums import WORD, Sums, Units, as_integers, pair_places

DEPENDENT = 1e-13  # of a column's sum of squares, what columns before leave of it: rounding


def pseudo_rows(sums: Sums, units: Units) -> Array:
    """(point, column), the points of all cells, in the order of the cells."""
    r = len(units.unit)
    means, products = moments(sums, units)
    L = _lower_factors(products)
    spread = np.einsum("cab,kb->cka", L, helmert(r + 1).T) * np.sqrt((r + 1) / sums.rows)[:, None, None]
    return np.asarray(units.middle + (means[:, None, :] + spread)).reshape(-1, r)


def moments(sums: Sums, units: Units) -> tuple[Array, Array]:
    """Of each cell the means (cell, column) from the columns' middles, and C (cell, column, column).

    The difference of large sums that C is, is taken of whole numbers without bounds, so that it keeps all digits.
    """
    r = len(units.unit)
    places = {pair: k for k, pair in enumerate(pair_places(r))}
    n = sums.rows.astype(object)
    totals = [as_integers(sums, places[0, a + 1]) for a in range(r)]
    means = np.empty((len(n), r))
    products = np.empty((len(n), r, r))
    for a in range(r):
        means[:, a] = (totals[a] / n).astype(np.float64) * units.unit[a]
        for b in range(a, r):
            exact = (n * as_integers(sums, places[a + 1, b + 1]) - totals[a] * totals[b]) / n
            products[:, a, b] = exact.astype(np.float64) * units.unit[a] * units.unit[b]
            products[:, b, a] = products[:, a, b]
    return means, products


def of_all(sums: Sums) -> Sums:
    """The sums of all rows, as those of one cell."""
    totals = [int(as_integers(sums, pair).sum()) for pair in range(sums.high.shape[1])]
    high = np.array([[number // WORD for number in totals]], dtype=np.int64)
    low = np.array([[number % WORD for number in totals]], dtype=np.uint64)
    return Sums(np.zeros(1, np.int64), sums.rows.sum(keepdims=True), high, low)


def _lower_factors(C: Array) -> Array:
    """(cell, column, column), L with L L' = C, with a column of zeros where a column depends on those before."""
    L = np.zeros_like(C)
    for a in range(C.shape[1]):
        left = C[:, a:, a] - np.einsum("cik,ck->ci", L[:, a:, :a], L[:, a, :a])
        pivot = np.where(left[:, 0] > DEPENDENT * C[:, a, a], left[:, 0], 0.0)
        size = np.sqrt(pivot)[:, None]
        L[:, a:, a] = np.divide(left, size, out=np.zeros_like(left), where=size > 0)
    return L
