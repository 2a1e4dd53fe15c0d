"""Files of tables: one, those of a folder, or those that a pattern names."""

import glob
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from hierkit.errors import refusal
from hierkit.sources.arrow import of_fragment
from hierkit.sources.pieces import Piece, cannot_read
from hierkit.tables import SUFFIXES, read_table, warn_of_words

IN_PANDAS = "read the file with pandas.read_csv, which has na_values"


def pieces(path: str | Path, missing: Collection[str] = (), advice: str = IN_PANDAS) -> list[Piece]:
    """The files that a path names, in the order of their names.

    Parameters
    ----------
    path : str or Path
        Of a file, of a folder, or a pattern with `*`. Files end in .csv, .tsv or .parquet, all alike.
    missing : collection of str
        Words that mean a missing value in every column of a .csv or .tsv, beside empty cells.
    advice : str
        What to do if a label such as NA means a missing value.

    Raises
    ------
    HierkitError
        For a path without files, files of several kinds, and files that cannot be read.
    """
    found = _files(path)
    kinds = sorted({file.suffix for file in found})
    if len(kinds) > 1:
        raise refusal(
            f"{str(path)!r} names files that end in {' and '.join(kinds)}",
            "The files of one table are of one kind",
            f"Name one kind, with a pattern such as '*{kinds[0]}'",
        )
    if kinds == [".parquet"]:
        return [_parquet(file) for file in found]
    return [_delimited(file, missing, advice) for file in found]


def _files(path: str | Path) -> list[Path]:
    given = Path(path)
    if given.is_dir():
        found = [file for file in given.iterdir() if file.suffix in SUFFIXES]
    elif given.exists():
        found = [given]
    else:
        found = [Path(name) for name in glob.glob(str(path), recursive=True)]
    if not found:
        raise refusal(
            f"The folder {str(path)!r} has no tables" if given.is_dir() else f"There is no file {str(path)!r}",
            "A table is in files that end in .csv, .tsv or .parquet",
            "Check the path, which begins at the current folder",
        )
    return sorted(found)


def _parquet(path: Path) -> Piece:
    import pyarrow
    from pyarrow import dataset

    try:
        (fragment,) = dataset.dataset(path, format="parquet").get_fragments()
    except (OSError, pyarrow.ArrowException) as error:
        raise cannot_read(str(path), error) from error
    return of_fragment(str(path), fragment)


def _delimited(path: Path, missing: Collection[str], advice: str) -> Piece:
    table = read_table(path, missing)

    def read(columns: Sequence[str]) -> Any:
        for name in columns:
            if table[name].dtype == object:
                warn_of_words(table[name], advice)
        return table[list(columns)]

    return Piece(str(path), tuple(table.columns), read)
