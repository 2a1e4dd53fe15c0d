"""Replicated and observed data of a table of frequencies, a trial a row."""

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.model.design import Design

MOST_NUMBERS = 20_000_000


def by_trial(design: Design, replicates: xr.DataTree) -> xr.DataTree:
    """The outcomes of all trials, 0 or 1, instead of a table's sums, in some of the draws where trials are many.

    Parameters
    ----------
    design : Design
        Of a table of frequencies.
    replicates : xarray.DataTree
        `posterior_predictive` (chain, draw, __obs__) and `observed_data` (__obs__,), events in each row's trials.
    """
    name = design.outcome_name
    drawn = replicates["posterior_predictive"].to_dataset()[name]
    step = int(np.ceil(drawn.sizes["chain"] * drawn.sizes["draw"] * design.trials.sum() / MOST_NUMBERS))
    groups = {
        "posterior_predictive": _spread(design, drawn.isel(draw=slice(None, None, step))),
        "observed_data": _spread(design, replicates["observed_data"].to_dataset()[name]),
    }
    return xr.DataTree.from_dict({group: values.to_dataset(name=name) for group, values in groups.items()})


def _spread(design: Design, events: xr.DataArray) -> xr.DataArray:
    """(..., __obs__), for each trial of each row whether it is one of the row's events, those being its first."""
    n = design.trials.astype(np.intp)
    row = np.repeat(np.arange(len(n)), n)
    place = np.arange(len(row)) - np.repeat(np.cumsum(n) - n, n)
    values: Array = (place < events.values[..., row]).astype(np.int8)
    return xr.DataArray(values, coords={dim: events[dim] for dim in events.dims[:-1]}, dims=events.dims)
