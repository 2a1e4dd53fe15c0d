"""Files of tables: numbers become numbers, and labels stay as they are written."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hierkit.errors import refusal, warn

if TYPE_CHECKING:
    import pandas as pd

MISSING_NUMBERS = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "#N/A", "."})
BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
LEADING_ZERO = re.compile(r"\s*[+-]?0\d")
SUFFIXES = (".csv", ".tsv", ".parquet")


def read_table(path: Path, missing: Collection[str] = ()) -> "pd.DataFrame":
    """The table of a file.

    A column of text whose cells are numbers, but for empty ones and words such as NA, becomes numbers with missing
    values. In any other column such words are labels (NA may be Namibia), and 007 is not 7. A .csv may have semicolons,
    and then decimal commas.

    Parameters
    ----------
    path : Path
        Ends in .csv, .tsv or .parquet.
    missing : collection of str
        Words that mean a missing value in every column, beside empty cells.

    Raises
    ------
    HierkitError
        For a file that is not there or cannot be read.
    """
    import pandas as pd

    if path.suffix not in SUFFIXES:
        raise refusal(
            f"{str(path)!r} ends in {path.suffix!r}", "A table ends in .csv, .tsv or .parquet", "Convert the file"
        )
    if not path.is_file():
        raise refusal(f"There is no file {str(path)!r}", "The first argument is a table", "Check the path")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        separator = _separator(path)
        text = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_filter=False)
    except (ValueError, OSError, ImportError) as error:
        raise refusal(
            f"{str(path)!r} cannot be read: {error}",
            "A table has rows and columns",
            "Open the file to see what it holds",
        ) from error
    return pd.DataFrame({name: _column(text[name], frozenset(missing), separator == ";") for name in text})


def _separator(path: Path) -> str:
    """Of a .csv whichever of comma and semicolon the first line has more of."""
    if path.suffix == ".tsv":
        return "\t"
    with open(path, encoding="utf-8-sig") as file:
        first = file.readline()
    return ";" if first.count(";") > first.count(",") else ","


def _column(text: "pd.Series[str]", missing: frozenset[str], has_decimal_commas: bool) -> Any:
    """A column of text as numbers, as booleans, or as labels."""
    import numpy as np
    import pandas as pd

    absent = text.isin(missing | {""})
    given = text[~absent & ~text.isin(MISSING_NUMBERS)]
    numbers = pd.to_numeric(given.str.replace(",", ".") if has_decimal_commas else given, errors="coerce")
    if len(given) and numbers.notna().all() and not given.str.match(LEADING_ZERO).any():
        whole = numbers.dtype.kind in "iu" and len(given) == len(text)
        return numbers if whole else numbers.astype(np.float64).reindex(text.index)
    if len(given) and given.isin(BOOLEANS).all() and len(given) == len(text):
        return text.map(BOOLEANS).astype(bool)
    return text.where(~absent, None).astype(object)


def warn_of_words(labels: "pd.Series[str]", advice: str) -> None:
    """Say which words among labels might mean a missing value, and what to do if they do."""
    words = sorted(set(labels.dropna()) & MISSING_NUMBERS)
    if words:
        counts = ", ".join(f"{word!r} ({int((labels == word).sum())} rows)" for word in words)
        warn(
            f"Column {labels.name!r} holds labels, and {counts} is taken for one of them. If it means a missing value, "
            f"{advice.format(word=words[0])}."
        )
