"""What pictures share."""

import numpy as np

from hierkit.plots.canvas import MOST_LABELS, NAMED, paper, shorten, within_reach


def test_long_and_mathematical_labels_fit() -> None:
    assert shorten("a$b") == "a\\$b"
    assert len(shorten("x" * 300)) == 24
    assert MOST_LABELS >= 2 * NAMED


def test_far_estimates_are_counted_not_shown() -> None:
    _, (axes,) = paper()
    values = np.append(np.linspace(-1, 1, 99), 1e6)
    assert within_reach(axes, values, np.array([-0.5, 2.0])) == 1
    low, high = axes.get_ylim()
    assert -4 < low < -1
    assert 2 < high < 4
