"""The second pass over chunks: sums of each cell's columns."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.complete_rows import complete_rows
from hierkit.model.design import Design
from hierkit.model.new_rows import new_outcome, read_new_rows
from hierkit.sources.chunks import Chunks
from hierkit.streaming.cells import Cells
from hierkit.streaming.exact_sums import (
    Longs,
    Sums,
    Units,
    add_rows,
    no_sums,
    pair_places,
    whole_numbers,
    with_rows,
)

MOST_BYTES = 4e9
BYTES = 16  # of one sum
BYTES_OF_POINTS = 24  # of a number of a point, as it is, in X, Z and y, and as engines have it


@dataclass(frozen=True, eq=False)
class Summing:
    """What is summed of each row, and into which cell.

    Attributes
    ----------
    sample : Design
        Of some of the rows: how columns are made.
    cells : Cells
        How groups make cells.
    columns : tuple of int
        Those that are summed, as places in X, the factors' Z and y less its offset side by side.
    """

    sample: Design
    cells: Cells
    columns: tuple[int, ...]

    @property
    def pairs(self) -> int:
        """How many sums there are of each cell."""
        return len(pair_places(len(self.columns)))

    def numbers(self, table: Any, units: Units) -> tuple[Longs, Longs]:
        """(row,) and (row, column), the cells and the whole numbers of a chunk's complete rows."""
        frame, _, _ = complete_rows(table, self.sample.formula.columns)
        if not len(frame):
            return np.empty(0, dtype=np.int64), np.empty((0, len(self.columns)), dtype=np.int64)
        return self.cells.numbers(frame), whole_numbers(self.of(frame), units)

    def of_sample(self) -> Array:
        """(row of the sample, column)."""
        design = self.sample
        y = design.outcome.y - design.offset
        return np.column_stack([design.X, *(factor.Z for factor in design.factors), y])[:, self.columns]

    def of(self, frame: pd.DataFrame) -> Array:
        """(row, column), of complete rows as they were given."""
        rows = read_new_rows(self.sample, frame, (), self.sample.formula.outcome_columns)
        y = new_outcome(self.sample, rows).y - rows.matrices.offset
        return np.column_stack([rows.matrices.X, *rows.matrices.Z, y])[:, self.columns]


def sum_chunks(summing: Summing, chunks: Chunks, units: Units) -> Sums:
    """The sums of all rows, cell by cell.

    Raises
    ------
    OverflowError
        For values beyond what the units can count.
    HierkitError
        For a term that is not finite in a row, and where the sums would take too much memory.
    """
    combinations = math.prod(summing.cells.shape)
    are_few = BYTES * summing.pairs * combinations <= MOST_BYTES / 4
    numbers = (summing.numbers(table, units) for table in chunks())
    return _of_all_cells(summing, combinations, numbers) if are_few else _of_observed_cells(summing, numbers)


def sum_chunk(summing: Summing, table: Any, units: Units) -> Sums:
    """The sums of one chunk.

    Raises
    ------
    OverflowError
        As `sum_chunks`.
    """
    return _sums_of(*summing.numbers(table, units), summing.pairs)


def _sums_of(cells: Longs, numbers: Longs, pairs: int) -> Sums:
    """The sums of rows in these cells (row,)."""
    places, own = pd.factorize(cells, sort=True)
    sums = no_sums(np.asarray(own), pairs)
    add_rows(places, numbers, sums)
    return sums


def _of_all_cells(summing: Summing, combinations: int, chunks: Iterable[tuple[Longs, Longs]]) -> Sums:
    """The sums of rows, kept for all combinations of groups, observed or not."""
    total = no_sums(np.arange(combinations), summing.pairs)
    for cells, numbers in chunks:
        add_rows(cells, numbers, total)
    total = with_rows(total)
    check_memory(total, summing)
    return total


def _of_observed_cells(summing: Summing, chunks: Iterable[tuple[Longs, Longs]]) -> Sums:
    """The sums of rows, kept for the combinations seen so far; those of chunks wait until they are as many."""
    total = no_sums(np.arange(0), summing.pairs)
    waiting: list[Sums] = []
    for cells, numbers in chunks:
        waiting.append(_sums_of(cells, numbers, summing.pairs))
        if sum(len(part.cells) for part in waiting) > len(total.cells):
            total = sum(waiting, start=total)
            waiting.clear()
            check_memory(total, summing)
    return sum(waiting, start=total)


def bounds_of_chunks(summing: Summing, chunks: Chunks) -> tuple[Array, Array]:
    """(column,) twice, the smallest and the largest values of all rows."""
    found = [bounds_of(summing, table) for table in chunks()]
    return lowest_and_highest(found)


def lowest_and_highest(found: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The bounds of all chunks, from those of each."""
    lows, highs = zip(*found, strict=True)
    return np.asarray(np.min(lows, axis=0)), np.asarray(np.max(highs, axis=0))


def bounds_of(summing: Summing, table: Any) -> tuple[Array, Array]:
    """The same of one chunk."""
    frame, _, _ = complete_rows(table, summing.sample.formula.columns)
    values = summing.of(frame) if len(frame) else summing.of_sample()
    return values.min(axis=0), values.max(axis=0)


def check_memory(total: Sums, summing: Summing) -> None:
    """Refuse sums that take too much memory, the points that are made of them included."""
    cells, r = len(total.cells), len(summing.columns)
    needed = cells * (BYTES * summing.pairs + BYTES_OF_POINTS * (r + 1) * (r + 2))
    if needed > MOST_BYTES:
        raise refusal(
            f"The sums of {len(summing.columns)} columns in {cells:,} cells of groups take {needed / 1e9:.1f} GB",
            f"The limit is {MOST_BYTES / 1e9:g} GB",
            "Use fewer predictors, leave a factor out, or fit a sample of the groups",
        )
