"""Whatever rows come from, they are the same rows; and a file that is damaged or differs is named."""

import warnings
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from synthetic import table

import hierkit
from hierkit.errors import HierkitError, HierkitWarning, SamplingWarning
from hierkit.model.rows import read_rows
from hierkit.sources.in_memory import in_memory

USED = ["y", "x", "g", "h"]


def rows() -> pd.DataFrame:
    """Numbers, whole numbers, labels, and a column that no formula uses."""
    return table(90)[[*USED, "z"]].assign(h=lambda rows: rows.h.astype(str))


def in_files(folder: Path, suffix: str, size: int) -> Path:
    """The rows in files of so many each, whose names sort as the rows do."""
    given = rows()
    for first in range(0, len(given), size):
        part = given.iloc[first : first + size]
        path = folder / f"part-{first:03}.{suffix}"
        if suffix == "parquet":
            part.to_parquet(path, index=False)
        else:
            part.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    return folder


SOURCES: dict[str, Any] = {
    "a file": lambda folder: next(in_files(folder, "parquet", 90).glob("*")),
    "a folder": lambda folder: str(in_files(folder, "parquet", 13)),
    "a pattern": lambda folder: str(in_files(folder, "parquet", 40) / "part-*.parquet"),
    "a .csv": lambda folder: str(next(in_files(folder, "csv", 90).glob("*"))),
    "several .csv": lambda folder: in_files(folder, "csv", 25),
    "several .tsv": lambda folder: in_files(folder, "tsv", 25),
    "a dataset": lambda folder: ds.dataset(in_files(folder, "parquet", 25), format="parquet"),
    "an Arrow table": lambda _: pa.Table.from_pandas(rows(), preserve_index=False),
    "a stream": lambda _: pa.Table.from_pandas(rows(), preserve_index=False).to_reader(max_chunksize=7),
    "polars": lambda _: pl.from_pandas(rows()),
    "lazy polars": lambda _: pl.from_pandas(rows()).lazy(),
    "dask": lambda _: dd.from_pandas(rows(), npartitions=4),
    "duckdb": lambda folder: duckdb.sql(f"from '{in_files(folder, 'parquet', 90)}/*.parquet'"),
}


