from typing import Any

import pandas as pd
import pytest
from synthetic import design_of, table

from hierkit.errors import HierkitError
from hierkit.model import outcome


@pytest.mark.parametrize(
    ("values", "event", "y", "chosen"),
    [
        (pd.Series([0, 1, 1]), None, [0, 1, 1], None),
        (pd.Series([True, False]), None, [1, 0], True),
        (pd.Series(pd.Categorical(["no", "yes", "no"])), None, [0, 1, 0], "yes"),
        (pd.Series(pd.Categorical(["no", "yes", "no"])), "no", [1, 0, 1], "no"),
        (pd.Series(pd.Categorical(["won", "lost"], categories=["won", "lost"])), None, [0, 1], "lost"),
        (pd.Series([1, 2, 1]), "2", [0, 1, 0], 2),
        (pd.Series([1.0, 0.0, 1.0]), "1", [1, 0, 1], 1),
    ],
)
def test_bernoulli_event(values: Any, event: Any, y: Any, chosen: Any) -> None:
    made = outcome.bernoulli("y", values, event)
    assert made.y.tolist() == y
    assert made.event == chosen


def test_binomial() -> None:
    made = outcome.binomial("p(s, n)", pd.Series([0, 2]), pd.Series([3, 2]))
    assert (made.y.tolist(), made.trials_of_each.tolist(), made.distribution) == ([0, 2], [3, 2], "binomial")


def test_an_outcome_too_far_from_zero_is_not_called_constant() -> None:
    rows = table().assign(y=lambda d: 1e15 + d.y)
    with pytest.raises(HierkitError, match=r"'y' varies by \d.* around 1e\+15\. .* Subtract a number near its mean"):
        design_of("y ~ x", rows)
