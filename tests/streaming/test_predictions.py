"""Predictions in a file: those of `predict`, a chunk at a time, whole or not at all."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from synthetic import synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError
from hierkit.streaming import predictions

FORMULA = "y ~ x + h + (x | g) + (1 | s)"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "ROWS", 17)


@pytest.fixture
def fit() -> hierkit.Fit:
    return synthetic_fit(FORMULA, table(60), chains=2, draws=50)


@pytest.mark.parametrize("options", [{}, {"groups": "new", "kind": "outcome"}, {"groups": {"g": "typical"}}])
def test_the_file_holds_the_table_of_all_rows(fit: hierkit.Fit, options: Any, tmp_path: Path) -> None:
    new = table(60, seed=1)
    path = fit.write_predictions(tmp_path / "out.parquet", new, draws=100, random_seed=3, **options)
    found, expected = pd.read_parquet(path), fit.predict(new, random_seed=3, **options).table()
    assert list(found) == list(expected)
    assert found["row"].tolist() == list(range(60))
    # chunks may give equal rows equal draws, which rows of one call do not share
    bounds = [] if options.get("kind") == "outcome" else ["ci_lower", "ci_upper"]
    for name in ["estimate", "sd", *bounds]:
        tolerance = 0.5 if options.get("kind") == "outcome" else 1e-9
        np.testing.assert_allclose(found[name], expected[name], atol=tolerance)
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "any").touch()
    assert path.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_files_are_read_in_parts_and_fewer_draws_are_evenly_spaced(fit: hierkit.Fit, tmp_path: Path) -> None:
    table(60, seed=1).to_parquet(tmp_path / "new.parquet")
    found = pd.read_parquet(fit.write_predictions(tmp_path / "out.parquet", tmp_path / "new.parquet", draws=50))
    thinned = hierkit.Fit(fit.formula, fit.design, fit.priors, fit.draws.isel(draw=slice(None, None, 2)))
    expected = thinned.predict(table(60, seed=1)).table()
    np.testing.assert_allclose(found["estimate"], expected["estimate"], atol=1e-9)


def test_a_stream_will_do_and_its_argument_is_named(fit: hierkit.Fit, tmp_path: Path) -> None:
    new = pa.Table.from_pandas(table(60, seed=1), preserve_index=False)
    found = pd.read_parquet(fit.write_predictions(tmp_path / "out.parquet", new.to_reader(max_chunksize=13)))
    assert found["row"].tolist() == list(range(60))
    for source in (new.drop_columns("x"), new.drop_columns("x").to_reader()):
        with pytest.raises(HierkitError, match="new_rows has no column 'x'"):
            fit.write_predictions(tmp_path / "out.parquet", source)


def test_labels_are_text_where_some_are_new(fit: hierkit.Fit, tmp_path: Path) -> None:
    new = table(60, seed=1).assign(g=lambda rows: rows.g.where(rows.index < 40, 999))
    found = pd.read_parquet(fit.write_predictions(tmp_path / "out.parquet", new, groups="new"))
    assert found["g"].tolist() == new.g.astype(str).tolist()


def test_nothing_is_left_of_what_fails(fit: hierkit.Fit, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    path.write_text("older")
    later = table(60, seed=1)
    later.loc[40, "x"] = np.nan
    with pytest.raises(HierkitError, match="Missing values in 'x'"):
        fit.write_predictions(path, later)
    assert [file.name for file in tmp_path.iterdir()] == ["out.parquet"]
    assert path.read_text() == "older"


def test_a_full_disk_leaves_nothing_half_written(fit: hierkit.Fit, tmp_path: Path, monkeypatch: Any) -> None:
    written = parquet.ParquetWriter.write_table
    calls = []

    def full(self: Any, *args: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(self, *args, **options)

    monkeypatch.setattr(parquet.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        fit.write_predictions(tmp_path / "out.parquet", table(60))
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_a_file_is_refused(fit: hierkit.Fit, tmp_path: Path) -> None:
    with pytest.raises(HierkitError, match=r"'out\.csv'.*\.parquet"):
        fit.write_predictions(tmp_path / "out.csv", table(60))
    with pytest.raises(HierkitError, match="There is no folder"):
        fit.write_predictions(tmp_path / "nowhere" / "out.parquet", table(60))
    with pytest.raises(HierkitError, match="new_rows has no rows"):
        fit.write_predictions(tmp_path / "out.parquet", table(60).iloc[:0])
