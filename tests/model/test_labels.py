"""Labels in messages."""

import numpy as np
import pytest

from hierkit.model.labels import some


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (["a", "b"], "'a', 'b'"),
        (list("abcde"), "'a', 'b', 'c', 'd', 'e'"),
        (list("abcdefg"), "'a', 'b', 'c', 'd', 'e' and 2 more"),
        ([1.0, 2.5], "1, 2.5"),
        ([np.datetime64("2024-01-02")], "2024-01-02"),
    ],
)
def test_the_first_five_and_how_many_more(labels: list[object], text: str) -> None:
    assert some(labels) == text
