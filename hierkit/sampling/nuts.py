"""A log posterior of real vectors -> draws, by nutpie's NUTS."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import nutpie
import xarray as xr
from nutpie.compiled_pyfunc import from_pyfunc

from hierkit.model.terms import Array
from hierkit.sampling.settings import Settings

FAST_KERNEL = 100e-6  # seconds; below, threads fight over Python's lock for longer than they compute

LogPosterior = Callable[[Array], tuple[float, Array]]


def run_nuts(log_posterior: LogPosterior, start: Array, spread: Array, settings: Settings) -> tuple[Array, xr.Dataset]:
    """Sample a log posterior.

    Parameters
    ----------
    log_posterior : callable
        From (parameter,) to the value and the gradient (parameter,).
    start, spread : ndarray
        (parameter,), chains start within `spread` of `start`.
    settings : Settings
        How to sample.

    Returns
    -------
    x : ndarray
        (chain, draw, parameter).
    statistics : xarray.Dataset
        (chain, draw), under nutpie's names.
    """
    results = nutpie.sample(
        _as_nutpie(log_posterior, start, spread),
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=_threads(log_posterior, start, settings),
        seed=settings.random_seed,
        target_accept=settings.target_accept,
        save_warmup=False,
        progress_bar=settings.progressbar,
    )
    return results["posterior"]["x"].values, results["sample_stats"].to_dataset()


def _as_nutpie(log_posterior: LogPosterior, start: Array, spread: Array) -> Any:
    def initial_point(seed: int) -> Array:
        return start + spread * np.random.default_rng(seed).uniform(-1, 1, len(start))

    return from_pyfunc(
        len(start),
        lambda: log_posterior,
        lambda *_: lambda x: {"x": x},
        [np.dtype("float64")],
        [(len(start),)],
        ["x"],
        make_initial_point_fn=initial_point,
    )


def _threads(log_posterior: LogPosterior, start: Array, settings: Settings) -> int | None:
    """One thread for a kernel that is faster than Python's lock is passed on."""
    log_posterior(start)
    begin = time.perf_counter()
    for _ in range(10):
        log_posterior(start)
    return 1 if (time.perf_counter() - begin) / 10 < FAST_KERNEL else settings.cores
