"""Files of text with commas, semicolons or tabs: numbers become numbers, and labels stay as they are written."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierkit.errors import refusal, warn
from hierkit.model.labels import LEADING_ZERO
from hierkit.sources.damage import cannot_read
from hierkit.sources.widths import check_widths

MISSING_NUMBERS = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "#N/A", "."})
BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
AS_WRITTEN: dict[str, Any] = {"dtype": str, "keep_default_na": False, "na_filter": False}
BLOCK = 2**24  # bytes
ROWS_AT_ONCE = 2**18
MOST_DIGITS = 40
EXACT = 2**53  # beyond, whole numbers and numbers with a point differ
MANY_DIGITS = re.compile(r"\s*[+-]?\d{16,}\s*")


class Kind(Enum):
    """What the cells of a column, or of a part of it, are."""

    EMPTY = "no cells"
    NOTHING = "missing values"
    WHOLE = "whole numbers, none missing"
    WHOLE_OR_MISSING = "whole numbers, some missing"
    LONG = "whole numbers, some of more digits than other numbers have"
    NUMBERS = "numbers"
    BOOLEANS = "booleans"
    LABELS = "labels"


OF_NUMBERS = (Kind.WHOLE, Kind.WHOLE_OR_MISSING, Kind.LONG, Kind.NUMBERS)


def column_names(path: Path) -> list[str]:
    """The first line of a file.

    Raises
    ------
    HierkitError
        For a file that cannot be read.
    """
    named = _header(path)
    separator = _separator(path)
    try:
        written = pd.read_csv(path, sep=separator, header=None, nrows=1, **AS_WRITTEN).iloc[0].tolist()
    except (ValueError, OSError) as error:
        raise cannot_read(path, error) from error
    # of x, x pandas makes x, x.1; columns without a name get one
    return [str(own or name) for own, name in zip(written, named, strict=False)]


def read_delimited(paths: Sequence[Path], columns: Sequence[str], missing: Collection[str] = ()) -> pd.DataFrame:
    """The columns of files, one below the other.

    A column of text whose cells are numbers, but for empty ones and words such as NA, becomes numbers with missing
    values. In any other column such words are labels (NA may be Namibia), and 007 is not 7. A .csv may have semicolons,
    and then decimal commas. The type of a column is that of all its cells, in whichever file.

    Parameters
    ----------
    paths : sequence of Path
        Each ends in .csv or .tsv.
    columns : sequence of str
        Which columns to read.
    missing : collection of str
        Words that mean a missing value in every column, beside empty cells.

    Raises
    ------
    HierkitError
        For a file that cannot be read, and for files with different separators.
    """
    has_decimal_commas = _has_decimal_commas(paths)
    check_widths(paths, _separator)
    text = pd.concat([_empty(columns), *_chunks_of_text(paths, columns)], ignore_index=True)
    absent = frozenset(missing)
    _check_marks({name: _marks(text[name], absent) for name in columns} if has_decimal_commas else {})
    kinds = {name: _kind(text[name], absent, has_decimal_commas) for name in text}
    return pd.DataFrame({name: _as(kinds[name], text[name], absent, has_decimal_commas) for name in text})


def kinds_of(paths: Sequence[Path], columns: Sequence[str], rows: int, advice: str) -> dict[str, Kind]:
    """What the cells of each column are in all files together, which are gone through so many rows at a time.

    Raises
    ------
    HierkitError
        As `read_delimited`.

    Warns
    -----
    HierkitWarning
        As `warn_of_words`.
    """
    commas = _has_decimal_commas(paths)
    check_widths(paths, _separator)
    kinds = dict.fromkeys(columns, Kind.EMPTY)
    words: dict[str, Counter[str]] = {name: Counter() for name in columns}
    marks: dict[str, set[str]] = {name: set() for name in columns}
    for text in _chunks_of_text(paths, columns, rows):
        for name in columns:
            marks[name] |= _marks(text[name], frozenset()) if commas else set()
            kinds[name] = _together(kinds[name], _kind(text[name], frozenset(), commas))
            words[name].update(text[name][text[name].isin(MISSING_NUMBERS - {""})])
    _check_marks({name: found for name, found in marks.items() if kinds[name] is Kind.NUMBERS})
    for name, kind in kinds.items():
        if kind is Kind.LABELS:
            _warn_of_words(name, words[name], advice)
    return kinds


def chunks(paths: Sequence[Path], kinds: dict[str, Kind], rows: int) -> Iterator[pd.DataFrame]:
    """The columns of files, so many rows at a time, in the types that their kinds say.

    Raises
    ------
    HierkitError
        As `read_delimited`.
    """
    commas = _has_decimal_commas(paths)
    for text in _chunks_of_text(paths, list(kinds), rows):
        yield pd.DataFrame({name: _as(kind, text[name], frozenset(), commas) for name, kind in kinds.items()})


def count_lines(path: Path) -> int:
    """The lines of a file below its first: its rows, unless a cell has several lines.

    Raises
    ------
    HierkitError
        For a file that cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b"")) - 1
    except OSError as error:
        raise cannot_read(path, error) from error


def _has_decimal_commas(paths: Sequence[Path]) -> bool:
    separators = {_separator(path): path for path in paths}
    if len(separators) > 1:
        one, other, *_ = separators.values()
        raise refusal(
            f"{str(one)!r} and {str(other)!r} have different separators",
            "The files of one table have the same, and with semicolons decimal commas",
            "Write them alike",
        )
    return ";" in separators


def _empty(columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=str) for name in columns})


