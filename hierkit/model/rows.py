"""A user's table -> the rows that a model uses: known columns, known types, nothing missing.

Anything narwhals reads comes in; a pandas frame of the used columns goes on. Text, categories and dates become
ordered categoricals of the observed levels, so that the order of levels is decided here once: the categories' own
order where they have one, sorted otherwise.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.errors import HierkitError, check_word, refusal
from hierkit.model.complete_rows import (
    check_finite,
    exact_integers,
    in_64_bits,
    inferred,
    no_cells,
    none_complete,
    refuse_missing,
    with_intercept,
)
from hierkit.model.labels import some
from hierkit.model.names import INTERCEPT

Missing = Literal["drop", "error"]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows used and what was left out.

    Attributes
    ----------
    frame : pandas.DataFrame
        (row, column), the used columns under the user's names, complete rows only, with a fresh index.
    positions : ndarray of int
        (row,), where each row stood in the table that was given, from 0.
    given : int
        Rows of the table that was given.
    missing : dict of str to int
        Missing values per used column, columns without any left out. A row counts in each column it misses.
    unused_levels : dict of str to list
        Categories that no used row has, per column.
    dates : frozenset of str
        Columns of dates, times, durations or periods, which are labels of groups and nothing else.
    not_kept : int
        Rows used beside those in `frame`, of which only sums are kept.
    """

    frame: pd.DataFrame
    positions: NDArray[np.intp]
    given: int
    missing: dict[str, int] = field(default_factory=dict)
    unused_levels: dict[str, list[Any]] = field(default_factory=dict)
    dates: frozenset[str] = frozenset()
    not_kept: int = 0

    @property
    def used(self) -> int:
        """Rows used, kept or not."""
        return len(self.positions) + self.not_kept

    @property
    def dropped(self) -> int:
        """Rows left out because a used column is missing there."""
        return self.given - self.used


def read_rows(data: Any, columns: Iterable[str], missing: Missing = "drop", argument: str = "data") -> Rows:
    """Select, check and clean the used columns of a table.

    Parameters
    ----------
    data : table
        pandas, polars, pyarrow or anything else narwhals reads, lazy ones included.
    columns : iterable of str
        The columns to use; others are not looked at. "Intercept" is a column of ones where the table has none.
    missing : {"drop", "error"}
        What to do with rows in which a used column is missing.
    argument : str
        The name of the argument that holds the table, for errors.

    Returns
    -------
    Rows

    Raises
    ------
    HierkitError
        For what is no table, unknown or doubled columns, no rows, infinities, and missing values under "error".
    """
    columns = list(columns)
    check_word("missing", missing, get_args(Missing))
    table = select(data, columns, argument)
    frame, schema = table.to_pandas().reset_index(drop=True), table.schema
    if frame.empty:
        raise refusal(f"{argument} has no rows", "At least one is needed", "Check how the table was read or filtered")
    absent = {str(name): int(count) for name, count in frame.isna().sum().items() if count}
    if absent and missing == "error":
        raise refuse_missing(absent)
    kept = np.flatnonzero(frame.notna().all(axis=1))
    if not len(kept):
        raise none_complete(absent)
    native_order = nw.get_native_namespace(table) is pd
    clean, unused = {}, {}
    for name in columns:
        values = exact_integers(table[name], frame[name]) if schema[name].is_integer() else frame[name]
        clean[name], unused[name] = _clean(name, values.iloc[kept].reset_index(drop=True), schema[name], native_order)
        check_finite(name, clean[name], kept)
        unused[name] = unused[name] or _lost_levels(frame[name], clean[name])
    unused = {name: levels for name, levels in unused.items() if levels}
    dates = frozenset(name for name in columns if _are_dates(frame[name], schema[name]))
    return Rows(pd.DataFrame(clean), kept, len(frame), absent, unused, dates)


def count_rows(data: Any, argument: str) -> int:
    """The rows of a table of which no column is used."""
    counted = plain_table(data, argument).select(nw.len())
    return int((counted.collect() if isinstance(counted, nw.LazyFrame) else counted).item())


def _are_dates(values: pd.Series, dtype: Any) -> bool:
    """Whether a column holds moments, days, durations or periods, in whatever type."""
    if dtype.is_temporal() or isinstance(values.dtype, pd.PeriodDtype):
        return True
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.categories.dtype.kind in "mM" or isinstance(values.cat.categories.dtype, pd.PeriodDtype)
    first = next(iter(values.dropna()), None) if values.dtype == object else None
    return isinstance(first, datetime.date | datetime.time | datetime.timedelta | pd.Period)


def _lost_levels(given: pd.Series, used: pd.Series) -> list[Any]:
    """The labels of a text column that only rows left out had."""
    if not isinstance(used.dtype, pd.CategoricalDtype) or isinstance(given.dtype, pd.CategoricalDtype):
        return []
    kept = set(used.cat.categories)
    return [level for level in given.dropna().drop_duplicates() if level not in kept and str(level) not in kept]


