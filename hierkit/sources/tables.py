"""A source -> a table in memory of the columns that are used."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hierkit.model.names import INTERCEPT
from hierkit.model.rows import unknown_columns
from hierkit.sources import arrow, files
from hierkit.sources.pieces import Piece, joined


def in_memory(data: Any, columns: Sequence[str]) -> Any:
    """The used columns of a source as a table; what is a table already stays as it is.

    Parameters
    ----------
    data : str, Path, pyarrow.dataset.Dataset, pyarrow.RecordBatchReader, or a table
        A text is the path of a file, of a folder, or a pattern such as `sales/*.parquet`.
    columns : sequence of str
        The columns to read.

    Raises
    ------
    HierkitError
        For files that are not there, cannot be read, lack a column, or do not agree on one.
    """
    pieces = files.pieces(data) if isinstance(data, str | Path) else arrow.pieces(data)
    return data if pieces is None else of_pieces(pieces, columns)


def of_pieces(pieces: Sequence[Piece], columns: Sequence[str]) -> Any:
    """These columns of a table of several pieces."""
    names = list(dict.fromkeys(name for piece in pieces for name in piece.names))
    if unknown := [name for name in columns if name not in (*names, INTERCEPT)]:
        raise unknown_columns(unknown, names, "data")
    known = [name for name in columns if name in names]
    return pieces[0].read(known) if len(pieces) == 1 else joined(pieces, known)
