"""The first pass over chunks: what a design has to know of all rows before their columns can be made."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
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


def survey(tables: Iterable[Any], formula: Formula, coded: Collection[str], missing: Missing) -> Survey:
    """Go through all rows once.

    Parameters
    ----------
    tables : iterable of narwhals.DataFrame
        The chunks.
    formula : Formula
        From `parse`.
    coded : collection of str
        Columns that some call takes for a category, whatever their type.
    missing : {"drop", "error"}
        What to do with rows in which a used column is missing.

    Raises
    ------
    HierkitError
        For no complete row, infinite numbers, missing values under "error", and too many combinations of categories.
    """
    given = used = 0
    absent: Counter[str] = Counter()
    even = _Even()
    extremes = _Extremes()
    firsts = _Firsts(formula.predictors, coded)
    levels = {name: _Values() for term in formula.group_terms for name in term.factor}
    for table in tables:
        frame, kept, own = complete_rows(table, formula.columns)
        absent.update(own)
        for name in formula.columns:
            check_finite(name, frame[name], given + kept)
        frame = frame.set_axis(used + np.arange(len(frame))).assign(**{POSITION: given + kept})
        if len(frame):
            even.add(frame)
            extremes.add(frame, formula.columns)
            firsts.add(frame, tuple(levels))
            for name, values in levels.items():
                values.add(frame[name])
        given += len(table)
        used += len(frame)
    if absent and missing == "error":
        raise refuse_missing(dict(absent))
    if not used:
        raise none_complete(absent)
    return _joined(given, used, dict(absent), even, [*extremes.rows.values(), *firsts.rows], levels)


def _joined(
    given: int,
    used: int,
    absent: dict[str, int],
    even: "_Even",
    others: list[pd.DataFrame],
    levels: "dict[str, _Values]",
) -> Survey:
    rows = pd.concat([*even.rows, *others])
    rows = rows[~rows.index.duplicated()].sort_index()
    spaced = rows.index.to_numpy() % even.step == 0
    spacing = np.where(spaced, (used - (~spaced).sum()) / spaced.sum(), 1.0)
    positions = rows.pop(POSITION).to_numpy().astype(np.intp)
    values = {name: one.together() for name, one in levels.items()}
    return Survey(given, used, absent, rows.reset_index(drop=True), positions, spacing, values)


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
