"""Draws that are computed when they are used."""

from typing import Any

import numpy as np
import pytest

from hierkit.errors import HierkitError
from hierkit.posterior import lazy as module
from hierkit.posterior.lazy import lazily

CHAINS, DRAWS, ROWS = 2, 5, 30
WHOLE = np.random.default_rng(0).normal(size=(ROWS, CHAINS * DRAWS))


def lazy(asked: Any) -> Any:
    def compute(rows: Any, samples: Any) -> Any:
        asked.append(len(rows))
        return WHOLE[rows][:, samples]

    return lazily(compute, {"chain": range(CHAINS), "draw": range(DRAWS), "row": range(ROWS)})


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"row": 3},
        {"row": slice(4, 20, 3)},
        {"row": [5, 2, 2]},
        {"chain": 1},
        {"row": slice(0, 0)},
        {"row": slice(None, None, -2)},
        {"draw": slice(1, 3), "chain": [1]},
        {"draw": 0, "row": 7, "chain": 1},
    ],
)
def test_any_part_is_that_part_of_the_whole(key: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 7)
    expected = lazy([]).load().isel(key)
    found = lazy([]).isel(key)
    assert found.dims == expected.dims
    np.testing.assert_array_equal(found.values, expected.values)
    whole = WHOLE.reshape(ROWS, CHAINS, DRAWS).transpose(1, 2, 0)
    np.testing.assert_array_equal(lazy([]).values, whole)


def test_nothing_is_computed_before_it_is_used() -> None:
    asked: list[Any] = []
    array = lazy(asked)
    part = array.isel(row=slice(0, 4))
    assert asked == []
    assert part.shape == (CHAINS, DRAWS, 4)
    part.load()
    assert asked == [4]


def test_more_than_memory_holds_is_refused(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    with pytest.raises(HierkitError, match=r"The draws of 30 rows would take.*row=slice"):
        lazy([]).load()
    assert lazy([]).isel(draw=0).values.shape == (CHAINS, ROWS)
