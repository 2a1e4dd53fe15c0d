"""Draw from a posterior: one engine a file, the same draws out of each.

Draws are a DataTree with the groups posterior, sample_stats, observed_data and constant_data. Its attributes say which
engine made them and why, with which settings and versions.
"""

import math
import time
from dataclasses import dataclass, replace
from importlib.metadata import version

import xarray as xr

from hierkit.errors import check_word, refusal, warn
from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.sampling.console import explaining_a_wait
from hierkit.sampling.engines import FAST_ENGINES, reason_against, spoken_factors
from hierkit.sampling.settings import Settings

ENGINES = ("auto", "marginal", "joint", "pymc")
MOST_BYTES = 2e9
FEW_GROUPS, STEADY_TARGET = 10, 0.9
FAST_TUNE = 500
COMPILING = "Compiling the sampler, once on this machine: up to a minute."
VERSIONS = ("hierkit", "bambi", "pymc", "nutpie", "numba", "arviz", "numpy")


@dataclass(frozen=True)
class Choice:
    """The engine that samples a model, and the reason."""

    engine: str
    reason: str


def choose(engine: str, design: Design, priors: Priors, effects: str, nuts_sampler: str | None = None) -> Choice:
    """The engine for a model: the one asked for, or the fastest that fits.

    Parameters
    ----------
    engine : {"auto", "marginal", "joint", "pymc"}
        What was asked for.
    design, priors, effects
        The model.
    nuts_sampler : str, optional
        If named, PyMC's model is what it samples.

    Returns
    -------
    Choice

    Raises
    ------
    HierkitError
        For an engine that does not exist, or that the model is not for.
    """
    check_word("engine", engine, ENGINES)
    if engine == "pymc":
        return Choice("pymc", "asked for")
    against = {name: reason_against(name, design, priors, effects, nuts_sampler) for name in FAST_ENGINES}
    if engine in against:
        if against[engine] is None:
            return Choice(engine, "asked for")
        raise refusal(
            f"engine={engine!r} does not fit the model: {against[engine]}",
            "docs/engines.md lists the models that each engine is for",
            'Pass engine="auto" for the fastest that fits',
        )
    for name, reason in against.items():
        if reason is None:
            return Choice(name, f"{design.outcome.distribution.capitalize()} outcome, {spoken_factors(design)}")
    return Choice("pymc", str(against["joint"]))


def default_tune(choice: Choice) -> int:
    """Tuning draws where the user gives none: half of PyMC's where a pilot has chosen the coordinates already."""
    return FAST_TUNE if choice.engine in FAST_ENGINES else Settings.tune


def default_target_accept(design: Design) -> float:
    """NUTS's target acceptance where the user gives none: 0.9 where a factor has fewer than ten groups, else 0.8."""
    few = any(len(factor.levels) < FEW_GROUPS for factor in design.factors)
    return STEADY_TARGET if few else Settings.target_accept


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
        For draws of group effects that memory cannot hold, and for a sampler that is not installed.
    KeyboardInterrupt
        After Ctrl-C.

    Warns
    -----
    HierkitWarning
        Before sampling, if only some of the draws will be kept.
    """
    settings = _within_memory(design, choice, settings)
    start = time.perf_counter()
    draws, retry = _run(design, priors, effects, choice, settings), ""
    if count := int(draws["sample_stats"]["diverging"].sum()):
        careful = replace(settings, target_accept=settings.careful_target_accept)
        retry = f"{count} divergences at target acceptance {settings.target_accept:g}: sampled again at "
        retry += f"{careful.target_accept:g}"
        draws, settings = _run(design, priors, effects, choice, careful), careful
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
        "thin": settings.thin,
        "retry": retry,
        "sampling_seconds": round(time.perf_counter() - start, 2),
        "versions": {package: version(package) for package in VERSIONS},
    }
    return draws


def _within_memory(design: Design, choice: Choice, settings: Settings) -> Settings:
    """The same settings, thinned where more effects would be drawn afterwards than memory holds."""
    sizes = [factor.Z.shape[1] * len(factor.levels) for factor in design.factors]
    needed = 8 * sum(sizes) * settings.chains * settings.draws
    if needed <= MOST_BYTES:
        return settings
    size = f"The draws of {sum(sizes):,} group effects would take {needed / 1e9:.1f} GB"
    sampled = needed - 8 * _drawn_afterwards(design, choice, sizes) * settings.chains * settings.draws
    if sampled > MOST_BYTES:
        fewer = int(settings.draws * MOST_BYTES / sampled)
        raise refusal(size, f"They may take {MOST_BYTES / 1e9:g} GB", f"Pass draws={fewer} or fewer")
    thin = math.ceil(needed / MOST_BYTES)
    kept = len(range(0, settings.draws, thin))
    message = (
        f"{size}: one draw in {thin} is kept, {kept:,} of each chain. Pass draws={kept} to sample no more than that."
    )
    warn(message)
    return replace(settings, thin=thin)


def _drawn_afterwards(design: Design, choice: Choice, sizes: list[int]) -> int:
    """How many effects are integrated out while sampling."""
    if choice.engine == "marginal":
        return sum(sizes)
    gaussian = design.family.has_residual
    return max(sizes) if choice.engine == "joint" and gaussian else 0


def _run(design: Design, priors: Priors, effects: str, choice: Choice, settings: Settings) -> xr.DataTree:
    if choice.engine == "marginal":
        with explaining_a_wait(COMPILING, settings.progressbar):
            from hierkit.sampling.marginal.engine import sample_marginal  # numba and nutpie take a second to import

        return sample_marginal(design, priors, settings)
    if choice.engine == "joint":
        with explaining_a_wait(COMPILING, settings.progressbar):
            from hierkit.sampling.joint.engine import sample_joint

        return sample_joint(design, priors, settings)
    from hierkit.sampling.pymc.engine import sample_pymc  # Bambi and PyMC take seconds to import

    return sample_pymc(design, priors, effects, settings)
