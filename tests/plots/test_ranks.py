"""Ranks with their intervals, and the probability of being among the best."""

import numpy as np
from pictures import labels, points, segments
from synthetic import many_groups, synthetic_fit

from hierkit.intervals import interval


def test_intervals_and_probabilities() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(12), draws=50).ranks(best=3)
    left, right = quantity.plot().axes
    found = interval(quantity.draws["rank"])
    bars = segments(left)
    order = np.argsort(found.estimate, kind="stable")
    np.testing.assert_allclose(bars[:, :, 0], np.column_stack([found.lower, found.upper])[order])
    np.testing.assert_allclose(points(left)[:, 0], found.estimate[order])
    share = quantity.draws["among_best"].mean(("chain", "draw")).values
    np.testing.assert_allclose(points(right), np.column_stack([found.estimate[order], share[order]]))
    assert labels(left) == [str(group) for group in quantity.draws["group"].values[order]]
    assert right.get_ylabel() == "probability of being among the best"