@pytest.mark.parametrize("source", SOURCES)
def test_the_rows_are_the_same(source: Any, tmp_path: Path) -> None:
    found = read_rows(in_memory(SOURCES[source](tmp_path), USED), USED)
    expected = read_rows(rows(), USED)
    pd.testing.assert_frame_equal(found.frame, expected.frame, check_categorical=False)
    np.testing.assert_array_equal(found.positions, expected.positions)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_the_draws_are_the_same(source: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {"draws": 50, "tune": 100, "random_seed": 3, "progressbar": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        ours = hierkit.fit("y ~ x + h + (x | g)", SOURCES[source](tmp_path), **options)
        expected = hierkit.fit("y ~ x + h + (x | g)", rows(), **options)
    assert ours.draws["posterior"].to_dataset().identical(expected.draws["posterior"].to_dataset())


def test_only_the_columns_that_are_used_are_read(tmp_path: Path) -> None:
    assert in_memory(in_files(tmp_path, "parquet", 25), ["x", "g"]).columns.tolist() == ["x", "g"]


def test_whole_numbers_in_one_file_and_fractions_in_another_are_numbers(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": [0.5, None]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"x": pa.nulls(1)}), tmp_path / "c.parquet")
    pq.write_table(pa.table({"x": pa.array([2**60 + 1], pa.uint64())}), tmp_path / "d.parquet")
    np.testing.assert_array_equal(in_memory(tmp_path, ["x"]).x.astype(float), [1, 2, 0.5, np.nan, np.nan, 2.0**60])


def test_categories_keep_their_order(tmp_path: Path) -> None:
    levels = ["low", "mid", "high"]
    given = pd.DataFrame({"y": range(6), "g": pd.Categorical([*levels] * 2, levels, ordered=True)})
    given.to_parquet(tmp_path / "a.parquet")
    design = read_rows(in_memory(tmp_path / "a.parquet", ["y", "g"]), ["y", "g"]).frame
    assert design.g.cat.categories.tolist() == levels
    given.iloc[:4].to_parquet(tmp_path / "b.parquet")
    assert read_rows(in_memory(tmp_path, ["g"]), ["g"]).frame.g.cat.categories.tolist() == levels


def test_categories_in_one_file_and_text_in_another_are_labels(tmp_path: Path) -> None:
    pd.DataFrame({"g": pd.Categorical(["b", "a"])}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"g": ["c", "a"]}).to_parquet(tmp_path / "b.parquet")
    assert in_memory(tmp_path, ["g"]).g.tolist() == ["b", "a", "c", "a"]


def test_moments_of_different_units_are_moments(tmp_path: Path) -> None:
    for unit in ("ms", "us"):
        pq.write_table(pa.table({"day": pa.array([0], pa.timestamp(unit))}), tmp_path / f"{unit}.parquet")
    assert in_memory(tmp_path, ["day"]).day.dtype.kind == "M"


def test_a_truncated_file_among_good_ones_is_named(tmp_path: Path) -> None:
    in_files(tmp_path, "parquet", 25)
    damaged = tmp_path / "part-050.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    with pytest.raises(HierkitError, match=r"part-050\.parquet' cannot be read: .*Each file must be a whole table"):
        hierkit.fit("y ~ x", tmp_path)


def test_pages_that_are_damaged_are_found_when_they_are_read(tmp_path: Path) -> None:
    in_files(tmp_path, "parquet", 90)
    path = tmp_path / "part-000.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(60) + whole[64:])
    with pytest.raises(HierkitError, match=r"part-000\.parquet' cannot be read"):
        in_memory(tmp_path, USED)


def test_a_column_that_changes_its_type_is_named_with_both_files(tmp_path: Path) -> None:
    pq.write_table(pa.table({"y": [1.0], "x": [1.0]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"y": [1.0], "x": ["one"]}), tmp_path / "b.parquet")
    with pytest.raises(HierkitError, match=r"Column 'x' holds numbers in '.*a\.parquet' and text in '.*b\.parquet'"):
        in_memory(str(tmp_path / "*.parquet"), ["x"])


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_file_without_the_column_is_named(suffix: Any, tmp_path: Path) -> None:
    for name, given in {"a": {"y": [1.0], "x": [1.0]}, "b": {"y": [1.0]}}.items():
        frame = pd.DataFrame(given)
        path = tmp_path / f"{name}.{suffix}"
        frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    with pytest.raises(HierkitError, match=rf"b\.{suffix}' has no column 'x', which '.*a\.{suffix}' has"):
        in_memory(tmp_path, ["y", "x"])
    assert in_memory(tmp_path, ["y"]).y.tolist() == [1.0, 1.0]


def test_a_dataset_is_read_by_its_own_schema_partitions_and_filter(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,g\n1,007\n2,7\n3,08\n")
    schema = pa.schema({"y": pa.float64(), "g": pa.string()})
    text = ds.dataset(tmp_path / "a.csv", format="csv", schema=schema)
    assert in_memory(text, ["g"])["g"].to_pylist() == ["007", "7", "08"]
    assert in_memory(text.filter(ds.field("y") > 1), ["y"])["y"].to_pylist() == [2.0, 3.0]
    pq.write_to_dataset(pa.table({"year": [1, 2], "y": [1.0, 2.0]}), tmp_path / "years", partition_cols=["year"])
    by_year = ds.dataset(tmp_path / "years", partitioning="hive")
    assert in_memory(by_year, ["year", "y"])["year"].to_pylist() == [1, 2]


def test_a_dataset_may_have_the_same_file_twice(tmp_path: Path) -> None:
    path = in_files(tmp_path, "parquet", 90) / "part-000.parquet"
    assert in_memory(ds.dataset([path, path]), ["y"]).num_rows == 180


def test_labels_that_might_mean_missing_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,g\n1,a\n2,NA\n")
    with pytest.warns(HierkitWarning, match=r"Column 'g' holds labels, and 'NA' \(1 rows\).*pandas\.read_csv"):
        in_memory(tmp_path, ["y", "g"])


def test_suffixes_in_capitals_count_and_hidden_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y\n1\n")
    (tmp_path / "b.CSV").write_text("y\n2\n")
    (tmp_path / "._a.csv").write_bytes(b"\x00\x05")
    (tmp_path / "folder.csv").mkdir()
    assert in_memory(tmp_path, ["y"]).y.tolist() == [1, 2]
    assert in_memory(str(tmp_path / "*.[cC][sS][vV]"), ["y"]).y.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "none.parquet", r"There is no file .*none\.parquet'"),
        (lambda folder: str(folder / "*.csv"), r"There is no file .*\*\.csv'"),
        (lambda folder: folder, "The folder .* has no files"),
        (lambda folder: in_files(in_files(folder, "csv", 90), "parquet", 90), r"end in '\.csv' and '\.parquet'"),
        (
            lambda folder: in_files(folder, "xlsx", 90),
            r"files that end in '\.xlsx'\. The files of a table end in \.csv",
        ),
        (lambda folder: in_files(folder, "parquet", 30) / "part-000.parquet", "data has no column 'nothing'"),
        (lambda folder: ds.dataset(in_files(folder, "parquet", 30)), "data has no column 'nothing'. Its columns are"),
    ],
)
def test_refusals(make: Any, message: Any, tmp_path: Path) -> None:
    with pytest.raises(HierkitError, match=message):
        hierkit.fit("y ~ nothing", make(tmp_path))
