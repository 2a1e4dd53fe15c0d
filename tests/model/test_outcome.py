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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["kg", "54.1", "56.0"], r"'y' is text, because 1 of its values are no numbers: 'kg', first in used row 0"),
        (["54.1", "-", "56.0", "-"], r"because 2 of its values are no numbers: '-', first in used row 1"),
        (["1", "2", "3"], r"'y' is text, though all of it is numbers"),
        (["low", "high", "low"], r"'y' is not a number \(its values: 'high', 'low'\)"),
    ],
)
def test_an_outcome_of_text_is_refused_with_the_cells_to_look_at(values: Any, message: Any) -> None:
    with pytest.raises(HierkitError, match=message):
        outcome.gaussian("y", pd.Series(pd.Categorical(values), name="y"))
