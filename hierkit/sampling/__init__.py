"""Draw from a posterior: one engine a folder, the same draws out of each.

Draws are a DataTree with the groups posterior, sample_stats, observed_data and constant_data. Its attributes say which
engine made them and why, with which settings and versions.
"""

import math
import time
from dataclasses import replace
from importlib.metadata import version

import xarray as xr

from hierkit.errors import refusal, warn
from hierkit.memory import MOST_BYTES
from hierkit.model.design import Design
from hierkit.model.names import EFFECTS_SEED
from hierkit.model.priors import EffectsDistribution, Priors, held_at_zero
from hierkit.model.run import Run
from hierkit.sampling.console import explaining_a_wait
from hierkit.sampling.engines import ENGINES, Choice
from hierkit.sampling.settings import Settings

STATISTICS = 10  # of NUTS, of each draw
FEW_GROUPS = 10
STEADY_TARGET = 0.9
COMPILING = "Compiling the sampler, once on this machine: up to half a minute."
VERSIONS = ("hierkit", "bambi", "pymc", "nutpie", "numba", "arviz", "numpy")


def default_tune(choice: Choice, design: Design, priors: Priors) -> int:
    """Tuning draws per chain where the user gives none.

    Those of the engine; twice PyMC's where the user's own priors of a factor hold at a zero beside the rows: the
    posterior is narrow there, and NUTS takes longer to adapt to it.
    """
    if any(held_at_zero(factor, priors) for factor in design.factors):
        return 2 * Settings.tune
    return ENGINES[choice.engine].tune


def default_target_accept(design: Design) -> float:
    """NUTS's target acceptance where the user gives none: 0.9 where a factor has fewer than ten groups, else 0.8."""
    few = any(len(factor.levels) < FEW_GROUPS for factor in design.factors)
    return STEADY_TARGET if few else Settings.target_accept


def sample(
    design: Design, priors: Priors, effects: EffectsDistribution, choice: Choice, settings: Settings
) -> xr.DataTree:
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
        For draws that memory cannot hold, and for a sampler that is not installed.
    KeyboardInterrupt
        After Ctrl-C.

    Warns
    -----
    HierkitWarning
        Before sampling, if only some of the draws will be kept.
    """
    settings = _within_memory(design, priors, choice, effects, settings)
    start = time.perf_counter()
    draws = _run(design, priors, effects, choice, settings)
    retry = ""
    if count := int(draws["sample_stats"]["diverging"].sum()):
        careful = replace(settings, target_accept=settings.careful_target_accept)
        retry = (
            f"{count} divergences at target acceptance {settings.target_accept:g}: sampled again at "
            f"{careful.target_accept:g}"
        )
        settings = careful
        draws = _run(design, priors, effects, choice, settings)
    run = Run(
        engine=choice.engine,
        engine_reason=choice.reason,
        effects=effects,
        random_seed=settings.random_seed,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        target_accept=settings.target_accept,
        nuts_sampler=settings.nuts_sampler,
        thin=settings.thin,
        retry=retry,
        sampling_seconds=round(time.perf_counter() - start, 2),
        versions={package: version(package) for package in VERSIONS},
    )
    draws.attrs = run.to_attrs()
    if not settings.keep_effects:
        draws["posterior"].attrs[EFFECTS_SEED] = settings.random_seed
    return draws


def _within_memory(
    design: Design, priors: Priors, choice: Choice, effects: EffectsDistribution, settings: Settings
) -> Settings:
    """The same settings, where more effects would be drawn than memory holds: none are kept, or fewer draws."""
    count = sum(factor.Z.shape[1] * len(factor.levels) for factor in design.factors)
    bytes_per_effect = 8 * settings.chains * settings.draws
    known = bytes_per_effect * (len(priors) + STATISTICS)
    if known > MOST_BYTES:
        raise refusal(
            f"{settings.draws:,} draws of {settings.chains:,} chains of {len(priors):,} parameters would take "
            f"{known / 1e9:,.1f} GB",
            f"The limit is {MOST_BYTES / 1e9:g} GB",
            f"Pass draws={max(1, int(settings.draws * MOST_BYTES / known))} or fewer",
        )
    needed = count * bytes_per_effect
    if needed <= MOST_BYTES:
        return settings
    engine = ENGINES[choice.engine]
    if engine.draws_when_read and effects == "normal":
        return replace(settings, keep_effects=False)
    size = f"The draws of {count:,} group effects would take {needed / 1e9:.1f} GB"
    scales = sum(len(factor.levels) for factor in design.factors) if engine.is_compiled and effects != "normal" else 0
    sampled = needed + (scales - engine.drawn_afterwards(design)) * bytes_per_effect
    if sampled > MOST_BYTES:
        fewer = int(settings.draws * MOST_BYTES / sampled)
        raise refusal(size, f"The limit is {MOST_BYTES / 1e9:g} GB", f"Pass draws={fewer} or fewer")
    thin = math.ceil(needed / MOST_BYTES)
    kept = len(range(0, settings.draws, thin))
    warn(f"{size}: one draw in {thin} is kept, {kept:,} of each chain. Pass draws={kept} to sample no more than that.")
    return replace(settings, thin=thin)


def _run(
    design: Design, priors: Priors, effects: EffectsDistribution, choice: Choice, settings: Settings
) -> xr.DataTree:
    engine = ENGINES[choice.engine]
    with explaining_a_wait(COMPILING, settings.progressbar and engine.is_compiled):
        sampler = engine.load()
    return sampler(design, priors, effects, settings)
