"""Beyond the rows that are kept: the same design from every source, counts of events, and what is refused."""

from collections.abc import Callable
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

import hierkit
from hierkit.errors import HierkitError, HierkitWarning
from hierkit.model.design import Design
from hierkit.model.formula import parse
from hierkit.sources import chunks
from hierkit.streaming import rows_or_sums, survey
from hierkit.streaming.rows_or_sums import design_of_source

FORMULA = "y ~ x + h + (x | g)"
USED = ["y", "x", "h", "g"]


@pytest.fixture(autouse=True)
def few_rows_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_or_sums, "MOST_ROWS", 50)
    monkeypatch.setattr(survey, "SAMPLE", 100)


def rows(n: int = 400) -> pd.DataFrame:
    """Numbers, text, a missing value, and a label and a group that come last."""
    rng = np.random.default_rng(0)
    g = np.arange(n) % 7
    x = rng.normal(size=n)
    h = rng.choice(["low", "mid"], n)
    h[-1], g[-1] = "top", 99
    y = rng.normal(size=n) + x * (1 + 0.3 * g)
    x[17] = np.nan
    # few digits, which any version of pandas reads from text as they are
    return pd.DataFrame({"y": y.round(6), "x": x.round(6), "h": h, "g": g, "other": 1})


def in_files(folder: Path, suffix: str, size: int, **options: Any) -> Path:
    given = rows()
    for first in range(0, len(given), size):
        part, path = given.iloc[first : first + size], folder / f"part-{first:04}.{suffix}"
        if suffix == "parquet":
            part.to_parquet(path, index=False, **options)
        else:
            part.to_csv(path, index=False)
    return folder


def relation(_: Path) -> Any:
    given = rows()
    return duckdb.from_arrow(pa.Table.from_pandas(given, preserve_index=False))


SOURCES: dict[str, Callable[[Path], Any]] = {
    "a file": lambda folder: next(in_files(folder, "parquet", 400).glob("*")),
    "row groups": lambda folder: next(in_files(folder, "parquet", 400, row_group_size=11).glob("*")),
    "a folder": lambda folder: str(in_files(folder, "parquet", 30)),
    ".csv": lambda folder: in_files(folder, "csv", 150),
    "a dataset": lambda folder: ds.dataset(in_files(folder, "parquet", 90), format="parquet"),
    "Arrow": lambda _: pa.Table.from_pandas(rows(), preserve_index=False),
    "polars": lambda _: pl.from_pandas(rows()),
    "lazy polars": lambda folder: pl.scan_parquet(in_files(folder, "parquet", 130) / "*.parquet"),
    "DuckDB": relation,
    "Dask": lambda _: dd.from_pandas(rows(), npartitions=5),
}


