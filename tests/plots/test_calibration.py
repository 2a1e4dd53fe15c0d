"""Ranks of truths beside the band of chance."""

import numpy as np
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from hierkit.plots.calibration import draw
from hierkit.plots.canvas import MAIN, OTHER


def drawn(shares: NDArray[np.float64]) -> Figure:
    coords = {"chain": [0], "draw": np.arange(len(shares)), "parameter": ["x", "sigma"]}
    ranks = np.column_stack([shares, shares[::-1] ** 3])
    return draw(xr.Dataset({"rank": (("chain", "draw", "parameter"), ranks[None])}, coords))


def test_the_line_is_the_distribution_of_ranks_less_a_uniform_one() -> None:
    shares = (np.arange(50) + 0.5) / 50
    right, wrong = (axes.lines[0] for axes in drawn(shares).axes[:2])
    np.testing.assert_allclose(np.asarray(right.get_xdata()), shares)
    np.testing.assert_allclose(np.asarray(right.get_ydata()), np.arange(1, 51) / 50 - shares)
    np.testing.assert_allclose(np.asarray(wrong.get_ydata()), np.arange(1, 51) / 50 - shares**3)


def test_a_line_that_leaves_the_band_has_another_colour() -> None:
    right, wrong = (axes.lines[0] for axes in drawn((np.arange(50) + 0.5) / 50).axes[:2])
    assert to_hex(right.get_color()) == to_hex(MAIN)
    assert to_hex(wrong.get_color()) == to_hex(OTHER)


def test_uniform_ranks_stay_within_the_band_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    figure = drawn(rng.uniform(size=50))
    band = figure.axes[0].collections[0].get_paths()[0].get_extents()
    width = band.y1
    outside = [stats.kstest(rng.uniform(size=50), "uniform").statistic > width for _ in range(1000)]
    assert abs(np.mean(outside) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 1000)
