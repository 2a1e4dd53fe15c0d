"""The first pass over chunks: what a design has to know of all rows before their columns can be made."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.errors import HierkitError, refusal
from hierkit.model.complete_rows import check_finite, complete_rows, none_complete, refuse_missing
from hierkit.model.formula import Formula
from hierkit.model.rows import Missing

SAMPLE = 20_000  # rows, at most, beside first and extreme ones
MOST_COMBINATIONS = 20_000
ROWS_OF_EACH = 20
POSITION = "position among the rows given"


@dataclass(frozen=True, eq=False)
class Survey:
    """What the first pass found.

    Attributes
    ----------
    given, used : int
        Rows, and complete rows.
    missing : dict of str to int
        Missing values of each column that has any.
    sample : pandas.DataFrame
        Complete rows as they were given: evenly spaced ones, the first ones of each combination of labels, and those
        with the smallest and the largest number of each column.
    positions, spacing : ndarray
        (row of the sample,), where it stood among the rows given, and how many complete rows it is in place of.
    levels : dict of str to Series
        The values of each grouping column, in the order in which they appear.
    """

    given: int
    used: int
    missing: dict[str, int]
    sample: pd.DataFrame
    positions: NDArray[np.intp]
    spacing: NDArray[np.float64]
    levels: dict[str, pd.Series]


@dataclass(frozen=True, eq=False)
class Part:
    """What one chunk has for a survey.

    Attributes
    ----------
    given, used, missing
        As of `Survey`, of this chunk.
    rows : pandas.DataFrame
        Its complete rows, or those of them that may be in the sample; the index counts the complete rows of all chunks.
    levels : dict of str to Series
        The values of each grouping column.
    step : int
        Of evenly spaced rows, every how many are among `rows`.
    """

    given: int
    used: int
    missing: dict[str, int]
    rows: pd.DataFrame
    levels: dict[str, pd.Series]
    step: int = 1


def part_of(table: Any, formula: Formula, given: int, used: int) -> Part:
    """A chunk's part, after so many rows, and complete ones, of chunks before it.

    Raises
    ------
    HierkitError
        For infinite numbers.
    """
    frame, kept, absent = complete_rows(table, formula.columns)
    for name in formula.columns:
        check_finite(name, frame[name], given + kept)
    rows = frame.set_axis(used + np.arange(len(frame))).assign(**{POSITION: given + kept})
    levels = {name: frame[name].drop_duplicates() for term in formula.group_terms for name in term.factor}
    return Part(len(table), len(frame), absent, rows, levels)


def parts_of(tables: Iterable[Any], formula: Formula) -> Iterator[Part]:
    """The parts of chunks, one after the other."""
    given = used = 0
    for table in tables:
        part = part_of(table, formula, given, used)
        yield part
        given += part.given
        used += part.used


def candidates(part: Part, formula: Formula, coded: Collection[str], used: int) -> Part:
    """The same part with those of its rows alone that may be in the sample of so many complete rows of all chunks."""
    if not part.used:
        return part
    step = step_of(used)
    found = _Found(formula, coded, _Even(step))
    found.add(part)
    return replace(part, rows=found.rows, step=step)


def step_of(used: int) -> int:
    """Every how many of so many complete rows are in the sample."""
    step = 1
    while math.ceil(used / step) > SAMPLE:
        step *= 2
    return step


def survey(parts: Iterable[Part], formula: Formula, coded: Collection[str], missing: Missing) -> Survey:
    """What all chunks together have.

    Parameters
    ----------
    parts : iterable of Part
        In the order of the chunks.
    formula : Formula
        From `parse`.
    coded : collection of str
        Columns that some call takes for a category, whatever their type.
    missing : {"drop", "error"}
        What to do with rows in which a used column is missing.

    Raises
    ------
    HierkitError
        For no complete row, missing values under "error", and too many combinations of categories.
    """
    found = _Found(formula, coded, _Even())
    absent: Counter[str] = Counter()
    given = used = 0
    for part in parts:
        found.add(part)
        absent.update(part.missing)
        given += part.given
        used += part.used
    if absent and missing == "error":
        raise refuse_missing(dict(absent))
    if not used:
        raise none_complete(absent)
    rows = found.rows
    spaced = rows.index.to_numpy() % found.even.step == 0
    spacing = np.where(spaced, (used - (~spaced).sum()) / spaced.sum(), 1.0)
    positions = rows.pop(POSITION).to_numpy().astype(np.intp)
    values = {name: one.together() for name, one in found.levels.items()}
    return Survey(given, used, dict(absent), rows.reset_index(drop=True), positions, spacing, values)


class _Found:
    """What was found so far."""

    def __init__(self, formula: Formula, coded: Collection[str], even: "_Even") -> None:
        self.columns = formula.columns
        self.even = even
        self.extremes = _Extremes()
        self.firsts = [_Firsts(formula.predictors), *([_Firsts(formula.predictors, coded)] if coded else [])]
        self.groups = _FirstGroups()
        self.levels = {name: _Values() for term in formula.group_terms for name in term.factor}

    def add(self, part: Part) -> None:
        if not part.used:
            return
        self.even.step = max(self.even.step, part.step)
        self.even.add(part.rows)
        self.extremes.add(part.rows, self.columns)
        self.groups.add(part.rows, self.levels)
        for firsts in self.firsts:
            firsts.add(part.rows)
        for name, values in self.levels.items():
            values.add(part.levels[name])

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of the sample, in order."""
        firsts = [*self.groups.rows, *(row for one in self.firsts for row in one.rows)]
        rows = pd.concat([*self.even.rows, *self.extremes.rows.values(), *firsts])
        found: pd.DataFrame = rows[~rows.index.duplicated()].sort_index()
        return found