def design(data: Any, formula: str = FORMULA, family: Any = "gaussian") -> Design:
    return design_of_source(parse(formula), data, family, "auto", "drop")[1]


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("size", [64, 2**20])
def test_sources_and_chunks_make_the_same_design(name: str, size: int, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(chunks.chunks_of, "__defaults__", (size, "data"))
    found, expected = design(SOURCES[name](tmp_path)), design(rows())
    assert found.points is not None
    assert expected.points is not None
    for one, other in ((found, expected), (found.of_rows, expected.of_rows)):
        np.testing.assert_array_equal(one.X, other.X)
        np.testing.assert_array_equal(one.outcome.y, other.outcome.y)
        np.testing.assert_array_equal(one.trials, other.trials)
        assert one.factors[0].levels.tolist() == other.factors[0].levels.tolist()
        np.testing.assert_array_equal(one.factors[0].codes, other.factors[0].codes)
    assert (found.rows.given, found.rows.used, found.rows.missing) == (400, 399, {"x": 1})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a folder", "DuckDB", "Dask"])
def test_draws_are_identical(name: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"random_seed": 1, "draws": 400, "chains": 4, "progressbar": False}
    found, expected = hierkit.fit(FORMULA, SOURCES[name](tmp_path), **options), hierkit.fit(FORMULA, rows(), **options)
    assert found.draws["posterior"].to_dataset().identical(expected.draws["posterior"].to_dataset())


@pytest.mark.slow
def test_a_saved_fit_holds_what_is_kept(tmp_path: Path) -> None:
    fit = hierkit.fit(FORMULA, rows(), random_seed=1, progressbar=False)
    again = hierkit.load(fit.save(tmp_path / "fit.hierkit"))
    for name in ("icc", "shrinkage", "compare_pooling"):
        pd.testing.assert_frame_equal(getattr(again, name)().table(), getattr(fit, name)().table())
    pd.testing.assert_frame_equal(again.slopes("x").table(), fit.slopes("x").table())
    assert again.design.rows.used == 399
    assert "399 of 400 used" in str(again.summary())
    with pytest.raises(HierkitError, match=r"loo\(\) needs each row"):
        again.loo()


@pytest.mark.slow
def test_the_posterior_is_that_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    found = hierkit.fit(FORMULA, rows(), random_seed=1, progressbar=False)
    monkeypatch.setattr(rows_or_sums, "MOST_ROWS", 1000)
    whole = hierkit.fit(FORMULA, rows(), random_seed=2, progressbar=False)
    for quantity in ("coefficients", "variance_components"):
        ours, theirs = getattr(found, quantity)().table(), getattr(whole, quantity)().table()
        # five times the error of two means of a thousand independent draws
        error = 5 * theirs["sd"] * np.sqrt(2 / 1000)
        assert (abs(ours["estimate"] - theirs["estimate"]) < error).all()


def events(n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x, g = rng.integers(0, 3, n), rng.integers(0, 5, n)
    won = rng.random(n) < 1 / (1 + np.exp(-(x - 1 + 0.5 * (g - 2))))
    return pd.DataFrame({"won": np.where(won, "yes", "no"), "x": x, "g": g, "k": won.astype(int), "n": 1})


@pytest.mark.parametrize("formula", ["won ~ x + (1 | g)", "p(k, n) ~ x + (1 | g)", "cbind(k, n - k) ~ x + (1 | g)"])
def test_events_are_counted(formula: str) -> None:
    data = events()
    found = design(data, formula, "bernoulli")
    cells = data.groupby(["x", "g", *(["won"] if "won" in formula else [])])["k"].agg(["sum", "size"])
    assert len(found.offset) == len(cells)
    assert found.outcome.y.sum() == data.k.sum()
    assert found.trials.sum() == found.rows.used == 600
    assert found.outcome.is_frequencies == ("won" in formula)
    np.testing.assert_allclose(found.column_means, [0, data.x.mean()])
    assert found.sizes(found.factors[0]).tolist() == data.groupby("g").size().tolist()


@pytest.mark.slow
def test_a_fit_of_counted_events_has_every_quantity() -> None:
    fit = hierkit.fit("won ~ x + (1 | g)", events(), family="bernoulli", random_seed=1, progressbar=False)
    assert fit.loo().draws["n"].sum() == 600
    assert fit.slopes("x").table().shape[0] == 1
    assert "n_rows" in fit.design.rows.frame
    said = str(fit.summary())
    share = (events().won == "yes").mean()
    assert f"Outcome: won, Bernoulli: the event is yes, in {share:.1%} of the rows" in said
    assert "n_rows" not in said
    assert "rows each" in said


def test_too_many_rows_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hierkit.streaming.counted_rows.MOST_PATTERNS", 100)
    data = events().assign(x=np.random.default_rng(0).normal(size=600))
    with pytest.raises(HierkitError, match=r"More than 100 of the first 600 rows differ in 'won', 'x', 'g'.*Round"):
        design(data, "won ~ x + (1 | g)", "bernoulli")


@pytest.mark.parametrize("formula", ["y ~ poly(x, 2) + (1 | g)", "y ~ scale(x) + (1 | g)", "scale(y) ~ x + (1 | g)"])
def test_what_looks_at_all_rows_gets_them_if_there_is_memory(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert design(rows(), formula).points is None
    monkeypatch.setattr(rows_or_sums, "machine_memory", lambda: 1000)
    with pytest.raises(HierkitError, match=r"400 rows may take .* must be kept for (poly|scale)\(\), which looks at"):
        design(rows(), formula)


@pytest.mark.parametrize(
    ("formula", "changed", "words"),
    [
        ("p(k, n) ~ x + (1 | g)", {"k": 5}, r"5 successes in 1 trials"),
        ("p(k, n) ~ x + (1 | g)", {"k": 0.5}, r"0\.5 successes in 1 trials"),
        ("k ~ x + (1 | g)", {"k": 2}, r"'k' is not two-valued"),
        ("k ~ x + (1 | g)", {"k": 0.5}, r"'k' is not two-valued"),
    ],
)
def test_counts_and_events_are_checked_row_by_row(formula: str, changed: Any, words: str) -> None:
    data = events().astype({"k": float})
    data.loc[[5, 6], "k"] = changed["k"]
    with pytest.raises(HierkitError, match=words):
        design(data, formula, "bernoulli")


@pytest.mark.slow
def test_outcomes_of_new_rows_need_no_count_of_rows(tmp_path: Path) -> None:
    fit = hierkit.fit("won ~ x + (1 | g)", events(), family="bernoulli", random_seed=1, progressbar=False)
    new = events().drop(columns="won").head(10)
    drawn = fit.predict(new, kind="outcome").draws["outcome"]
    assert set(np.unique(drawn)) == {0, 1}
    assert len(pd.read_parquet(fit.write_predictions(tmp_path / "o.parquet", new, kind="outcome", groups="new"))) == 10


@pytest.mark.parametrize("library", [pl.from_pandas, lambda frame: pl.from_pandas(frame).lazy(), pa.Table.from_pandas])
def test_categories_without_an_order_of_their_own_are_sorted(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are in memory, whatever the order in which they first appear."""
    data = rows().assign(h=lambda given: given.h.astype("category").cat.reorder_categories(["top", "mid", "low"]))
    table = library(data)
    table = (
        table.with_columns(pl.col("h").cast(str).cast(pl.Categorical)) if "polars" in type(table).__module__ else table
    )
    found = design(table)
    monkeypatch.setattr(rows_or_sums, "MOST_ROWS", 1000)
    assert [column.label for column in found.columns] == [column.label for column in design(table).columns]


def test_decimals_are_numbers_and_lists_no_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "MOST_COMBINATIONS", 100)
    data = rows().dropna()
    exact = pa.Table.from_pandas(data.assign(x=data.x.round(3)), preserve_index=False)
    decimal = exact.set_column(1, "x", exact["x"].cast(pa.decimal128(12, 3)))
    np.testing.assert_array_equal(design(decimal).X, design(exact).X)
    with pytest.raises(HierkitError, match="Column 'h' holds lists"):
        design(data.assign(h=pd.Series([["a"]] * len(data), data.index, object)))


def test_an_infinite_number_of_any_type_is_refused_with_its_row() -> None:
    data = rows().astype({"x": "float32"})
    data.loc[301, "x"] = np.inf
    with pytest.raises(HierkitError, match="'x' is infinite in row 301"):
        design(data)


def test_a_truncated_file_among_good_ones_is_named(tmp_path: Path) -> None:
    in_files(tmp_path, "parquet", 100)
    damaged = tmp_path / "part-0200.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    with pytest.raises(HierkitError, match=r"part-0200\.parquet' cannot be read"):
        design(tmp_path)


def test_pages_that_are_damaged_are_found_when_they_are_read(tmp_path: Path) -> None:
    path = in_files(tmp_path, "parquet", 400) / "part-0000.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(60) + whole[64:])
    with pytest.raises(HierkitError, match=r"part-0000\.parquet' cannot be read"):
        design(path)


def test_a_column_that_changes_its_type_is_named_with_both_files(tmp_path: Path) -> None:
    in_files(tmp_path, "parquet", 200)
    path = tmp_path / "part-0200.parquet"
    pq.write_table(pa.table(rows().iloc[200:].assign(x="one")), path)
    with pytest.raises(HierkitError, match=r"'x' holds numbers in '.*part-0000\.parquet' and text in '.*part-0200"):
        design(tmp_path)


def test_words_for_missing_among_labels_are_said_once(tmp_path: Path) -> None:
    data = rows().assign(h=lambda given: given.h.where(given.index != 5, "NA"))
    data.to_csv(tmp_path / "a.csv", index=False)
    with pytest.warns(HierkitWarning, match=r"Column 'h' holds labels, and 'NA' \(1 rows\)") as said:
        design(tmp_path / "a.csv")
    assert len(said) == 1


def test_a_column_that_no_source_has_is_named(tmp_path: Path) -> None:
    for source in (rows(), in_files(tmp_path, "parquet", 400), relation(tmp_path)):
        with pytest.raises(HierkitError, match=r"data has no column 'z'"):
            design(source, "y ~ z + (1 | g)")


def test_a_stream_is_read_into_memory() -> None:
    table = pa.Table.from_pandas(rows(), preserve_index=False)
    assert design(table.to_reader(max_chunksize=10)).points is None
