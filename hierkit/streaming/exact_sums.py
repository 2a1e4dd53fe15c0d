"""Sums of products per cell of rows, exact, and so the same in whatever order and chunks the rows come.

A number is taken as a whole multiple of its column's unit, at most 2^48 of them from the column's middle. Products of
two such numbers have at most 96 bits, and up to 2^30 of them are added up in 128 bits: `high` times 2^64 plus `low`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel

Longs = NDArray[np.int64]
LARGEST = 2**48
HALF = 24  # bits
WORD = 2**64


@dataclass(frozen=True, eq=False)
class Units:
    """What whole numbers mean: a column's value is its middle plus so many of its units.

    Attributes
    ----------
    middle, unit : ndarray
        (column,), the unit a power of two.
    """

    middle: Array
    unit: Array


@dataclass(frozen=True, eq=False)
class Sums:
    """Rows in each cell, and the sums of its rows' columns and of their products.

    Attributes
    ----------
    cells : ndarray of int
        (cell,), numbers of the cells, in their order.
    rows : ndarray of int
        (cell,), how many rows it has.
    high, low : ndarray of int and of unsigned int
        (cell, pair), sums of products of whole numbers; pairs are those of (1, columns), see `pair_places`.
    """

    cells: Longs
    rows: Longs
    high: Longs
    low: NDArray[np.uint64]

    def __add__(self, other: "Sums") -> "Sums":
        """The sums of the rows of both."""
        cells = np.union1d(self.cells, other.cells)
        total = no_sums(cells, self.high.shape[1])
        for part in (self, other):
            add_sums(np.searchsorted(cells, part.cells), part.rows, part.high, part.low, total)
        return total


def no_sums(cells: Longs, pairs: int) -> Sums:
    """Cells without rows."""
    shape = len(cells), pairs
    return Sums(cells, np.zeros(len(cells), np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.uint64))


def with_rows(sums: Sums) -> Sums:
    """The cells that have rows."""
    used = np.flatnonzero(sums.rows)
    return Sums(sums.cells[used], sums.rows[used], sums.high[used], sums.low[used])


def pair_places(columns: int) -> list[tuple[int, int]]:
    """The pairs of (1, columns), but for (1, 1), in the order in which they are summed; 0 is the 1."""
    return [(i, j) for i in range(columns + 1) for j in range(max(i, 1), columns + 1)]


def units_of(low: Array, high: Array) -> Units:
    """Units for columns between bounds (column,): zero, and whole numbers, are whole multiples of them."""
    size = np.maximum(np.abs(low), np.abs(high))
    spread = np.maximum(high - low, np.finfo(float).eps * size)
    unit = 2.0 ** (np.ceil(np.log2(np.where(spread > 0, spread, 1.0))) - 47)
    return Units(np.round((low / 2 + high / 2) / unit) * unit, unit)


def whole_numbers(values: Array, units: Units) -> Longs:
    """(row, column), values as multiples of their column's unit.

    Raises
    ------
    OverflowError
        For values too far from the middle.
    """
    found = np.rint((values - units.middle) / units.unit)
    if len(found) and np.abs(found).max() > LARGEST:
        raise OverflowError("values lie beyond the bounds that their units are made for")
    return found.astype(np.int64)


def add_rows(places: NDArray[np.intp], numbers: Longs, total: Sums) -> None:
    """Add rows (row, column) to the cells at these places (row,)."""
    _add_rows(places, numbers, total.rows, total.high, total.low)


def add_sums(places: NDArray[np.intp], rows: Longs, high: Longs, low: NDArray[np.uint64], total: Sums) -> None:
    """Add sums of cells to the cells at these places, all different."""
    before = total.low[places]
    total.rows[places] += rows
    total.low[places] = before + low
    total.high[places] += high + (total.low[places] < before)


@kernel
def _add_rows(places: Any, numbers: Any, rows: Any, high: Any, low: Any) -> None:
    mask = np.int64(2**HALF - 1)
    count = numbers.shape[1]
    for i in range(numbers.shape[0]):
        cell = places[i]
        rows[cell] += 1
        pair = 0
        for a in range(count):
            # a column by 1: the sum itself
            x = numbers[i, a]
            before = low[cell, pair]
            low[cell, pair] = before + np.uint64(x)
            high[cell, pair] += (x >> 63) + np.int64(low[cell, pair] < before)
            pair += 1
        for a in range(count):
            x = numbers[i, a]
            x1, x0 = x >> HALF, x & mask
            for b in range(a, count):
                y = numbers[i, b]
                y1, y0 = y >> HALF, y & mask
                # x y in halves of 24 bits: what is above 2^64 of it is in `upper`
                cross = x1 * y0 + x0 * y1
                carried = (x0 * y0 + ((cross & mask) << HALF)) >> (2 * HALF)
                upper = (x1 * y1 + (cross >> HALF) + carried) >> 16
                before = low[cell, pair]
                low[cell, pair] = before + np.uint64(x * y)
                high[cell, pair] += upper + np.int64(low[cell, pair] < before)
                pair += 1


def as_integers(sums: Sums, pair: int) -> NDArray[Any]:
    """(cell,) of Python's integers, which have no bounds: the sums of one pair."""
    found: NDArray[Any] = sums.high[:, pair].astype(object) * WORD + sums.low[:, pair].astype(object)
    return found
