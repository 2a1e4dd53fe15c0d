"""The engine for every model: Bambi's PyMC model, sampled by nutpie or one of PyMC's other implementations of NUTS."""

import contextlib
import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import xarray as xr

from hierkit.errors import refusal
from hierkit.model import bambi_model
from hierkit.model.design import Design
from hierkit.model.parametrisation import factors_to_centre
from hierkit.model.priors import Priors
from hierkit.sampling.settings import Settings

GROUPS = ("posterior", "sample_stats", "observed_data", "constant_data")
STATISTICS = {
    "maxdepth_reached": "reached_max_treedepth",
    "depth": "tree_depth",
    "mean_tree_accept": "acceptance_rate",
    "logp": "lp",
}
KEPT = ("diverging", "reached_max_treedepth", "tree_depth", "energy", "acceptance_rate", "step_size", "n_steps", "lp")


def sample_pymc(design: Design, priors: Priors, effects: str, settings: Settings) -> xr.DataTree:
    """Draws from the Bambi model of a design.

    Effects of factors whose groups know more than the prior are sampled centred. Where that holds for all factors,
    nutpie also learns the correlations of the posterior (its low-rank adaptation), which centred effects have and
    non-centred ones do not.

    Parameters
    ----------
    design, priors, effects
        The model.
    settings : Settings
        How to sample.

    Returns
    -------
    xarray.DataTree
        posterior, sample_stats (under ArviZ's names), observed_data, constant_data.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, with nothing left running; partial draws are thrown away.
    """
    centred = factors_to_centre(design)
    model = bambi_model.build(design, priors, effects, centred)
    nuts: dict[str, Any] = {"target_accept": settings.target_accept}
    if settings.nuts_sampler == "nutpie" and all(factor.label in centred for factor in design.factors):
        nuts["adaptation"] = "low_rank"
    with _quiet(), _stopping_on_interrupt():
        try:
            results = model.fit(
                draws=settings.draws,
                tune=settings.tune,
                chains=settings.chains,
                cores=settings.cores,
                random_seed=settings.random_seed,
                inference_method=settings.nuts_sampler,
                progressbar=settings.progressbar,
                nuts=nuts,
            )
        except ImportError as error:
            raise refusal(
                f"nuts_sampler={settings.nuts_sampler!r} is not installed ({error})",
                "nutpie and pymc are always there",
                'Install hierkit[jax] for "numpyro" and "blackjax"',
            ) from error
    return _draws(results, design)


def _draws(results: xr.DataTree, design: Design) -> xr.DataTree:
    """Bambi's results with the groups' own labels and ArviZ's names of statistics."""
    posterior = results["posterior"].to_dataset()
    labels = {f"{factor.name}__factor_dim": factor.levels for factor in design.factors}
    posterior = posterior.assign_coords({dim: levels for dim, levels in labels.items() if dim in posterior.dims})
    statistics = results["sample_stats"].to_dataset()
    statistics = statistics.rename({old: new for old, new in STATISTICS.items() if old in statistics})
    statistics = statistics[[name for name in KEPT if name in statistics]]
    outcome = design.outcome
    observed = xr.Dataset({outcome.label: ("__obs__", outcome.y)}, coords={"__obs__": design.rows.positions})
    constant = {} if outcome.trials is None else {"trials": ("__obs__", outcome.trials)}
    groups = {
        "posterior": posterior,
        "sample_stats": statistics,
        "observed_data": observed,
        "constant_data": xr.Dataset(constant, coords={"__obs__": design.rows.positions}),
    }
    for dataset in groups.values():
        dataset.attrs = {}
    return xr.DataTree.from_dict(groups)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the libraries' log lines; what matters of them is a finding."""
    loggers = [logging.getLogger(name) for name in ("pymc", "bambi")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(pymc|pytensor|nutpie|bambi|arviz).*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _stopping_on_interrupt() -> Iterator[None]:
    """Make Ctrl-C end in KeyboardInterrupt: the samplers catch it and return the draws so far as if they were all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = threading.Event()

    def note(signum: int, frame: Any) -> None:
        pressed.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    message = "Sampling was interrupted. No draws were kept."
    try:
        yield
    except BaseException:
        if pressed.is_set():
            raise KeyboardInterrupt(message) from None
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)
    if pressed.is_set():
        raise KeyboardInterrupt(message)
