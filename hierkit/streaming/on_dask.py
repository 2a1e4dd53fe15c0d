"""The two passes over the partitions of a Dask DataFrame, where its partitions are: only sums and samples travel."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from hierkit.arrays import Array
from hierkit.model.complete_rows import complete_rows
from hierkit.model.formula import Formula
from hierkit.sources.chunks import Partitions, as_table
from hierkit.streaming.exact_sums import Sums, Units
from hierkit.streaming.summing import Summing, bounds_of, check_memory, lowest_and_highest, sum_chunk
from hierkit.streaming.survey import Part, candidates, part_of

FAN = 8  # sums that are added up at once


def parts_of_partitions(partitions: Partitions, formula: Formula, coded: Collection[str]) -> Iterator[Part]:
    """What each partition has for a survey, the rows that cannot be in the sample left out.

    The partitions are counted first, so that each knows the numbers of its rows among all.
    """
    counts = partitions.compute([partitions.apply(_count, part, formula) for part in partitions.parts])
    before = np.cumsum([(0, 0), *counts], axis=0)
    total = int(before[-1, 1])
    starts = before[:-1].tolist()
    calls = [
        partitions.apply(_candidates, part, formula, coded, given, used, total)
        for part, (given, used) in zip(partitions.parts, starts, strict=True)
    ]
    yield from partitions.compute(calls)


def sum_partitions(summing: Summing, partitions: Partitions, units: Units) -> Sums:
    """The sums of all rows, added up as a tree.

    Raises
    ------
    OverflowError
        For values beyond what the units can count.
    HierkitError
        As `sum_chunks`.
    """
    sums = [partitions.apply(_sums, part, summing, units) for part in partitions.parts]
    while len(sums) > 1:
        sums = [partitions.apply(_total, sums[i : i + FAN], summing) for i in range(0, len(sums), FAN)]
    total: Sums = partitions.compute(sums)[0]
    return total


def bounds_of_partitions(summing: Summing, partitions: Partitions) -> tuple[Array, Array]:
    """(column,) twice, the smallest and the largest values of all rows."""
    return lowest_and_highest(
        partitions.compute([partitions.apply(_bounds, part, summing) for part in partitions.parts])
    )


def _count(part: Any, formula: Formula) -> tuple[int, int]:
    frame, _, _ = complete_rows(as_table(part), formula.columns)
    return len(part), len(frame)


def _candidates(part: Any, formula: Formula, coded: Collection[str], given: int, used: int, total: int) -> Part:
    return candidates(part_of(as_table(part), formula, given, used), formula, coded, total)


def _sums(part: Any, summing: Summing, units: Units) -> Sums:
    return sum_chunk(summing, as_table(part), units)


def _total(sums: list[Sums], summing: Summing) -> Sums:
    total = sum(sums[1:], start=sums[0])
    check_memory(total, summing)
    return total


def _bounds(part: Any, summing: Summing) -> tuple[Array, Array]:
    return bounds_of(summing, as_table(part))
