"""Numbers with standard errors, by method and by model."""

from typing import Any

import numpy as np
import xarray as xr
from pictures import labels
from synthetic import synthetic_fit, table

from hierkit.plots import estimates


def bars(axes: Any) -> Any:
    """(bar, 3), lower end, middle and upper end, from top to bottom."""
    found = []
    for container in axes.containers:
        middle, _, (whiskers,) = container.lines
        ends = [end[0] for segment in whiskers.get_segments() for end in segment] or [np.nan, np.nan]
        found.append([ends[0], middle.get_xdata()[0], ends[1]])
    return np.array(found)


def test_a_bar_is_one_standard_error_to_each_side() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", table(80), draws=50).classical()
    for axes, parameter in zip(quantity.plot().axes, quantity.draws["parameter"].values, strict=False):
        part = quantity.draws.sel(parameter=parameter)
        se = np.nan_to_num(part["se"].values)
        expected = np.column_stack([part["estimate"] - se, part["estimate"], part["estimate"] + se])
        np.testing.assert_allclose(bars(axes), expected)
        assert axes.get_title() == parameter


def test_compared_models() -> None:
    columns = {"elpd_diff": [0.0, -8.0], "dse": [0.0, 3.0]}
    draws = xr.Dataset({name: ("model", own) for name, own in columns.items()}, coords={"model": ["one", "other"]})
    (axes,) = estimates.draw(draws).axes
    np.testing.assert_allclose(bars(axes), [[0, 0, 0], [-11, -8, -5]])
    assert labels(axes) == ["one", "other"]
