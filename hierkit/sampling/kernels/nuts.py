"""A compiled log posterior -> draws, by nutpie's NUTS."""

from typing import Any

import numpy as np
import nutpie
import pyarrow
import xarray as xr
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.sampling.console import progress, stop_if_interrupted
from hierkit.sampling.kernels.nutpie_model import as_nutpie
from hierkit.sampling.settings import Settings
from hierkit.sampling.stopping import refusing_what_nuts_raises

STATISTICS = ("diverging", "maxdepth_reached", "depth", "energy", "mean_tree_accept", "step_size", "n_steps", "logp")


def run_nuts(
    engine: str, log_posterior: Any, data: Array, start: Array, spread: Array, settings: Settings
) -> tuple[Array, xr.Dataset]:
    """Sample a log posterior.

    Parameters
    ----------
    engine : str
        For the line of progress.
    log_posterior : compiled function
        From `hierkit.sampling.kernels.densities.callback`.
    data : ndarray
        What it reads, from `hierkit.sampling.kernels.packing.pack`.
    start, spread : ndarray
        (parameter,), chains start within `spread` of `start`.
    settings : Settings
        How to sample.

    Returns
    -------
    x : ndarray
        (chain, draw, parameter), the draws that are kept.
    statistics : xarray.Dataset
        (chain, draw), under nutpie's names.
    """

    def initial_point(seed: int) -> Array:
        return start + spread * np.random.default_rng(seed).uniform(-1, 1, len(start))

    with progress(engine, settings) as update, refusing_what_nuts_raises():
        trace = nutpie.sample(
            as_nutpie(log_posterior, data, len(start), initial_point),
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            seed=settings.random_seed,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=False,
            progress_callback=update,
            return_raw_trace=True,
        )
    stop_if_interrupted()
    return _read(trace, len(start), slice(None, None, settings.thin))


def _read(trace: Any, size: int, kept: slice) -> tuple[Array, xr.Dataset]:
    """Draws and statistics of nutpie's raw trace, which its own conversion would import all of ArviZ for."""
    draws, statistics = trace.get_arrow_trace()
    rows = [np.flatnonzero(~_numbers(own, "tuning"))[kept] for own in statistics]
    x = [_numbers(own, "x").reshape(-1, size)[chain] for own, chain in zip(draws, rows, strict=True)]
    found = {
        name: (("chain", "draw"), [_numbers(own, name)[chain] for own, chain in zip(statistics, rows, strict=True)])
        for name in STATISTICS
    }
    return np.stack(x), xr.Dataset(found)


def _numbers(batch: Any, name: str) -> NDArray[Any]:
    """The column of an Arrow batch, its lists one after the other."""
    column = pyarrow.array(batch.column(name))
    values = column.flatten() if pyarrow.types.is_large_list(column.type) else column
    return np.asarray(values.to_numpy(zero_copy_only=False))
