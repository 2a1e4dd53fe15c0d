"""Estimates of simulated data sets beside the truth."""

import numpy as np
import xarray as xr
from pictures import rectangles

from hierkit.plots.study import draw


def test_a_panel_for_each_parameter_with_its_estimates_and_its_truth() -> None:
    estimates = np.random.default_rng(1).normal(size=(1, 40, 2)) + np.array([3.0, 10.0])
    coords = {"chain": [0], "draw": np.arange(40), "parameter": ["x", "sd(Intercept|team)"]}
    by_parameter = {"truth": ("parameter", [3.0, 10.0]), "coverage": ("parameter", [0.9, 0.625])}
    arrays = {"estimates": (("chain", "draw", "parameter"), estimates), **by_parameter}
    figure = draw(xr.Dataset(arrays, coords))
    for axes, truth, values in zip(figure.axes, (3.0, 10.0), estimates[0].T, strict=True):
        bars = rectangles(axes)
        assert sum(bar.get_height() for bar in bars) == 40
        np.testing.assert_allclose(bars[0].get_x(), values.min())
        np.testing.assert_array_equal(np.unique(np.asarray(axes.lines[0].get_xdata())), [truth])
    assert [axes.get_title() for axes in figure.axes] == ["90% of intervals hold it", "62% of intervals hold it"]
    assert figure.axes[0].get_xlabel() == "x"
