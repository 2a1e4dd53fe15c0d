"""Pareto k of what is left out."""

import numpy as np
import xarray as xr
from pictures import line

from hierkit.plots import pareto


def test_k_above_the_limit_is_marked_and_named() -> None:
    k = np.array([0.1, 0.69, 0.71, 1.2])
    draws = xr.Dataset({"pareto_k": ("group", k)}, coords={"group": list("abcd")}, attrs={"good_k": 0.7})
    (axes,) = pareto.draw(draws).axes
    np.testing.assert_allclose(line(axes, "2 groups").get_xydata(), [[0, 0.1], [1, 0.69]])
    np.testing.assert_allclose(line(axes, "2 above 0.70").get_xydata(), [[2, 0.71], [3, 1.2]])
    assert [text.get_text() for text in axes.texts] == ["d", "c"]
    assert np.asarray(axes.lines[2].get_ydata())[0] == 0.7
