from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import hierkit
from hierkit.errors import HierkitError


def rows() -> pd.DataFrame:
    return pd.DataFrame({"wait": [1.0, 3, 10, 14], "team": ["a", "a", "b", "b"]})


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_two_parts(kind: Any) -> None:
    split = hierkit.center_within(kind(rows()), "wait", by="team")
    assert isinstance(split, kind)
    assert list(split["wait_between"]) == [2, 2, 12, 12]
    assert list(split["wait_within"]) == [-1, 1, -2, 2]


def test_new_rows_are_split_by_the_fitted_means() -> None:
    """A known group keeps its mean; a new one has that of its own rows; order and index stay."""
    fitted = hierkit.center_within(rows(), "wait", by="team")
    new = pd.DataFrame({"wait": [20.0, 5, 7, 9], "team": ["c", "b", "a", "c"]})
    split = hierkit.center_within(new, "wait", by="team", like=fitted)
    assert split["team"].tolist() == ["c", "b", "a", "c"]
    np.testing.assert_allclose(split["wait_between"], [14.5, 12, 2, 14.5])
    np.testing.assert_allclose(split["wait_within"], [5.5, -7, 5, -5.5])


def test_index_and_lazy_frames() -> None:
    fitted = hierkit.center_within(rows(), "wait", by="team")
    new = rows().set_axis([10, 11, 12, 13])
    for like in (None, fitted):
        assert hierkit.center_within(new, "wait", by="team", like=like).index.tolist() == [10, 11, 12, 13]
    lazy = hierkit.center_within(pl.LazyFrame(rows()), "wait", by="team")
    assert lazy["wait_between"].to_list() == [2, 2, 12, 12]


def test_refusals() -> None:
    with pytest.raises(HierkitError, match="no column 'weight'"):
        hierkit.center_within(rows(), "weight", by="team")
    with pytest.raises(HierkitError, match="'team' is not a number"):
        hierkit.center_within(rows(), "team", by="wait")
    with pytest.raises(HierkitError, match="like= has no columns"):
        hierkit.center_within(rows(), "wait", by="team", like=rows())


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_rows_of_no_group_have_no_mean(library: str) -> None:
    rows = pd.DataFrame({"g": ["a", None, "a", None, "b"], "x": [1.0, 2.0, 3.0, 4.0, 5.0]})
    made = hierkit.center_within(rows if library == "pandas" else pl.from_pandas(rows), "x", by="g")
    means = [None if value is None or value != value else value for value in made["x_between"].to_list()]
    assert means == [2.0, None, 2.0, None, 5.0]
