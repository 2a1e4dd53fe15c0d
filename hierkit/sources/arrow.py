"""Arrow datasets and streams."""

import sys
from collections.abc import Sequence
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
    pyarrow, dataset = sys.modules.get("pyarrow"), sys.modules.get("pyarrow.dataset")
    is_stream = pyarrow is not None and isinstance(data, pyarrow.RecordBatchReader)
    is_dataset = dataset is not None and isinstance(data, dataset.Dataset)
    if pyarrow is None or not (is_stream or is_dataset):
        return data
    names = data.schema.names
    if unknown := [name for name in columns if name not in (*names, INTERCEPT)]:
        raise unknown_columns(unknown, names, "data")
    known = [name for name in columns if name in names]
    with reading("the stream" if is_stream else "the dataset"):
        return _of_stream(data, known) if is_stream else data.to_table(columns=known)


def _of_stream(reader: Any, columns: Sequence[str]) -> Any:
    """The columns alone, batch by batch."""
    import pyarrow

    schema = reader.schema.empty_table().select(columns).schema
    return pyarrow.Table.from_batches((batch.select(columns) for batch in reader), schema)
