"""Edges hold all values, however near they are to each other."""

import numpy as np
import pytest

from hierkit.plots.bins import BINS, edges


@pytest.mark.parametrize("values", [[-1.0, 0.5, 3.0], [2.0, 2.0], [0.0], [1e9, 1e9 + 1e-7], [-1e-300, 1e-300]])
def test_all_values_are_in_a_bin(values: list[float]) -> None:
    found = edges(np.array(values))
    assert len(found) == BINS + 1
    assert (np.diff(found) > 0).all()
    assert np.histogram(values, found)[0].sum() == len(values)
