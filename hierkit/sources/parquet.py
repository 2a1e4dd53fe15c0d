"""Parquet files, whose columns have types: those of one table must agree."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import infer_dtype, union_categoricals

from hierkit.errors import refusal
from hierkit.sources.damage import reading

KINDS = {"string": "text", "empty": "nothing", "decimal": "numbers", "boolean": "booleans"}


def column_names(path: Path) -> list[str]:
    """The columns of a file.

    Raises
    ------
    HierkitError
        For a file that cannot be read.
    """
    from pyarrow import parquet

    with reading(path):
        return list(parquet.read_schema(path).names)


def count_rows(path: Path) -> int:
    """The rows of a file, which its last bytes say.

    Raises
    ------
    HierkitError
        For a file that cannot be read.
    """
    from pyarrow import parquet

    with reading(path):
        return int(parquet.read_metadata(path).num_rows)


def chunks(paths: Sequence[Path], columns: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
    """The columns of files, so many rows at a time.

    Raises
    ------
    HierkitError
        For a file that cannot be read.
    """
    from pyarrow import parquet

    for path in paths:
        with reading(path), parquet.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(rows, columns=list(columns)):
                yield batch.to_pandas().reset_index()[list(columns)]


def read_parquet(paths: Sequence[Path], columns: Sequence[str]) -> pd.DataFrame:
    """The columns of files, one below the other; categories keep their order.

    Raises
    ------
    HierkitError
        For a file that cannot be read, and for one that has a column in another type than one before it.
    """
    tables = [_read(path, columns) for path in paths]
    if len(tables) == 1:
        return tables[0]
    return pd.DataFrame(
        {name: _joined(name, [(path, own[name]) for path, own in zip(paths, tables, strict=True)]) for name in columns}
    )


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    from pyarrow import parquet

    with reading(path):
        table = parquet.read_table(path, columns=list(columns), partitioning=None)
        frame: pd.DataFrame = table.to_pandas().reset_index()[list(columns)]
    return frame


def check_kinds(paths: Sequence[Path], columns: Sequence[str]) -> None:
    """Refuse files whose schemas have a column in different types; a column of nothing fits any.

    Raises
    ------
    HierkitError
        For such files, and for one that cannot be read.
    """
    from pyarrow import parquet

    first: dict[str, dict[str, Path]] = {name: {} for name in columns}
    for path in paths:
        with reading(path):
            schema = parquet.read_schema(path)
        for name in columns:
            if (kind := _kind_of_type(schema.field(name).type)) != "nothing":
                first[name].setdefault(kind, path)
    for name, found in first.items():
        _refuse_several(name, found)


def _kind_of_type(dtype: Any) -> str:
    """What `_kind` says of a column of this type."""
    from pyarrow import types

    if types.is_dictionary(dtype):
        return _kind_of_type(dtype.value_type)
    if types.is_null(dtype):
        return "nothing"
    if types.is_boolean(dtype):
        return "booleans"
    if types.is_integer(dtype) or types.is_floating(dtype) or types.is_decimal(dtype):
        return "numbers"
    if types.is_string(dtype) or types.is_large_string(dtype) or types.is_string_view(dtype):
        return "text"
    return "moments" if types.is_timestamp(dtype) else f"values of type {dtype}"


def _check_kind(name: str, parts: Sequence[tuple[Path, pd.Series]]) -> None:
    first: dict[str, Path] = {}
    for path, values in parts:
        first.setdefault(_kind(values), path)
    first.pop("nothing", None)
    _refuse_several(name, first)


def _refuse_several(name: str, found: dict[str, Path]) -> None:
    """Refuse a column of several kinds, each of which a file is an example of."""
    if len(found) > 1:
        (one, path), (other, another), *_ = found.items()
        raise refusal(
            f"Column {name!r} holds {one} in {str(path)!r} and {other} in {str(another)!r}",
            "A column has one type in all files",
            "Write these files again with one type",
        )


def _joined(name: str, parts: Sequence[tuple[Path, pd.Series]]) -> Any:
    _check_kind(name, parts)
    columns = [values for _, values in parts if len(values)]
    if not columns:
        return parts[0][1]
    if all(isinstance(values.dtype, pd.CategoricalDtype) for values in columns):
        return pd.Series(union_categoricals([values.astype(values.cat.as_unordered().dtype) for values in columns]))
    if any(isinstance(values.dtype, pd.CategoricalDtype) for values in columns):
        columns = [values.astype(object) for values in columns]
    return pd.concat(columns, ignore_index=True)


def _kind(values: pd.Series) -> str:
    """Numbers of all sizes are one kind, and text is one with its categories; a column may hold nothing in a file."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Series(values.cat.categories)
    if not values.notna().any():
        return "nothing"
    if pd.api.types.is_bool_dtype(values):
        return "booleans"
    if pd.api.types.is_numeric_dtype(values):
        return "numbers"
    if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
        return "moments"
    found = infer_dtype(values, skipna=True)
    return KINDS.get(found, f"values of type {found}")
