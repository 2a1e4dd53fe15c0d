"""Files of text with commas, semicolons or tabs: numbers become numbers, and labels stay as they are written."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierkit.errors import refusal, warn
from hierkit.sources.damage import cannot_read

MISSING_NUMBERS = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "#N/A", "."})
BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
LEADING_ZERO = re.compile(r"\s*[+-]?0\d")


def column_names(path: Path) -> list[str]:
    """The first line of a file.

    Raises
    ------
    HierkitError
        For a file that cannot be read.
    """
    return [str(name) for name in _text(path, None, rows=0).columns]


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
    separators = {_separator(path): path for path in paths}
    if len(separators) > 1:
        one, other, *_ = separators.values()
        raise refusal(
            f"{str(one)!r} and {str(other)!r} have different separators",
            "The files of one table have the same, and with semicolons decimal commas",
            "Write them alike",
        )
    text = pd.concat([_text(path, columns) for path in paths], ignore_index=True)[list(columns)]
    has_decimal_commas = ";" in separators
    return pd.DataFrame({name: _column(text[name], frozenset(missing), has_decimal_commas) for name in text})


def _text(path: Path, columns: Sequence[str] | None, rows: int | None = None) -> pd.DataFrame:
    """The cells as they are written."""
    used = None if columns is None else list(columns)
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "na_filter": False}
    separator = _separator(path)
    try:
        found: pd.DataFrame = pd.read_csv(path, sep=separator, usecols=used, nrows=rows, **options)
    except (ValueError, OSError) as error:
        raise cannot_read(path, error) from error
    return found


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


def _column(text: "pd.Series[str]", missing: frozenset[str], has_decimal_commas: bool) -> Any:
    """A column of text as numbers, as booleans, or as labels."""
    absent = text.isin(missing | {""})
    given = text[~absent & ~text.isin(MISSING_NUMBERS)]
    numbers = pd.to_numeric(given.str.replace(",", ".") if has_decimal_commas else given, errors="coerce")
    if len(given) and numbers.notna().all() and not given.str.match(LEADING_ZERO).any():
        whole = numbers.dtype.kind in "iu" and len(given) == len(text)
        return numbers if whole else numbers.astype(np.float64).reindex(text.index)
    if len(given) and given.isin(BOOLEANS).all() and len(given) == len(text):
        return text.map(BOOLEANS).astype(bool)
    return text.where(~absent, None).astype(object)


def warn_of_words(table: pd.DataFrame, advice: str) -> None:
    """Say which words among labels might mean a missing value, and what to do if they do."""
    for name, labels in table.items():
        words = sorted(set(labels.dropna()) & MISSING_NUMBERS) if labels.dtype == object else []
        if words:
            counts = ", ".join(f"{word!r} ({int((labels == word).sum())} rows)" for word in words)
            warn(
                f"Column {name!r} holds labels, and {counts} is taken for one of them. If it means a missing value, "
                f"{advice.format(word=words[0])}."
            )
