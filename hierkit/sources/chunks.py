"""A source as a sequence of tables, for rows that memory does not hold. It may be gone through several times."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import narwhals as nw

from hierkit.model.names import INTERCEPT
from hierkit.sources.damage import reading
from hierkit.sources.delimited import chunks_of_delimited, count_lines
from hierkit.sources.files import columns_of, files_of
from hierkit.sources.parquet import check_kinds, chunks_of_parquet, count_parquet

ROWS = 2**20  # of a chunk


def count_rows(data: Any) -> int | None:
    """How many rows a source has, about as many for text files; None where only reading it would tell."""
    if isinstance(data, str | Path):
        found = files_of(data)
        is_parquet = found[0].suffix.lower() == ".parquet"
        return sum(count_parquet(file) if is_parquet else count_lines(file) for file in found)
    if _is_dataset(data):
        with reading("the dataset"):
            return int(data.count_rows())
    if _is_stream(data):
        return None
    try:
        table: Any = nw.from_native(data)
    except TypeError:
        return None  # what is no table is refused where it is read
    if isinstance(table, nw.LazyFrame):
        return int(table.select(nw.len()).collect().item())
    return len(table)


def chunks(data: Any, columns: Sequence[str], rows: int = ROWS) -> Iterator[nw.DataFrame[Any]]:
    """The columns of a source, so many rows at a time, in the order of the rows.

    Parameters
    ----------
    data : Any
        A source that `count_rows` can count.
    columns : sequence of str
        The columns to read; an intercept that the formula names may not be among those of the source.
    rows : int
        The rows of a chunk, at most.

    Yields
    ------
    narwhals.DataFrame
        With the columns that the source has, and at least one row.

    Raises
    ------
    HierkitError
        For files that cannot be read, lack a column or differ in its type.
    """
    for chunk in _chunks(data, columns, rows):
        if len(chunk):
            yield chunk


def _chunks(data: Any, columns: Sequence[str], rows: int) -> Iterator[nw.DataFrame[Any]]:
    if isinstance(data, str | Path):
        found = files_of(data)
        known = columns_of(found, columns)
        if found[0].suffix.lower() == ".parquet":
            check_kinds(found, known)
            tables: Iterator[Any] = chunks_of_parquet(found, known, rows)
        else:
            tables = chunks_of_delimited(found, known, rows)
    elif _is_dataset(data):
        tables = _of_dataset(data, [name for name in columns if name in data.schema.names], rows)
    else:
        tables = _of_table(nw.from_native(data), columns, rows)
    return (nw.from_native(table, eager_only=True) for table in tables)


def _of_dataset(data: Any, columns: list[str], rows: int) -> Iterator[Any]:
    import pyarrow

    with reading("the dataset"):
        batches = data.to_batches(columns=columns, batch_size=rows, batch_readahead=2, fragment_readahead=1)
        for batch in batches:
            yield pyarrow.Table.from_batches([batch])


def _of_table(table: Any, columns: Sequence[str], rows: int) -> Iterator[Any]:
    known = table.collect_schema().names()
    table = table.select([name for name in columns if name in known or name != INTERCEPT])
    if not isinstance(table, nw.LazyFrame):
        for start in range(0, len(table), rows):
            yield table[start : start + rows].to_native()
        return
    native = nw.to_native(table)
    if hasattr(native, "collect_batches"):  # polars
        yield from native.collect_batches(chunk_size=rows, maintain_order=True)
    elif hasattr(native, "to_arrow_reader"):  # DuckDB
        import pyarrow

        for batch in native.to_arrow_reader(rows):
            yield pyarrow.Table.from_batches([batch])
    elif hasattr(native, "partitions"):  # Dask
        for partition in native.partitions:
            yield partition.compute()
    else:
        yield table.collect().to_native()


def _is_dataset(data: Any) -> bool:
    dataset = sys.modules.get("pyarrow.dataset")
    return dataset is not None and isinstance(data, dataset.Dataset)


def _is_stream(data: Any) -> bool:
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(data, pyarrow.RecordBatchReader)
