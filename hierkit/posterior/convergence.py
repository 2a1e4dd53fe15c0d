"""Whether chains agree on a parameter, and how many independent draws its estimates are worth."""

import arviz_stats
import numpy as np
import xarray as xr

FEWEST_DRAWS = 4  # of each half of a chain there must be two


def convergence(draws: xr.DataArray) -> dict[str, xr.DataArray]:
    """R-hat and effective sample sizes of draws (chain, draw, ...), by ArviZ; nothing of very few draws.

    Returns
    -------
    dict of str to DataArray
        `r_hat`, missing with one chain, `ess_bulk` (of the mean) and `ess_tail` (of the interval), with the other dims
        (Vehtari et al. 2021).
    """
    if draws.sizes["draw"] < FEWEST_DRAWS or not draws.size:
        return {}
    found = {"ess_bulk": _ess(draws, "bulk"), "ess_tail": _ess(draws, "tail")}
    if draws.sizes["chain"] < 2:
        return found
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"r_hat": arviz_stats.rhat(draws), **found}


def _ess(draws: xr.DataArray, method: str) -> xr.DataArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: xr.DataArray = arviz_stats.ess(draws, method=method)
    return found
