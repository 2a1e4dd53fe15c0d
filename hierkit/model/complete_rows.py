"""The rows of a table in which no used column is missing, with whole numbers as they were given."""

from collections.abc import Hashable, Mapping, Sequence
from numbers import Number
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.errors import HierkitError, refusal
from hierkit.model.names import INTERCEPT


def complete_rows(
    table: nw.DataFrame[Any], columns: Sequence[str]
) -> tuple[pd.DataFrame, NDArray[np.intp], dict[str, int]]:
    """The used columns of complete rows, their places in the table, and the missing values of each column.

    Parameters
    ----------
    table : narwhals.DataFrame
        With the columns; one of ones for "Intercept" where it has none of that name.
    columns : sequence of str
        The used columns.
    """
    table = in_64_bits(with_intercept(table, columns))
    native_order = nw.get_native_namespace(table) is pd
    frame = table.to_pandas().reset_index(drop=True)
    frame = frame.assign(**{name: _plain(frame[name], table.schema[name], native_order) for name in columns})
    absent = {str(name): int(count) for name, count in frame.isna().sum().items() if count}
    if not absent:
        return frame, np.arange(len(frame)), {}
    kept = np.flatnonzero(frame.notna().all(axis=1))
    whole = [name for name in absent if table.schema[name].is_integer()]
    exact = frame.assign(**{name: exact_integers(table[name], frame[name]) for name in whole})
    return exact.iloc[kept].reset_index(drop=True), kept, absent


def _plain(values: pd.Series, dtype: Any, native_order: bool) -> pd.Series:
    """A column in a type that all chunks share: decimals as floats, labels without an order of their own as objects."""
    if dtype.is_decimal() or (dtype.is_float() and values.dtype != np.float64):
        return values.astype(np.float64)
    if dtype == nw.Categorical and not native_order:
        return values.astype(object)
    if values.dtype != object:
        return values
    first = next(iter(values.dropna()), None)
    if not isinstance(first, Hashable):
        raise no_cells(str(values.name), type(first).__name__)
    return inferred(values) if isinstance(first, Number) else values


def inferred(values: pd.Series) -> pd.Series:
    """Python objects in the type that they all have; numbers of several kinds, Decimal among them, as floats."""
    found = values.infer_objects()
    if found.dtype == object and all(isinstance(v, Number) and not isinstance(v, bool) for v in found.dropna()):
        return found.astype(np.float64)
    return found


def no_cells(name: str, what: str) -> HierkitError:
    """The refusal of a column of lists and the like."""
    return refusal(
        f"Column {name!r} holds {what}s", "Each cell must be a number or a label", "Unpack them into columns first"
    )


def with_intercept(table: Any, columns: Sequence[str]) -> Any:
    """The used columns of a table, with a column of ones where the formula names an intercept that it lacks."""
    if INTERCEPT in columns and INTERCEPT not in table.collect_schema().names():
        # brms' `0 + Intercept`: an intercept where all predictors are zero, not at their means
        table = table.with_columns(nw.lit(1.0).alias(INTERCEPT))
    return table.select(columns)


def in_64_bits(table: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """The table without whole numbers of 128 bits, which polars has alone."""
    longest = [name for name, dtype in table.schema.items() if dtype in (nw.Int128, nw.UInt128)]
    try:
        return table.with_columns(nw.col(longest).cast(nw.Int64)) if longest else table
    except nw.exceptions.InvalidOperationError:
        raise refusal(
            f"A whole number is beyond 9.2e18, in one of the columns {', '.join(map(repr, longest))}",
            "Whole numbers have up to 63 bits",
            "Convert labels to text, and quantities to numbers with a point",
        ) from None


def exact_integers(column: Any, values: pd.Series) -> pd.Series:
    """Whole numbers, which pandas may have made floats beside missing ones; 0 where they are missing."""
    whole = np.zeros(len(values), dtype=np.uint64 if column.dtype == nw.UInt64 else np.int64)
    whole[values.notna().to_numpy()] = column.drop_nulls().to_numpy()
    return pd.Series(whole)


def refuse_missing(absent: Mapping[str, int]) -> HierkitError:
    """The refusal of missing values, where rows must be complete."""
    return refusal(
        f"Missing values in {counted(absent)}", "Every row must be complete", "Fill them in, or leave those rows out"
    )


def none_complete(absent: Mapping[str, int]) -> HierkitError:
    """The refusal of a table without a complete row."""
    return refusal(
        f"No row is complete: missing values in {counted(absent)}", "Rows need all used columns", "Fill them in"
    )


def counted(counts: Mapping[str, int]) -> str:
    """How many missing values each column has, in words."""
    return ", ".join(f"{name!r} ({count:,})" for name, count in counts.items())


def check_finite(name: str, values: pd.Series, positions: NDArray[np.intp]) -> None:
    """Refuse infinite numbers; positions (row,) are those of the table that was given."""
    if not pd.api.types.is_float_dtype(values.dtype):
        return
    if not (infinite := np.isinf(values.to_numpy(dtype=np.float64))).any():
        return
    first, count = positions[infinite.argmax()], int(infinite.sum())
    where = f"row {first}" if count == 1 else f"{count:,} rows, first in row {first}"
    raise refusal(
        f"Column {name!r} is infinite in {where}",
        "Values must be finite or missing",
        "Check these rows, or set the values missing to leave the rows out",
    )
