"""Files of tables: one, those of a folder, or those that a pattern names."""

import glob
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hierkit.errors import refusal
from hierkit.model.names import INTERCEPT
from hierkit.model.rows import unknown_columns

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".tsv", ".parquet")
IN_PANDAS = "read the file with pandas.read_csv, which has na_values"


def read_files(
    path: str | Path, columns: Sequence[str], missing: Collection[str] = (), advice: str = IN_PANDAS
) -> "pd.DataFrame":
    """The columns of all files that a path names, one below the other in the order of their names.

    Parameters
    ----------
    path : str or Path
        Of a file, of a folder, or a pattern with `*`. Files end in .csv, .tsv or .parquet, all alike.
    columns : sequence of str
        The columns to read.
    missing : collection of str
        Words that mean a missing value in every column of a .csv or .tsv, beside empty cells.
    advice : str
        What to do if a label such as NA means a missing value.

    Raises
    ------
    HierkitError
        For a path without files, files of several kinds, files that cannot be read, lack a column or differ in its
        type.

    Warns
    -----
    HierkitWarning
        Where a column of a .csv or .tsv is of labels and has words such as NA.
    """
    from hierkit.sources import delimited, parquet  # pandas takes a third of a second to import

    found = files_of(path)
    known = columns_of(found, columns)
    if found[0].suffix.lower() == ".parquet":
        return parquet.read_parquet(found, known)
    table = delimited.read_delimited(found, known, missing)
    delimited.warn_of_words(table, advice)
    return table


def files_of(path: str | Path) -> list[Path]:
    """The files that a path names, in the order of their names; those of a folder that begin with . or _ are none.

    Raises
    ------
    HierkitError
        For a path without files, and for files of several kinds.
    """
    if not str(path):
        raise refusal("The path is ''", "A table is in a file, a folder, or files of a pattern", "Name one")
    given = Path(path)
    if given.is_dir():
        found = [file for file in given.iterdir() if file.is_file() and not file.name.startswith((".", "_"))]
    elif given.is_file():
        found = [given]
    else:
        # a folder may have brackets in its name
        pattern = glob.escape(str(given.parent)) + os.sep + given.name if given.parent.is_dir() else str(path)
        found = [Path(name) for name in glob.glob(pattern, recursive=True) if Path(name).is_file()]
    if not found:
        raise refusal(
            f"The folder {str(path)!r} has no files" if given.is_dir() else f"There is no file {str(path)!r}",
            "A table is in files that end in .csv, .tsv or .parquet",
            "Check the path, which begins at the current folder",
        )
    kinds = sorted({file.suffix.lower() for file in found})
    if len(kinds) > 1 or kinds[0] not in SUFFIXES:
        raise refusal(
            f"{str(path)!r} names files that end in {' and '.join(repr(kind) for kind in kinds)}",
            "The files of a table end in .csv, .tsv or .parquet, all of them alike",
            "Name one kind with a pattern, as in 'sales/*.csv', or convert them",
        )
    return sorted(found)


def _is_no_header(names: Sequence[str]) -> bool:
    """Whether the first line is a title, has other separators, or says which they are as Excel does."""
    return len([name for name in names if not name.startswith("Unnamed: ")]) == 1


def columns_of(paths: Sequence[Path], columns: Sequence[str]) -> list[str]:
    """Those of the columns that the files have: all, but for an intercept that the formula names.

    Raises
    ------
    HierkitError
        For a column that no file has, and for a file that lacks one that another has.
    """
    from hierkit.sources import delimited, parquet

    is_parquet = paths[0].suffix.lower() == ".parquet"
    names = [parquet.column_names(file) if is_parquet else delimited.column_names(file) for file in paths]
    every = list(dict.fromkeys(name for own in names for name in own))
    if not is_parquet and _is_no_header(every) and {*columns} - {*every, INTERCEPT}:
        raise refusal(
            f"The first line of {str(paths[0])!r} has the name {every[0]!r} and no other",
            "It has the names of all columns, with commas or semicolons between them in a .csv, and tabs in a .tsv",
            "Leave out what is above it, or pass the table that pandas.read_csv reads with sep and skiprows",
        )
    if unknown := [name for name in columns if name not in (*every, INTERCEPT)]:
        raise unknown_columns(unknown, every, "data")
    known = [name for name in columns if name in every]
    for path, own in zip(paths, names, strict=True):
        if doubled := [name for name in known if own.count(name) > 1]:
            raise refusal(
                f"{str(path)!r} has more than one column named {doubled[0]!r}",
                "Column names must be different",
                "Rename one of them",
            )
    for path, own in zip(paths, names, strict=True):
        if lacking := [name for name in known if name not in own]:
            other = next(one for one, those in zip(paths, names, strict=True) if lacking[0] in those)
            raise refusal(
                f"{str(path)!r} has no column {lacking[0]!r}, which {str(other)!r} has",
                "The files of one table have the same columns",
                "Write the column, or leave the file out",
            )
    return known
