"""The first pass: the same sample, levels and counts whatever the chunks, and what is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hierkit.errors import HierkitError
from hierkit.model.formula import parse
from hierkit.sources.chunks import chunks_of
from hierkit.streaming import survey as module
from hierkit.streaming.survey import Survey, parts_of, survey


def table(n: int = 1000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    h = rng.choice(["a", "b"], n)
    h[617] = "rare"
    x[[3, 400]] = np.nan
    return pd.DataFrame({"y": rng.normal(size=n), "x": x, "h": h, "g": np.arange(n) // 100, "k": rng.integers(0, 3, n)})


def surveyed(data: pd.DataFrame, rows: int, formula: str = "y ~ x + h + (1 | g)", **others: Any) -> Survey:
    parsed = parse(formula)
    parts = parts_of(chunks_of(data, parsed.columns, rows)(), parsed)
    return survey(parts, parsed, others.get("coded", ()), others.get("missing", "drop"))


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", 100)


@pytest.mark.usefixtures("small_sample")
def test_the_sample_is_even_and_has_extremes_and_the_first_of_each_label() -> None:
    data = table()
    found = surveyed(data, 1000)
    kept = data.dropna()
    at = kept.index.get_indexer(pd.Index(found.positions))
    assert {0, 16, 32, 992 - 16} <= set(at.tolist())
    assert kept.x.idxmax() in found.positions
    assert kept.y.idxmin() in found.positions
    assert 617 in found.positions
    assert found.spacing.sum() == pytest.approx(found.used)
    assert (found.given, found.used, found.missing) == (1000, 998, {"x": 2})
    pd.testing.assert_frame_equal(found.sample, data.loc[found.positions].reset_index(drop=True)[["y", "x", "h", "g"]])


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize("rows", [1, 13, 256, 999])
def test_chunks_change_nothing(rows: int) -> None:
    found, whole = surveyed(table(), rows), surveyed(table(), 1000)
    pd.testing.assert_frame_equal(found.sample, whole.sample)
    np.testing.assert_array_equal(found.positions, whole.positions)
    np.testing.assert_array_equal(found.spacing, whole.spacing)
    assert (found.given, found.used, found.missing) == (whole.given, whole.used, whole.missing)
    pd.testing.assert_series_equal(found.levels["g"], whole.levels["g"])


@pytest.mark.usefixtures("small_sample")
def test_levels_of_a_factor_are_all_of_them_and_numbers_that_are_coded_too() -> None:
    data = table().assign(g=np.arange(1000))
    assert len(surveyed(data, 100).levels["g"]) == 998
    late = table().assign(k=0)
    late.loc[987, "k"] = 5
    late.loc[983, "k"] = 3
    assert set(surveyed(late, 100, "y ~ factor(k) + (1 | g)", coded={"k"}).sample.k) == {0, 3, 5}


def test_an_infinite_number_is_refused_with_its_row() -> None:
    data = table()
    data.loc[700, "x"] = np.inf
    with pytest.raises(HierkitError, match="'x' is infinite in row 700"):
        surveyed(data, 64)


def test_missing_values_are_refused_when_they_are_an_error() -> None:
    with pytest.raises(HierkitError, match=r"Missing values in 'x' \(2\)"):
        surveyed(table(), 64, missing="error")
    with pytest.raises(HierkitError, match=r"No row is complete: missing values in 'x' \(1,000\)"):
        surveyed(table().assign(x=np.nan), 64)


def test_too_many_combinations_of_labels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_COMBINATIONS", 1)
    monkeypatch.setattr(module, "SAMPLE", 100)
    with pytest.raises(HierkitError, match=r"more than 1 combinations of labels of 'h'.*factor of a group term"):
        surveyed(table(), 100, "y ~ x + h * factor(k)", coded={"k"})
