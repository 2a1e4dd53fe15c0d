"""A compiled log posterior -> draws, by nutpie's NUTS.

nutpie calls it without Python, as it does a PyMC model's. Through `nutpie.compiled_pyfunc`, the documented way, each
call would take Python's lock: 15 microseconds where a gradient takes 3, and one chain at a time.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import nutpie
import xarray as xr
from nutpie.compile_pymc import CompiledPyMCModel

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.sampling.console import progress
from hierkit.sampling.kernels.densities import keep_point
from hierkit.sampling.settings import Settings


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
    with progress(engine, settings) as update, refusing_what_nuts_raises():
        results = nutpie.sample(
            _as_nutpie(log_posterior, data, start, spread),
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            seed=settings.random_seed,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=False,
            progress_callback=update,
        )
    kept = slice(None, None, settings.thin)
    return results["posterior"]["x"].values[:, kept], results["sample_stats"].to_dataset().isel(draw=kept)


@contextlib.contextmanager
def refusing_what_nuts_raises() -> Iterator[None]:
    """Turn a sampler's error into a refusal: chains that find no finite density have data or priors as their cause."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise refusal(
            f"The sampler stopped: {str(error).strip().splitlines()[0]}",
            "The posterior density must be finite where chains start",
            "Look for extreme values in the outcome and the predictors, and check the priors",
        ) from error


def _as_nutpie(log_posterior: Any, data: Array, start: Array, spread: Array) -> CompiledPyMCModel:
    def initial_point(seed: int) -> Array:
        return start + spread * np.random.default_rng(seed).uniform(-1, 1, len(start))

    return CompiledPyMCModel(
        dims={},
        compiled_logp_func=log_posterior,
        compiled_expand_func=keep_point,
        initial_point_func=initial_point,
        shared_data={},
        shared_var_keys={},
        user_data=data,
        n_expanded=len(start),
        shape_info=(["x"], [slice(0, len(start))], [(len(start),)]),
        logp_func=None,
        expand_func=None,
        _n_dim=len(start),
        _shapes={"x": (len(start),)},
        _coords={},
    )
