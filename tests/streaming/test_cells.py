"""Where each row's cell is among all combinations, also when several threads ask at once."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from hierkit.streaming.cells import make_cells


@pytest.fixture
def switching_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_cells_are_numbered_by_the_places_of_their_values() -> None:
    cells = make_cells({"g": pd.Series([30, 10, 20]), "h": pd.Series(["b", "a"])})
    frame = pd.DataFrame({"g": [10, 20, 30], "h": ["a", "b", "b"]})
    assert cells.numbers(frame).tolist() == [1 * 2 + 1, 2 * 2 + 0, 0 * 2 + 0]
    assert cells.labels(cells.numbers(frame)).astype(str).to_numpy().tolist() == [["10", "a"], ["20", "b"], ["30", "b"]]


@pytest.mark.usefixtures("switching_often")
def test_threads_that_look_up_first_find_the_same() -> None:
    """With pandas 3.0 some found nothing, in every second of these tries."""
    last = pd.DataFrame({"g": np.arange(20_000)[-5:]})
    with ThreadPoolExecutor(8) as threads:
        for _ in range(30):
            cells = make_cells({"g": pd.Series(np.arange(20_000))})
            found = threads.map(cells.numbers, [last] * 8)
            assert all(numbers.tolist() == last.g.tolist() for numbers in found)
