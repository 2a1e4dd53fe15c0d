"""Files of any bytes end in a design or a refusal; the same rows are the same design in whatever source they come."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reliability.fuzzed import ordinary_tables
from reliability.test_fuzz import many

from hierkit.errors import HierkitError, HierkitWarning
from hierkit.model.design import Design
from hierkit.model.formula import parse
from hierkit.streaming import rows_or_sums

pytestmark = pytest.mark.slow

FORMULAS = ["y ~ x + (x | g)", "y ~ h + (1 | g)", "y ~ x + h + (1 | s)", "y ~ 1 + (1 | g:s)"]
NUMBERS = ["1", "2", "-3.5", "0.25", "4e2", "7.125", "-11"]
LABELS = ["a", "b", "c", "two words", "007"]
ODD = [
    "", "NA", "nan", "inf", "-inf", "1e999", "0x10", "1_000", "007", "TRUE", "false", " 1", "1 ", "+2", ".", "-", "1,5",
    '"1,5"', '"a""b"', '"two\nlines"', '"', "'", "1;2", "\x00", "\ufeff", "٣", "n" * 300, "9" * 400, "9007199254740993",
    "=1+1", "#", "\\", "2024-01-31", "1 000", "1e-320", "é", "a", "1",
]  # fmt: skip
ENDS = ["\n", "\n", "\n", "\r\n", "\r", "\n\n"]


def in_two(path: Path, write: Callable[[pd.DataFrame, Path], object], table: pd.DataFrame, place: int) -> str:
    """The path of a folder with a file of the rows before a place, and one of the others."""
    folder = path.parent / "parts"
    folder.mkdir(exist_ok=True)
    for name, rows in {"a": table.iloc[:place], "b": table.iloc[place:]}.items():
        write(rows, folder / f"{name}{path.suffix}")
    return str(folder)


def as_relation(table: pd.DataFrame) -> Any:
    return duckdb.connect().from_arrow(pa.Table.from_pandas(table))


SOURCES: dict[str, Callable[[pd.DataFrame, Path, int], Any]] = {
    "csv": lambda t, f, i: in_two(f / "t.csv", lambda rows, path: rows.to_csv(path, index=False), t, i),
    "tsv": lambda t, f, i: in_two(f / "t.tsv", lambda rows, path: rows.to_csv(path, index=False, sep="\t"), t, i),
    "semicolons": lambda t, f, i: in_two(
        f / "t.csv", lambda rows, path: rows.to_csv(path, index=False, sep=";", decimal=","), t, i
    ),
    "parquet": lambda t, f, i: in_two(f / "t.parquet", lambda rows, path: rows.to_parquet(path), t, i),
    "polars": lambda t, f, i: pl.from_pandas(t),
    "lazy polars": lambda t, f, i: pl.from_pandas(t).lazy(),
    "arrow": lambda t, f, i: pa.Table.from_pandas(t),
    "batches": lambda t, f, i: pa.Table.from_pandas(t).to_reader(max_chunksize=max(1, i)),
    "dataset": lambda t, f, i: pa.dataset.dataset(pa.Table.from_pandas(t)),
    "duckdb": lambda t, f, i: as_relation(t),
}


@st.composite
def texts(draw: st.DrawFn) -> list[bytes]:
    """One to three .csv of one table, with odd cells, now and then ragged, cut off or no text at all."""
    separator = draw(st.sampled_from([",", ",", ",", ";", "\t"]))
    odd = draw(st.sampled_from([[""], [""], ["", "NA"], ODD]))
    often = draw(st.sampled_from([0.0, 0.0, 0.02, 0.2]))
    names = draw(st.permutations(["y", "x", "g", "h", "s"]))
    files = []
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        rows = draw(st.sampled_from([0, 1, 20, 20, 60]))
        cells = {name: rng.choice(NUMBERS if name in "yx" else LABELS, rows) for name in names}
        lines = [
            [str(rng.choice(odd)) if rng.uniform() < often else str(cells[n][i]) for n in names] for i in range(rows)
        ]
        files.append(draw(written([names, *lines], separator)))
    return files


@st.composite
def written(draw: st.DrawFn, lines: list[list[str]], separator: str) -> bytes:
    """The bytes of a file, one in three of which are not what they should be."""
    end = draw(st.sampled_from(ENDS))
    content = end.join(separator.join(line) for line in lines).encode() + draw(st.sampled_from([end.encode(), b""]))
    harm = draw(st.integers(0, 20))
    place = draw(st.integers(0, len(content)))
    if harm == 0:
        content = content[:place]
    elif harm == 1:
        content = content[:place] + draw(st.binary(max_size=5)) + content[place:]
    elif harm == 2:
        content = content[:place] + separator.encode() + content[place:]
    elif harm <= 6:
        content = [b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b" "][harm - 3] + content
    return content


def read(formula: str, source: Any, keep_rows: bool) -> Design | str:
    """The design of a source, of all rows or of sums; the refusal; or nothing else."""
    with warnings.catch_warnings(record=True) as given, pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("always")
        patch.setattr(rows_or_sums, "MOST_ROWS", 10_000_000 if keep_rows else 0)
        try:
            found: Design | str = rows_or_sums.design_of_source(parse(formula), source, "gaussian", "auto", "drop")[1]
        except HierkitError as error:
            found = str(error)
            assert found.count(". ") >= 2, found
    assert all(issubclass(one.category, HierkitWarning) for one in given), [str(one.message) for one in given]
    return found


def check_same(one: Design | str, other: Design | str) -> None:
    """Both are refused, or both have the same columns, groups and means."""
    if isinstance(one, str) or isinstance(other, str):
        assert isinstance(one, str), other
        assert isinstance(other, str), one
        return
    assert [column.label for column in other.columns] == [column.label for column in one.columns]
    assert [factor.levels.tolist() for factor in other.factors] == [factor.levels.tolist() for factor in one.factors]
    size = abs(one.outcome.y).max()
    np.testing.assert_allclose(means(other), means(one), rtol=1e-9, atol=1e-9 * max(size, 1.0))


def means(design: Design) -> Any:
    """Of the outcome and of each column, over rows or what is in their place."""
    columns = np.column_stack([design.outcome.y, design.X])
    return np.average(columns, axis=0, weights=design.outcome.in_place_of)


@many(500)
@given(texts(), st.sampled_from(FORMULAS))
def test_text_files(files: list[bytes], formula: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in zip("abc", files, strict=False):
            (Path(folder) / f"{name}.csv").write_bytes(content)
        check_same(read(formula, folder, keep_rows=True), read(formula, folder, keep_rows=False))


@many(200)
@given(ordinary_tables(), st.sampled_from(FORMULAS), st.data())
def test_the_same_rows_in_any_source(table: pd.DataFrame, formula: str, data: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = data.draw(st.sampled_from(sorted(SOURCES)))
        place = data.draw(st.integers(0, len(table)))
        wanted = read(formula, table, keep_rows=True)
        for keep_rows in (True, False):
            check_same(wanted, read(formula, SOURCES[source](table, Path(folder), place), keep_rows))


@many(200)
@given(ordinary_tables(), st.sampled_from(FORMULAS), st.data())
def test_damaged_parquet(table: pd.DataFrame, formula: str, data: Any) -> None:
    """A file that is cut off, or has bytes that are others, is refused or read: never another error."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        table.to_parquet(path, row_group_size=data.draw(st.sampled_from([7, 100])))
        content = bytearray(path.read_bytes())
        # the schema and where everything is are at the end
        first = data.draw(st.sampled_from([0, len(content) // 2, len(content) - 60]))
        for _ in range(data.draw(st.sampled_from([1, 1, 5]))):
            content[data.draw(st.integers(first, len(content) - 1))] = data.draw(st.integers(0, 255))
        if data.draw(st.integers(0, 4)) == 0:
            del content[data.draw(st.integers(0, len(content) - 1)) :]
        path.write_bytes(content)
        for keep_rows in (True, False):
            read(formula, path, keep_rows)