def select(data: Any, columns: list[str], argument: str) -> nw.DataFrame[Any]:
    """These columns of a table, in memory; refuses columns that it does not have."""
    table = plain_table(data, argument)
    known = table.collect_schema().names()
    if unknown := [name for name in columns if name not in (*known, INTERCEPT)]:
        raise unknown_columns(unknown, known, argument)
    selected = with_intercept(table, columns)
    made = selected.collect() if isinstance(selected, nw.LazyFrame) else selected
    return in_64_bits(made)


def plain_table(data: Any, argument: str) -> Any:
    """A narwhals table, lazy or not, of which the columns have names of their own."""
    if isinstance(data, pd.DataFrame) and not (doubled := data.columns[data.columns.duplicated()]).empty:
        raise refusal(
            f"{argument} has more than one column named {', '.join(map(repr, doubled.unique()))}",
            "Column names must be unique",
            "Rename or drop the duplicates",
        )
    data = _plain_frame(data) if isinstance(data, pd.DataFrame) else data
    try:
        table: Any = nw.from_native(data)
    except TypeError:
        raise refusal(
            f"{argument} is of type {type(data).__name__}",
            "A table is a DataFrame of pandas, polars, pyarrow or another library that narwhals reads",
            "Make one, for example with pandas.DataFrame(data)",
        ) from None
    try:
        table.collect_schema()
    except nw.exceptions.DuplicateError as error:
        raise refusal(
            f"Two columns of the table have the same name: {error}",
            "Column names must be unique",
            "Rename the duplicates",
        ) from None
    return table


def _plain_frame(data: pd.DataFrame) -> pd.DataFrame:
    """The same table with text for the names of columns, where they stay different, and dense numbers."""
    names = [str(name) for name in data.columns]
    if alike := sorted({name for name in names if names.count(name) > 1}):
        raise refusal(
            f"The table has two columns whose names are both {alike[0]!r} as text",
            "Column names must differ as text",
            "Rename one of them",
        )
    if list(data.columns) != names:
        data = data.set_axis(names, axis=1)
    sparse = [name for name, dtype in data.dtypes.items() if isinstance(dtype, pd.SparseDtype)]
    dense = {str(name): pd.Series(data[name].to_numpy(), index=data.index) for name in sparse}
    return data.assign(**dense) if dense else data


def unknown_columns(unknown: list[str], known: list[str], argument: str) -> HierkitError:
    """The refusal of columns that a table does not have."""
    return refusal(
        f"{argument} has no column{'s' if len(unknown) > 1 else ''} {', '.join(map(repr, unknown))}",
        f"Its columns are {some(known, 20)}",
        "Check the spelling, and put names with spaces or symbols into backticks",
    )


def _clean(name: str, values: pd.Series, dtype: Any, native_order: bool) -> tuple[pd.Series, list[Any]]:
    """One column in a type that formulae knows, and its unused levels."""
    if dtype == nw.Object:
        values = inferred(values)
        if values.dtype != object:
            return _clean(name, values, nw.from_native(values, series_only=True).dtype, native_order)
    if dtype == nw.Boolean:
        return values.astype(bool), []
    if dtype.is_integer():
        # differences of unsigned numbers would wrap around
        return values.astype(np.int64) if values.max() <= np.iinfo(np.int64).max else values, []
    if dtype.is_numeric() or getattr(values.dtype, "kind", "") == "f":  # narwhals does not know long doubles
        return values.astype(np.float64), []
    if isinstance(values.dtype, pd.CategoricalDtype) and (native_order or dtype != nw.Categorical):
        used = values.cat.remove_unused_categories()
        unused = [level for level in values.cat.categories if level not in set(used.cat.categories)]
        return _plain_labels(name, used.cat.as_ordered()), [
            level if _is_plain(level) else str(level) for level in unused
        ]
    try:
        categories = pd.Categorical(values, categories=_sorted_levels(values), ordered=True)
    except TypeError:
        raise no_cells(name, type(values.iloc[0]).__name__) from None
    except UnicodeEncodeError as error:
        raise refusal(
            f"Column {name!r} holds half a character, in {str(error.object)[:20]!r}",
            "Labels are text in Unicode",
            'Read the file in its own encoding, or with encoding_errors="replace"',
        ) from None
    return _plain_labels(name, pd.Series(categories)), []


def _is_plain(label: Any) -> bool:
    return isinstance(label, str | bool | int | float) or (isinstance(label, pd.Timestamp) and label.tz is None)


def _plain_labels(name: str, values: pd.Series) -> pd.Series:
    """Labels of one plain type as they are; of several types, or of others (intervals, periods, dates), as text."""
    levels = values.cat.categories.tolist()
    if all(map(_is_plain, levels)) and len({type(level) for level in levels}) == 1:
        return values
    texts = [str(level) for level in levels]
    if len(set(texts)) < len(texts):
        raise refusal(
            f'Column {name!r} holds labels of different types that print alike, such as 1 and "1"',
            "Labels must differ as text",
            "Convert the column to one type",
        )
    return values.cat.rename_categories(texts)


def _sorted_levels(values: pd.Series) -> list[Any]:
    levels = list(dict.fromkeys(values.tolist()))
    try:
        return sorted(levels)
    except TypeError:  # levels of several types have no order of their own
        return sorted(levels, key=lambda level: (str(level), type(level).__name__))
