"""Replicated statistics beside the observed one."""

import numpy as np
import pytest
from pictures import rectangles
from synthetic import synthetic_fit, table


def test_replicates_stand_beside_what_was_seen() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", table(80), draws=50).predictive_check()
    axes = quantity.plot().axes[0]
    assert np.asarray(axes.lines[0].get_xdata())[0] == pytest.approx(float(quantity.draws["observed"][0]))


def test_the_histogram_is_that_of_the_replicates() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", table(80), draws=50).predictive_check()
    axes = quantity.plot().axes[0]
    values = quantity.draws["replicated"].isel(statistic=0).values.ravel()
    counts, _ = np.histogram(values, bins=40)
    assert [patch.get_height() for patch in rectangles(axes)] == counts.tolist()
    share = float(quantity.draws["above"][0])
    assert axes.get_title() == f"{share:.0%} lie above the data"
    assert axes.get_xlabel() == "standard deviation of the means of groups of g"
