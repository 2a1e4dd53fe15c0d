"""The design effect over the size of groups."""

import numpy as np
import pytest
from pictures import band, line
from synthetic import many_groups, synthetic_fit

from hierkit.intervals import interval


def test_the_point_of_these_data_lies_on_the_curve() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(30), draws=50).design_effect()
    axes = quantity.plot().axes[0]
    m, curve = map(np.asarray, axes.lines[0].get_data())
    at = np.interp(quantity.draws.attrs["size"], m, curve)
    assert at == pytest.approx(float(quantity.draws["design_effect"].mean()), rel=1e-6)


def test_the_band_at_the_size_of_these_data_is_the_interval() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(30), draws=50).design_effect()
    axes = quantity.plot().axes[0]
    found = interval(quantity.draws["design_effect"])
    m = line(axes, "1 + (m - 1)").get_xdata()
    lower, upper = band(axes, m)
    size = quantity.draws.attrs["size"]
    assert np.interp(size, m, lower) == pytest.approx(float(found.lower), rel=1e-6)
    assert np.interp(size, m, upper) == pytest.approx(float(found.upper), rel=1e-6)