def _header(path: Path) -> list[str]:
    """The names of a file's columns as pandas makes them different."""
    separator = _separator(path)
    try:
        return list(pd.read_csv(path, sep=separator, nrows=0, index_col=False, **AS_WRITTEN).columns)
    except (ValueError, OSError) as error:
        raise cannot_read(path, error) from error


def _chunks_of_text(paths: Sequence[Path], columns: Sequence[str], rows: int = ROWS_AT_ONCE) -> Iterator[pd.DataFrame]:
    """The cells as they are written."""
    # of rows that are too long pandas would else take the first cells for names
    options: dict[str, Any] = {"usecols": list(columns), "index_col": False, **AS_WRITTEN}
    for path in paths:
        separator = _separator(path)
        try:
            with pd.read_csv(path, sep=separator, chunksize=rows, **options) as parts:
                for part in parts:
                    yield part[list(columns)]
        except (ValueError, OSError) as error:
            raise cannot_read(path, error) from error


def _separator(path: Path) -> str:
    """Of a .csv whichever of comma and semicolon the first line has more of."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    try:
        with open(path, encoding="utf-8-sig") as file:
            first = file.readline()
    except (ValueError, OSError) as error:
        raise cannot_read(path, error) from error
    return ";" if first.count(";") > first.count(",") else ","


def _kind(text: "pd.Series[str]", missing: frozenset[str], has_decimal_commas: bool) -> Kind:
    """What the cells of a column are."""
    given = text[~text.isin(missing | {""} | MISSING_NUMBERS)]
    if not len(given):
        return Kind.EMPTY if not len(text) else Kind.NOTHING
    numbers = _numbers(given, has_decimal_commas)
    is_complete = len(given) == len(text)
    if numbers.notna().all() and not given.str.match(LEADING_ZERO).any():
        return _kind_of_numbers(given, numbers, is_complete)
    return Kind.BOOLEANS if is_complete and given.isin(BOOLEANS).all() else Kind.LABELS


def _kind_of_numbers(given: "pd.Series[str]", numbers: Any, is_complete: bool) -> Kind:
    """Identifiers may have more digits than numbers with a point, and more than 64 bits hold."""
    long = given[given.str.fullmatch(MANY_DIGITS)]
    # Python refuses to read thousands of digits
    is_long = any(len(cell) > MOST_DIGITS or abs(int(cell)) > EXACT for cell in long)
    if numbers.dtype.kind != "i":
        return Kind.LABELS if is_long else Kind.NUMBERS
    if is_long:
        return Kind.LONG
    return Kind.WHOLE if is_complete else Kind.WHOLE_OR_MISSING


def _together(one: Kind, other: Kind) -> Kind:
    """What the cells of two parts of a column are."""
    if Kind.EMPTY in (one, other):
        return other if one is Kind.EMPTY else one
    if one is other:
        return one
    for kind in (Kind.WHOLE_OR_MISSING, Kind.LONG, Kind.NUMBERS):
        if {one, other} <= {Kind.NOTHING, Kind.WHOLE, Kind.WHOLE_OR_MISSING, kind}:
            return kind
    return Kind.LABELS


def _as(kind: Kind, text: "pd.Series[str]", missing: frozenset[str], has_decimal_commas: bool) -> Any:
    """A column of text as numbers, as booleans, or as labels."""
    absent = text.isin(missing | {""})
    if kind is Kind.BOOLEANS:
        return text.map(BOOLEANS).astype(bool)
    if kind not in OF_NUMBERS:
        return text.where(~absent, None).astype(object)
    numbers = _numbers(text[~absent & ~text.isin(MISSING_NUMBERS)], has_decimal_commas)
    if kind is Kind.WHOLE:
        return numbers
    if kind is Kind.LONG:
        return numbers.astype("Int64").reindex(text.index)
    return numbers.astype(np.float64).reindex(text.index)


def _marks(text: "pd.Series[str]", missing: frozenset[str]) -> set[str]:
    """Of a column of numbers, which of point and comma its cells have."""
    if _kind(text, missing, has_decimal_commas=True) is not Kind.NUMBERS:
        return set()
    given = text[~text.isin(missing | {""} | MISSING_NUMBERS)]
    return {mark for mark in ".," if given.str.contains(mark, regex=False).any()}


def _check_marks(marks: dict[str, set[str]]) -> None:
    """Refuse numbers with points beside numbers with commas: one of the two is of thousands."""
    with_commas = next((name for name, found in marks.items() if "," in found), None)
    with_points = next((name for name, found in marks.items() if "." in found), None)
    if with_commas is not None and with_points is not None:
        raise refusal(
            f"Numbers of {with_points!r} have a point, and numbers of {with_commas!r} a comma",
            "A file has one decimal mark, and no mark of thousands",
            "Write the numbers alike, or read the file with pandas.read_csv, which has decimal and thousands",
        )


def _numbers(given: "pd.Series[str]", has_decimal_commas: bool) -> Any:
    return pd.to_numeric(given.str.replace(",", ".") if has_decimal_commas else given, errors="coerce")


def warn_of_words(table: pd.DataFrame, advice: str) -> None:
    """Say which words among labels might mean a missing value, and what to do if they do."""
    for name, labels in table.items():
        if labels.dtype == object:
            _warn_of_words(str(name), Counter(labels[labels.isin(MISSING_NUMBERS)]), advice)


def _warn_of_words(name: str, words: Counter[str], advice: str) -> None:
    if words:
        counts = ", ".join(f"{word!r} ({words[word]:,} rows)" for word in sorted(words))
        warn(
            f"Column {name!r} holds labels, and {counts} is taken for one of them. If it means a missing value, "
            f"{advice.format(word=min(words))}."
        )
