"""Arrow datasets and streams."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from hierkit.model.names import INTERCEPT
from hierkit.model.rows import unknown_columns
from hierkit.sources.damage import reading


def read_arrow(data: Any, columns: Sequence[str]) -> Any:
    """The columns of a dataset or a stream as a pyarrow Table, of the dataset's own schema; anything else as it is.

    Raises
    ------
    HierkitError
        For columns that it does not have, and for files that cannot be read.
    """
    if not (is_stream(data) or is_dataset(data)):
        return data
    known = known_columns(columns, data.schema.names, "data")
    if is_stream(data):
        return _of_stream(data, known)
    with reading("the dataset"):
        return data.to_table(columns=known)


def known_columns(columns: Sequence[str], names: Sequence[str], argument: str) -> list[str]:
    """Those of the columns that a source has: all, but for an intercept that the formula names.

    Raises
    ------
    HierkitError
        For a column that it does not have.
    """
    if unknown := [name for name in columns if name not in (*names, INTERCEPT)]:
        raise unknown_columns(unknown, list(names), argument)
    return [name for name in columns if name in names]


def is_dataset(data: Any) -> bool:
    """Whether a source is an Arrow dataset; pyarrow is not imported for that."""
    dataset = sys.modules.get("pyarrow.dataset")
    return dataset is not None and isinstance(data, dataset.Dataset)


def is_stream(data: Any) -> bool:
    """Whether a source is a stream of Arrow's record batches."""
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(data, pyarrow.RecordBatchReader)


def batches_of(source: Any, columns: Sequence[str], what: str) -> Iterator[Any]:
    """Record batches one after the other, as tables of these columns alone.

    Raises
    ------
    HierkitError
        For what cannot be read.
    """
    import pyarrow

    with reading(what):
        for batch in source:
            yield pyarrow.Table.from_batches([batch]).select(columns)


def _of_stream(reader: Any, columns: Sequence[str]) -> Any:
    """The columns alone, batch by batch."""
    import pyarrow

    nothing = reader.schema.empty_table().select(columns)
    return pyarrow.concat_tables([nothing, *batches_of(reader, columns, "the stream")])
