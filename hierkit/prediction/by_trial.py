"""Replicated and observed data of a table of frequencies, a trial a row."""

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.integration.new_groups import generator
from hierkit.model.design import Design

MOST_NUMBERS = 20_000_000


def by_trial(design: Design, replicates: xr.DataTree, random_seed: int) -> xr.DataTree:
    """The outcomes of all trials, 0 or 1, instead of a table's sums, in some of the draws where trials are many.

    Parameters
    ----------
    design : Design
        Of a table of frequencies.
    replicates : xarray.DataTree
        `posterior_predictive` (chain, draw, __obs__) and `observed_data` (__obs__,), events in each row's trials.
    random_seed : int
        For which of a row's trials are its events.

    Returns
    -------
    xarray.DataTree
        The same groups with the outcome alone, (chain, draw, __obs__) and (__obs__,), a trial for each place. Over
        draws every trial of a row is an event as often as the others.
    """
    name = design.outcome_name
    drawn = replicates["posterior_predictive"].to_dataset()[name]
    step = int(np.ceil(drawn.sizes["chain"] * drawn.sizes["draw"] * design.trials.sum() / MOST_NUMBERS))
    rng = generator(random_seed, "by trial")
    groups = {
        "posterior_predictive": _spread(design, drawn.isel(draw=slice(None, None, step)), rng),
        "observed_data": _spread(design, replicates["observed_data"].to_dataset()[name], rng),
    }
    return xr.DataTree.from_dict({group: values.to_dataset(name=name) for group, values in groups.items()})


def _spread(design: Design, events: xr.DataArray, rng: np.random.Generator) -> xr.DataArray:
    """(..., __obs__), for each trial whether it is one of its row's events, which begin at a place that is drawn."""
    n = design.trials.astype(np.intp)
    row = np.repeat(np.arange(len(n)), n)
    place = np.arange(len(row)) - np.repeat(np.cumsum(n) - n, n)
    first = rng.integers(0, np.maximum(n, 1), events.shape)
    values: Array = ((place - first[..., row]) % n[row] < events.values[..., row]).astype(np.int8)
    return xr.DataArray(values, coords={dim: events[dim] for dim in events.dims[:-1]}, dims=events.dims)
