"""The first pass over chunks: what a design has to know of all rows before their columns can be made."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.errors import refusal
from hierkit.model.complete_rows import check_finite, complete_rows, none_complete, refuse_missing
from hierkit.model.formula import Formula
from hierkit.model.rows import Missing

SAMPLE = 20_000  # rows, at most, beside first and extreme ones
MOST_COMBINATIONS = 20_000
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
        Complete rows as they were given: evenly spaced ones, the first of each combination of categories, and those
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
        self.firsts = _Firsts(formula.predictors, coded)
        self.levels = {name: _Values() for term in formula.group_terms for name in term.factor}

    def add(self, part: Part) -> None:
        if not part.used:
            return
        self.even.step = max(self.even.step, part.step)
        self.even.add(part.rows)
        self.extremes.add(part.rows, self.columns)
        self.firsts.add(part.rows, tuple(self.levels))
        for name, values in self.levels.items():
            values.add(part.levels[name])

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of the sample, in order."""
        rows = pd.concat([*self.even.rows, *self.extremes.rows.values(), *self.firsts.rows])
        return rows[~rows.index.duplicated()].sort_index()


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
class _Firsts:
    """The first row of each combination of categories, and of the first two values of each grouping column."""

    predictors: Sequence[str]
    coded: Collection[str]
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    groups: dict[str, set[Any]] = field(default_factory=dict)
    rows: list[pd.DataFrame] = field(default_factory=list)

    def add(self, frame: pd.DataFrame, grouping: Sequence[str]) -> None:
        self._add_groups(frame, grouping)
        labels = [name for name in self.predictors if name in self.coded or frame[name].dtype.kind not in "iuf"]
        if not labels:
            return
        cells = frame[labels].drop_duplicates()
        new = [cell not in self.seen for cell in cells.itertuples(index=False, name=None)]
        if not any(new):
            return
        self.seen.update(cells[new].itertuples(index=False, name=None))
        if len(self.seen) > MOST_COMBINATIONS:
            raise refusal(
                f"{' and '.join(map(repr, labels))} have more than {MOST_COMBINATIONS:,} combinations of labels",
                "Of rows that are read in chunks each combination of the predictors' labels is kept",
                "Make fewer labels, use numbers, or make a column the factor of a group term",
            )
        self.rows.append(frame.loc[cells.index[new]])

    def _add_groups(self, frame: pd.DataFrame, grouping: Sequence[str]) -> None:
        for name in grouping:
            known = self.groups.setdefault(name, set())
            if len(known) < 2:
                first = frame[name].drop_duplicates()
                first = first[~first.isin(known)].iloc[: 2 - len(known)]
                self.rows.append(frame.loc[first.index])
                known.update(first)


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
