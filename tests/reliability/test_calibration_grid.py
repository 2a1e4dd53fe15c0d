"""The committed grid of calibration is of the models that are here and agrees with uniform ranks; a short one."""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from reliability.calibration_grid import CELLS, FILE, RANKED, p_values, ranks

KEPT = json.loads(FILE.read_text())


def test_the_file_has_every_cell() -> None:
    assert {name: (cell.formula, cell.engine) for name, cell in CELLS.items()} == {
        name: (one["formula"], one["engine"]) for name, one in KEPT.items()
    }


def test_no_rank_departs_from_uniform_ones() -> None:
    """Of so many p-values the smallest is below one in a thousand over their number once in a thousand grids."""
    p = {(name, key): values[0] for name, one in KEPT.items() for key, values in one["quantities"].items()}
    assert len(p) > 350
    assert min(p.values()) > 0.001 / len(p), min(p, key=lambda key: p[key])
    # and they are uniform themselves: many are of the same draws, so that their mean is known to a tenth at least
    assert np.mean(list(p.values())) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("power", "finds"), [(1.0, False), (0.6, True), (1.6, True)])
def test_ranks_that_are_not_uniform_are_found(power: float, finds: bool) -> None:
    shares = np.random.default_rng(0).uniform(size=(200, 1)) ** power
    found = xr.DataArray((shares * (RANKED + 1)).astype(int), {"quantity": ["q"]}, ("simulation", "quantity"))
    assert (p_values(found)["q"] < 0.001) == finds


@pytest.mark.slow
@pytest.mark.parametrize("name", ["3 groups", "sd far above sigma, joint", "weights", "events, 98 % zeros"])
def test_a_short_grid(name: Any) -> None:
    p = p_values(ranks(CELLS[name], count=40, seed=7))
    assert min(p.values()) > 0.001 / len(p), p
