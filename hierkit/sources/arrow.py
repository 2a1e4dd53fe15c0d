"""Arrow datasets and streams."""

import sys
from collections.abc import Sequence
from typing import Any

from hierkit.sources.pieces import Piece, cannot_read


def pieces(data: Any) -> list[Piece] | None:
    """Those of an Arrow dataset or stream; None for anything else."""
    pyarrow, dataset = sys.modules.get("pyarrow"), sys.modules.get("pyarrow.dataset")
    if pyarrow is not None and isinstance(data, pyarrow.RecordBatchReader):
        return [Piece("the stream", tuple(data.schema.names), lambda columns: _of_stream(data, columns))]
    if dataset is not None and isinstance(data, dataset.Dataset):
        fragments = list(data.get_fragments())
        return [of_fragment(str(getattr(own, "path", "")) or f"piece {i}", own) for i, own in enumerate(fragments, 1)]
    return None


def of_fragment(name: str, fragment: Any) -> Piece:
    """One fragment of a dataset, with the columns and types that it has itself.

    Raises
    ------
    HierkitError
        For one that cannot be read, here or when it is read.
    """
    import pyarrow

    def read(columns: Sequence[str]) -> Any:
        try:
            return fragment.to_table(schema=schema, columns=list(columns))
        except (OSError, pyarrow.ArrowException) as error:
            raise cannot_read(name, error) from error

    try:
        schema = fragment.physical_schema
    except (OSError, pyarrow.ArrowException) as error:
        raise cannot_read(name, error) from error
    return Piece(name, tuple(schema.names), read)


def _of_stream(reader: Any, columns: Sequence[str]) -> Any:
    """The columns alone, batch by batch."""
    import pyarrow

    schema = reader.schema.empty_table().select(columns).schema
    return pyarrow.Table.from_batches((batch.select(columns) for batch in reader), schema)
