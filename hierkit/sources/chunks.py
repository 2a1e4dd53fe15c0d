"""A source as a sequence of tables, for rows that memory does not hold. It may be gone through several times."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import narwhals as nw

from hierkit.model.rows import plain_table
from hierkit.sources import delimited, parquet
from hierkit.sources.arrow import batches_of, is_dataset, is_stream, known_columns
from hierkit.sources.damage import reading
from hierkit.sources.files import IN_PANDAS, columns_of, files_of

ROWS = 2**20  # of a chunk

Chunks = Callable[[], Iterator[Any]]


@dataclass(frozen=True, eq=False)
class Partitions:
    """The partitions of a Dask DataFrame, to be worked on where they are: by a client's workers, or in threads.

    Attributes
    ----------
    parts : tuple of dask.delayed.Delayed
        The used columns of each partition.
    """

    parts: tuple[Any, ...]

    def apply(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A call that is made when it is computed."""
        import dask

        return dask.delayed(function)(*arguments)

    def compute(self, calls: Sequence[Any]) -> list[Any]:
        """The results of calls, in their order."""
        import dask

        return list(dask.compute(*calls))


def as_table(partition: Any) -> nw.DataFrame[Any]:
    """A partition as chunks are."""
    return nw.from_native(partition, eager_only=True)


def count_rows(data: Any) -> int | None:
    """How many rows a source has, about as many for text files; None where only reading it would tell."""
    if isinstance(data, str | Path):
        found = files_of(data)
        is_parquet = found[0].suffix.lower() == ".parquet"
        return sum(parquet.count_rows(file) if is_parquet else delimited.count_lines(file) for file in found)
    if is_dataset(data):
        with reading("the dataset"):
            return int(data.count_rows())
    if is_stream(data):
        return None
    try:
        table: Any = nw.from_native(data)
    except (TypeError, nw.exceptions.DuplicateError):
        return None  # what is no table is refused where it is read
    if isinstance(table, nw.LazyFrame):
        return int(table.select(nw.len()).collect().item())
    return len(table)


def chunks_of(data: Any, columns: Sequence[str], rows: int = ROWS, argument: str = "data") -> Chunks:
    """What goes through the columns of a source, so many rows at a time, as often as it is called; a stream once.

    Parameters
    ----------
    data : Any
        A source that `count_rows` can count.
    columns : sequence of str
        The columns to read; an intercept that the formula names may not be among those of the source.
    rows : int
        The rows of a chunk, at most.
    argument : str
        The name of the argument that holds the source, for errors.

    Returns
    -------
    callable
        Its result is an iterator of narwhals.DataFrame, in the order of the rows, with the columns that the source has
        and at least one row each.

    Raises
    ------
    HierkitError
        For columns that the source does not have, and for files that cannot be read, lack a column or differ in its
        type; the iterator too.
    """
    if isinstance(data, str | Path):
        tables = _of_files(data, columns, rows)
    elif is_dataset(data):
        tables = partial(_of_dataset, data, known_columns(columns, data.schema.names, argument), rows)
    elif is_stream(data):
        tables = partial(batches_of, data, known_columns(columns, data.schema.names, argument), "the stream")
    else:
        table = plain_table(data, argument)
        tables = partial(_of_table, table, known_columns(columns, table.collect_schema().names(), argument), rows)
    return partial(_with_rows, tables)


def partitions_of(data: Any, columns: Sequence[str]) -> Partitions | None:
    """The used columns of a Dask DataFrame's partitions; None for another source.

    Raises
    ------
    HierkitError
        For columns that it does not have.
    """
    if not hasattr(data, "to_delayed"):
        return None
    table = plain_table(data, "data")
    known = known_columns(columns, table.collect_schema().names(), "data")
    return Partitions(tuple(nw.to_native(table.select(known)).to_delayed()))


def _with_rows(tables: Callable[[], Iterator[Any]]) -> Iterator[nw.DataFrame[Any]]:
    for table in tables():
        if len(chunk := nw.from_native(table, eager_only=True)):
            yield chunk


def _of_files(path: str | Path, columns: Sequence[str], rows: int) -> Callable[[], Iterator[Any]]:
    found = files_of(path)
    known = columns_of(found, columns)
    if found[0].suffix.lower() == ".parquet":
        parquet.check_kinds(found, known)
        return partial(parquet.chunks, found, known, rows)
    kinds = delimited.kinds_of(found, known, rows, IN_PANDAS)
    return partial(delimited.chunks, found, kinds, rows)


def _of_dataset(data: Any, columns: list[str], rows: int) -> Iterator[Any]:
    # no more of the files at once than chunks need
    batches = data.to_batches(columns=columns, batch_size=rows, batch_readahead=2, fragment_readahead=1)
    return batches_of(batches, columns, "the dataset")


def _of_table(table: Any, columns: Sequence[str], rows: int) -> Iterator[Any]:
    table = table.select(columns)
    if not isinstance(table, nw.LazyFrame):
        for start in range(0, len(table), rows):
            yield table[start : start + rows].to_native()
        return
    native = nw.to_native(table)
    if hasattr(native, "collect_batches"):  # polars
        yield from native.collect_batches(chunk_size=rows, maintain_order=True)
    elif hasattr(native, "to_arrow_reader"):  # DuckDB
        yield from batches_of(native.to_arrow_reader(rows), columns, "the relation")
    elif hasattr(native, "partitions"):  # Dask
        for partition in native.partitions:
            yield partition.compute()
    else:
        yield table.collect().to_native()
