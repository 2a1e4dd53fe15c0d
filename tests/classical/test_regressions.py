"""Regressions of all rows, and of each group's."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of

from hierkit.classical.regressions import complete_pooling


@pytest.mark.parametrize(("events", "status"), [(1, "estimated"), (0, "separated")])
def test_a_group_with_one_event_is_estimated_and_one_with_none_is_separated(events: Any, status: Any) -> None:
    """One event in 2,000 rows has a standard error of log odds near 1 / sqrt(1), large and no sign of separation."""
    x = np.repeat([0.0, 1.0], 2000)
    won = np.concatenate([np.arange(2000) % 2, np.arange(2000) < events]).astype(int)
    design = design_of("won ~ x", pd.DataFrame({"won": won, "x": x}), "bernoulli")
    assert complete_pooling(design).status == [status]


@pytest.mark.parametrize(("swapped", "status"), [(True, "estimated"), (False, "separated")])
def test_rows_that_overlap_in_one_pair_are_estimated_however_steep(swapped: Any, status: Any) -> None:
    x = np.arange(40.0)
    won = (x >= 20).astype(int)
    if swapped:
        won[[19, 20]] = won[[20, 19]]
    found = complete_pooling(design_of("won ~ x", pd.DataFrame({"won": won, "x": x}), "bernoulli"))
    assert found.status == [status]
    if swapped:
        assert found.se[0, 1] * x.std() > 4
