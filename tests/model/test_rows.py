import datetime
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from hierkit.errors import HierkitError
from hierkit.model.rows import read_rows

PLAIN = {"y": [1.0, 2.0, 3.0], "g": ["b", "a", "b"], "n": [1, 2, 3], "won": [True, False, True], "unused": [1, 1, 1]}
TABLES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "polars lazy": pl.LazyFrame,
    "pyarrow": pa.table,
    "narwhals": lambda data: nw.from_native(pl.DataFrame(data)),
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_of_table_gives_the_same_rows(kind: Any) -> None:
    rows = read_rows(TABLES[kind](PLAIN), ["y", "g", "n", "won"])
    assert rows.frame.y.tolist() == [1, 2, 3]
    assert rows.frame.g.tolist() == ["b", "a", "b"]
    assert rows.frame.g.cat.categories.tolist() == ["a", "b"]
    assert [rows.frame.n.dtype, rows.frame.won.dtype] == [np.dtype(np.int64), np.dtype(bool)]
    assert (rows.given, rows.dropped) == (3, 0)


def test_missing_values_are_counted_per_used_column() -> None:
    data = pd.DataFrame({"y": [1, None, 3, 4], "x": [1.0, None, None, 4], "other": [None] * 4})
    rows = read_rows(data, ["y", "x"])
    assert rows.positions.tolist() == [0, 3]
    assert rows.missing == {"y": 1, "x": 2}
    assert rows.dropped == 2


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_whole_numbers_stay_whole_where_others_are_missing(kind: Any) -> None:
    rows = read_rows(TABLES[kind]({"g": [3, None, 5]}), ["g"])
    assert rows.frame.g.tolist() == [3, 5]
    assert rows.frame.g.dtype == np.int64


def test_categories_keep_their_order_and_lose_unused_levels() -> None:
    given = pd.DataFrame({"h": pd.Categorical(["c", "a"], categories=["c", "b", "a"])})
    rows = read_rows(given, ["h"])
    assert rows.frame.h.cat.categories.tolist() == ["c", "a"]
    assert rows.unused_levels == {"h": ["b"]}


def test_polars_categories_are_sorted_and_enums_keep_their_order() -> None:
    values = pl.Series(["b", "a", "b"])
    assert read_rows(pl.DataFrame({"h": values.cast(pl.Categorical)}), ["h"]).frame.h.cat.categories.tolist() == [
        "a",
        "b",
    ]
    enum = values.cast(pl.Enum(["b", "c", "a"]))
    assert read_rows(pl.DataFrame({"h": enum}), ["h"]).frame.h.cat.categories.tolist() == ["b", "a"]


def test_dates_and_mixed_labels_become_levels() -> None:
    days = pd.to_datetime(["2024-05-01", "2023-01-01"])
    rows = read_rows(pd.DataFrame({"d": days, "m": [1, "a"]}), ["d", "m"])
    assert rows.frame.d.cat.categories.tolist() == sorted(days)
    assert rows.frame.m.cat.categories.tolist() == ["1", "a"]


def test_other_labels_become_text_in_their_order() -> None:
    data = pd.DataFrame(
        {
            "cut": pd.cut([5, 15, 25], [0, 10, 20, 30]),
            "date": [datetime.date(2024, 5, 1), datetime.date(2023, 1, 1), datetime.date(2023, 1, 1)],
        }
    )
    frame = read_rows(data, ["cut", "date"]).frame
    assert frame["cut"].cat.categories.tolist() == ["(0, 10]", "(10, 20]", "(20, 30]"]
    assert frame["date"].tolist() == ["2024-05-01", "2023-01-01", "2023-01-01"]


@pytest.mark.parametrize("values", [[1, 2.5, 3], [Decimal("1.5"), Decimal("2"), Decimal("3")], [True, False, True]])
def test_numbers_in_object_columns_are_numbers(values: Any) -> None:
    frame = read_rows(pd.DataFrame({"x": pd.Series(values, dtype=object)}), ["x"]).frame
    assert frame.x.tolist() == [float(value) if not isinstance(value, bool) else value for value in values]
    assert frame.x.dtype != object


def test_order_of_rows_and_columns_is_kept() -> None:
    data = pd.DataFrame(PLAIN).iloc[::-1]
    rows = read_rows(data, ["n", "y"])
    assert rows.frame.columns.tolist() == ["n", "y"]
    assert rows.frame.n.tolist() == [3, 2, 1]


def test_missing_error() -> None:
    with pytest.raises(HierkitError, match=r"Missing values in 'y' \(1\)"):
        read_rows(pd.DataFrame({"y": [1, None]}), ["y"], missing="error")
