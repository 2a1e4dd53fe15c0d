"""The second pass over chunks: sums of each cell's columns."""

import math
from collections.abc import Sequence
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
    add = _to_all if BYTES * summing.pairs * combinations <= MOST_BYTES / 4 else _to_observed
    total = no_sums(np.arange(combinations if add is _to_all else 0), summing.pairs)
    waiting: list[Sums] = []
    for table in chunks():
        total = add(total, waiting, *summing.numbers(table, units))
        check_memory(total, summing)
    return with_rows(sum(waiting, start=total))


def sum_chunk(summing: Summing, table: Any, units: Units) -> Sums:
    """The sums of one chunk.

    Raises
    ------
    OverflowError
        As `sum_chunks`.
    """
    waiting: list[Sums] = []
    return _to_observed(no_sums(np.arange(0), summing.pairs), waiting, *summing.numbers(table, units))


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


def _to_all(total: Sums, waiting: list[Sums], cells: Longs, numbers: Longs) -> Sums:
    """Add rows to the sums of all combinations of groups, observed or not."""
    add_rows(cells, numbers, total)
    return total


def _to_observed(total: Sums, waiting: list[Sums], cells: Longs, numbers: Longs) -> Sums:
    """Add rows to the sums of the combinations seen so far, when enough of them are waiting."""
    places, own = pd.factorize(cells, sort=True)
    part = no_sums(np.asarray(own), total.high.shape[1])
    add_rows(places, numbers, part)
    waiting.append(part)
    if sum(len(part.cells) for part in waiting) > len(total.cells):
        total = sum(waiting, start=total)
        waiting.clear()
    return total


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
