"""Parquet files, whose columns have types: those of one table must agree."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import infer_dtype, union_categoricals

from hierkit.errors import refusal
from hierkit.sources.damage import cannot_read

KINDS = {"string": "text", "empty": "nothing", "decimal": "numbers", "boolean": "booleans"}


def column_names(path: Path) -> list[str]:
    """The columns of a file.

    Raises
    ------
    HierkitError
        For a file that cannot be read.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        return list(parquet.read_schema(path).names)
    except (OSError, pyarrow.ArrowException) as error:
        raise cannot_read(path, error) from error


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
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path, columns=list(columns), partitioning=None)
        frame: pd.DataFrame = table.to_pandas().reset_index()[list(columns)]
    except (OSError, KeyError, pyarrow.ArrowException) as error:
        raise cannot_read(path, error) from error
    return frame


def _joined(name: str, parts: Sequence[tuple[Path, pd.Series]]) -> Any:
    first: dict[str, Path] = {}
    for path, values in parts:
        first.setdefault(_kind(values), path)
    first.pop("nothing", None)
    if len(first) > 1:
        (one, path), (other, another), *_ = first.items()
        raise refusal(
            f"Column {name!r} holds {one} in {str(path)!r} and {other} in {str(another)!r}",
            "A column has one type in all files",
            "Write these files again with one type",
        )
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