@dataclass
class _Even:
    """Every so many rows, the fewer the more there are: the same ones whatever the chunks."""

    step: int = 1
    rows: list[pd.DataFrame] = field(default_factory=list)

    def add(self, frame: pd.DataFrame) -> None:
        self.rows.append(frame[frame.index % self.step == 0])
        while sum(map(len, self.rows)) > SAMPLE:
            self.step *= 2
            self.rows = [part[part.index % self.step == 0] for part in self.rows]


@dataclass
class _Extremes:
    """The first row with the smallest and the first with the largest number of each column."""

    rows: dict[tuple[str, bool], pd.DataFrame] = field(default_factory=dict)

    def add(self, frame: pd.DataFrame, columns: Sequence[str]) -> None:
        for name in columns:
            values = frame[name]
            if values.dtype.kind not in "iuf":
                continue
            numbers = values.to_numpy()
            for largest, place in ((False, int(numbers.argmin())), (True, int(numbers.argmax()))):
                known = self.rows.get((name, largest))
                if known is not None:
                    before = known[name].iloc[0]
                    if numbers[place] <= before if largest else numbers[place] >= before:
                        continue
                self.rows[name, largest] = frame.iloc[[place]]


@dataclass
class _FirstGroups:
    """The first rows of two groups of each grouping column: a factor has at least two."""

    seen: dict[str, set[Any]] = field(default_factory=dict)
    rows: list[pd.DataFrame] = field(default_factory=list)

    def add(self, frame: pd.DataFrame, grouping: Collection[str]) -> None:
        for name in grouping:
            known = self.seen.setdefault(name, set())
            if len(known) < 2:
                first = frame[name].drop_duplicates()
                first = first[~first.isin(known)].iloc[: 2 - len(known)]
                self.rows.append(frame.loc[first.index])
                known.update(first)


@dataclass
class _Firsts:
    """The first rows of each combination of labels, so many that they show which columns of interactions differ.

    Where combinations with `coded` numbers, of which a call may make a category, are too many, none of them is kept.
    """

    predictors: Sequence[str]
    coded: Collection[str] = ()
    seen: dict[tuple[Any, ...], int] = field(default_factory=dict)
    rows: list[pd.DataFrame] = field(default_factory=list)

    def add(self, frame: pd.DataFrame) -> None:
        labels = [name for name in self.predictors if name in self.coded or frame[name].dtype.kind not in "iuf"]
        if not labels or len(self.seen) > MOST_COMBINATIONS:
            return
        cells = frame.groupby(labels, sort=False, observed=True)
        sizes = cells.size()
        before = np.array([self.seen.get(_cell(cell), 0) for cell in sizes.index])
        if (before < ROWS_OF_EACH).any():
            places = cells.ngroup().to_numpy()
            self.rows.append(frame[cells.cumcount().to_numpy() + before[places] < ROWS_OF_EACH])
        self.seen.update((_cell(cell), n + int(size)) for cell, n, size in zip(sizes.index, before, sizes, strict=True))
        if len(self.seen) > MOST_COMBINATIONS:
            self.rows.clear()
            if not self.coded:
                raise _too_many(labels)


def _cell(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _too_many(labels: Sequence[str]) -> HierkitError:
    names = " and ".join(map(repr, labels))
    return refusal(
        f"There are more than {MOST_COMBINATIONS:,} combinations of labels of {names}",
        "Of rows that are read in chunks each combination of the predictors' labels is kept",
        "Make fewer labels, use numbers, or make a column the factor of a group term",
    )


@dataclass
class _Values:
    """The distinct values of a column."""

    parts: list[pd.Series] = field(default_factory=list)

    def add(self, values: pd.Series) -> None:
        self.parts.append(values.drop_duplicates())
        if len(self.parts) > 1 and sum(map(len, self.parts[1:])) > len(self.parts[0]):
            self.parts = [self.together()]

    def together(self) -> pd.Series:
        return pd.concat(self.parts, ignore_index=True).drop_duplicates(ignore_index=True)
