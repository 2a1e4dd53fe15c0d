"""Draw from a posterior: one engine a file, the same draws out of each.

Draws are a DataTree with the groups posterior, sample_stats, observed_data and constant_data. Its attributes say which
engine made them and why, with which settings and versions.
"""

import time
from dataclasses import dataclass, replace
from importlib.metadata import version

import xarray as xr

from hierkit.errors import refusal
from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.sampling.settings import Settings

ENGINES = ("auto", "pymc")
VERSIONS = ("hierkit", "bambi", "pymc", "nutpie", "arviz", "numpy")


@dataclass(frozen=True)
class Choice:
    """The engine that samples a model, and the reason."""

    engine: str
    reason: str


def choose(engine: str) -> Choice:
    """The engine to use for what the user asked.

    Raises
    ------
    HierkitError
        For an engine that does not exist.
    """
    if engine not in ENGINES:
        raise refusal(f"engine={engine!r}", f"engine is one of {', '.join(map(repr, ENGINES))}", "Choose one")
    return Choice("pymc", "asked for" if engine == "pymc" else "the engine for every model")


def sample(design: Design, priors: Priors, effects: str, choice: Choice, settings: Settings) -> xr.DataTree:
    """Draws from the posterior; once more with smaller steps where the first run met divergences.

    Parameters
    ----------
    design, priors, effects
        The model.
    choice : Choice
        From `choose`.
    settings : Settings
        How long and how to sample.

    Returns
    -------
    xarray.DataTree
        posterior (chain, draw, ...), sample_stats (chain, draw), observed_data and constant_data (__obs__).

    Raises
    ------
    HierkitError
        For a sampler that is not installed.
    KeyboardInterrupt
        After Ctrl-C.
    """
    from hierkit.sampling.pymc import sample_pymc  # Bambi and PyMC take seconds to import

    start = time.perf_counter()
    draws, retry = sample_pymc(design, priors, effects, settings), ""
    if count := int(draws["sample_stats"]["diverging"].sum()):
        careful = replace(settings, target_accept=settings.careful_target_accept)
        retry = f"{count} divergences at target acceptance {settings.target_accept:g}: sampled again at "
        retry += f"{careful.target_accept:g}"
        draws, settings = sample_pymc(design, priors, effects, careful), careful
    draws.attrs = {
        "engine": choice.engine,
        "engine_reason": choice.reason,
        "effects": effects,
        "random_seed": settings.random_seed,
        "draws": settings.draws,
        "tune": settings.tune,
        "chains": settings.chains,
        "target_accept": settings.target_accept,
        "nuts_sampler": settings.nuts_sampler,
        "retry": retry,
        "sampling_seconds": round(time.perf_counter() - start, 2),
        "versions": {package: version(package) for package in VERSIONS},
    }
    return draws
