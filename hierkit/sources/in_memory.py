"""A source -> a table in memory of the columns that are used."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hierkit.sources.arrow import read_arrow
from hierkit.sources.files import read_files


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
    return read_files(data, columns) if isinstance(data, str | Path) else read_arrow(data, columns)
