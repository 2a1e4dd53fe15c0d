"""The second pass over chunks: sums of each cell's columns."""

import math
from dataclasses import dataclass

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
    units_of,
    whole_numbers,
    with_rows,
)

MOST_BYTES = 4e9
BYTES = 16  # of one sum


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


def sum_chunks(summing: Summing, chunks: Chunks) -> tuple[Sums, Units]:
    """The sums of all rows, cell by cell, and the units that they are in.

    Raises
    ------
    HierkitError
        For a term that is not finite in a row, and where the sums would take too much memory.
    """
    values = summing.of_sample()
    units = units_of(values.min(axis=0), values.max(axis=0))
    try:
        return _summed(summing, chunks, units), units
    except OverflowError:  # some column goes far beyond what the sample shows
        units = units_of(*_bounds(summing, chunks))
        return _summed(summing, chunks, units), units


def _summed(summing: Summing, chunks: Chunks, units: Units) -> Sums:
    pairs = len(pair_places(len(units.unit)))
    combinations = math.prod(summing.cells.shape)
    add = _to_all if BYTES * pairs * combinations <= MOST_BYTES / 4 else _to_observed
    total = no_sums(np.arange(combinations if add is _to_all else 0), pairs)
    waiting: list[Sums] = []
    for table in chunks():
        frame, _, _ = complete_rows(table, summing.sample.formula.columns)
        if len(frame):
            numbers = whole_numbers(summing.of(frame), units)
            total = add(total, waiting, summing.cells.numbers(frame), numbers)
            _check_memory(len(total.cells), pairs, len(units.unit))
    return with_rows(sum(waiting, start=total))


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


def _check_memory(cells: int, pairs: int, columns: int) -> None:
    if (needed := BYTES * cells * pairs) > MOST_BYTES:
        raise refusal(
            f"The sums of {columns} columns in {cells:,} cells of groups or more take {needed / 1e9:.1f} GB",
            f"The limit is {MOST_BYTES / 1e9:g} GB",
            "Use fewer predictors, leave a factor out, or fit a sample of the groups",
        )


def _bounds(summing: Summing, chunks: Chunks) -> tuple[Array, Array]:
    low, high = [], []
    for table in chunks():
        frame, _, _ = complete_rows(table, summing.sample.formula.columns)
        if len(frame):
            values = summing.of(frame)
            low.append(values.min(axis=0))
            high.append(values.max(axis=0))
    return np.min(low, axis=0), np.max(high, axis=0)
