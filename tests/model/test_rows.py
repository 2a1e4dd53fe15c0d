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


DAYS = pd.Series(pd.to_datetime(["2024-05-01", "2023-01-01", "2024-05-03"]))
TEMPORAL: dict[str, pd.Series] = {
    "timestamps": DAYS,
    "with a time zone": DAYS.dt.tz_localize("UTC"),
    "datetime.date": DAYS.dt.date,
    "datetime.datetime": pd.Series(list(DAYS.dt.to_pydatetime()), dtype=object),
    "timedelta": DAYS - DAYS.min(),
    "datetime.timedelta": pd.Series([datetime.timedelta(days=d) for d in (1, 2, 3)], dtype=object),
    "datetime.time": pd.Series([datetime.time(hour) for hour in (1, 2, 3)], dtype=object),
    "period": DAYS.dt.to_period("M"),
    "categories of days": DAYS.astype("category"),
    "date32": DAYS.dt.date.astype("date32[pyarrow]"),
}


@pytest.mark.parametrize("kind", TEMPORAL)
def test_every_kind_of_date_is_known_to_be_one(kind: Any) -> None:
    rows = read_rows(pd.DataFrame({"d": TEMPORAL[kind], "y": [1, 2, 3]}), ["d", "y"])
    assert rows.dates == {"d"}
    missing = TEMPORAL[kind].copy()
    missing.iloc[0] = None
    assert read_rows(pd.DataFrame({"d": missing, "y": [1, 2, 3]}), ["d", "y"]).dates == {"d"}


@pytest.mark.parametrize("dtype", [pl.Date, pl.Datetime("us", "UTC"), pl.Duration, pl.Time])
def test_every_kind_of_polars_date_is_known_to_be_one(dtype: Any) -> None:
    moments = pl.Series([datetime.datetime(2024, 1, day, 5, tzinfo=datetime.UTC) for day in (1, 2, 3)])
    values = moments - moments.min() if dtype == pl.Duration else moments
    table = pl.DataFrame({"d": values.cast(dtype)})
    assert read_rows(table, ["d"]).dates == {"d"}
    assert read_rows(table.to_arrow(), ["d"]).dates == {"d"}


@pytest.mark.parametrize("kind", [np.uint8, np.uint32, np.uint64, np.int8, "UInt64", "uint64[pyarrow]"])
def test_whole_numbers_do_not_wrap_around(kind: Any) -> None:
    rows = read_rows(pd.DataFrame({"n": pd.Series([1, 5, 2]).astype(kind)}), ["n"])
    assert (rows.frame.n - 3).tolist() == [-2, 2, -1]
    assert read_rows(pl.DataFrame({"n": [1, 5, 2]}, schema={"n": pl.UInt64}), ["n"]).frame.n.dtype == np.int64


def test_numbers_beyond_64_bits_with_sign_stay_exact() -> None:
    large = [2**63 + 1, 2**63 + 3]
    assert read_rows(pl.DataFrame({"g": large}, schema={"g": pl.UInt64}), ["g"]).frame.g.tolist() == large


def test_sparse_numbers_are_numbers() -> None:
    dense = pd.Series([0.0, 1.5, 0.0])
    table = pd.DataFrame({"x": pd.arrays.SparseArray(dense), "b": pd.arrays.SparseArray([True, False, True])})
    rows = read_rows(table, ["x", "b"])
    assert rows.frame.x.tolist() == dense.tolist()
    assert rows.frame.x.dtype == np.float64
    assert rows.frame.b.dtype == bool


def test_columns_named_by_numbers_are_named_by_their_digits() -> None:
    rows = read_rows(pd.DataFrame(np.arange(6.0).reshape(3, 2)), ["0", "1"])
    assert rows.frame["1"].tolist() == [1, 3, 5]
    with pytest.raises(HierkitError, match=r"data has no column '2'\. Its columns are '0', '1'"):
        read_rows(pd.DataFrame(np.arange(6.0).reshape(3, 2)), ["2"])
    alike = pd.DataFrame([[1.0, 2.0]], columns=pd.Index([1, "1"], dtype=object))
    with pytest.raises(HierkitError, match="two columns whose names are both '1'"):
        read_rows(alike, ["1"])


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


def test_half_characters_are_refused() -> None:
    """A file that was read in another encoding has them; neither Arrow nor a page can hold one."""
    rows = pd.DataFrame({"y": [1.0, 2.0], "g": pd.Series(["a\ud800", "b"], dtype=object)})
    with pytest.raises(HierkitError, match=r"Column 'g' holds half a character, in 'a.ud800'\. Labels are text"):
        read_rows(rows, ["y", "g"])


def test_long_doubles_are_numbers() -> None:
    rows = pd.DataFrame({"y": np.arange(3, dtype=np.longdouble)})
    assert read_rows(rows, ["y"]).frame.y.tolist() == [0.0, 1.0, 2.0]


def test_whole_numbers_of_128_bits() -> None:
    table = pl.DataFrame({"x": [1, 2, 3]}).with_columns(pl.col("x").cast(pl.Int128))
    assert read_rows(table, ["x"]).frame.x.tolist() == [1, 2, 3]
    with pytest.raises(HierkitError, match=r"whole number is beyond 9\.2e18, in one of the columns 'x'"):
        read_rows(table.with_columns(x=pl.lit(2**100, dtype=pl.Int128)), ["x"])
