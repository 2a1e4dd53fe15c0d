"""The engines in order of speed, and which models each is for. Loads none of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import xarray as xr

from hierkit.errors import check_word, refusal
from hierkit.model.design import Design
from hierkit.model.names import Kind, kind_of
from hierkit.model.priors import EffectsDistribution, Priors
from hierkit.model.run import EngineName, NutsSampler
from hierkit.sampling.kernels import codes
from hierkit.sampling.settings import Settings

Sampler = Callable[[Design, Priors, EffectsDistribution, Settings], xr.DataTree]
MOST_IN_HEAD = 60  # coefficients and effects of the smaller factors: a gradient solves a system of this size
FREE_IN_HEAD = 8  # so many cost nothing to speak of
MOST_WORK = 500_000  # effects of the largest factor times the square of that: beyond, rows are quicker
INTEGRATED_PRIORS = frozenset({"Normal", "Flat"})
FAST_TUNE = 500


@dataclass(frozen=True)
class Model:
    """What engines are chosen by."""

    design: Design
    priors: Priors
    nuts_sampler: str | None = None


@dataclass(frozen=True)
class Engine:
    """One way to draw from a posterior.

    Attributes
    ----------
    name : str
        As passed to `fit`.
    tune : int
        Tuning draws per chain where the user gives none.
    is_compiled : bool
        Whether its kernels are compiled when they are first used on a machine.
    reason_against : callable
        Model -> why the model is not for it, in a few words; None if it is.
    load : callable
        Imports the engine, which takes seconds, and returns what samples.
    drawn_afterwards : callable
        Design -> how many effects are integrated out while sampling, and drawn afterwards.
    draws_when_read : bool
        Whether normal effects of the largest factor need not be kept.
    """

    name: EngineName
    tune: int
    is_compiled: bool
    reason_against: Callable[[Model], str | None]
    load: Callable[[], Sampler]
    drawn_afterwards: Callable[[Design], int]
    draws_when_read: bool


@dataclass(frozen=True)
class Choice:
    """The engine that samples a model, and the reason."""

    engine: EngineName
    reason: str


def choose(
    engine: EngineName,
    design: Design,
    priors: Priors,
    nuts_sampler: NutsSampler | None = None,
) -> Choice:
    """The engine for a model: the one asked for, or the first of the table that the model is for.

    Parameters
    ----------
    engine : {"auto", "marginal", "joint", "pymc"}
        What was asked for.
    design, priors
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
    check_word("engine", engine, get_args(EngineName))
    model = Model(design, priors, nuts_sampler)
    reasons = {name: one.reason_against(model) for name, one in ENGINES.items()}
    if engine in reasons:
        if reasons[engine] is None:
            return Choice(engine, "asked for")
        raise refusal(
            f"engine={engine!r} does not fit the model: {reasons[engine]}",
            "docs/engines.md lists the models that each engine is for",
            'Pass engine="auto" for the fastest that fits',
        )
    fitting = next((one for one in ENGINES.values() if reasons[one.name] is None), None)
    if fitting is None:
        raise refusal(
            f"Of {design.rows.used:,} rows only sums are kept, and {reasons['joint']} needs PyMC's model of each row",
            "Other models are sampled from sums",
            "Choose normal or Student-t priors for coefficients, or fit a sample of the groups",
        )
    faster = [reason for name, reason in reasons.items() if reason is not None]
    what = f"{design.outcome.distribution.capitalize()} outcome, {_factors_in_words(design)}"
    return Choice(fitting.name, what if fitting.is_compiled else faster[-1])


def _factors_in_words(design: Design) -> str:
    """How many grouping factors a design has."""
    count = len(design.factors)
    return {0: "no grouping factor", 1: "one grouping factor"}.get(count, f"{count} grouping factors")


def _against_marginal(model: Model) -> str | None:
    design = model.design
    if not design.family.has_residual:
        return f"{design.outcome.distribution.capitalize()} outcome"
    if not design.factors and not design.outcome.has_sigma:
        return "no sd to estimate"
    for column in design.columns:
        prior = model.priors[column.label]
        if prior.name not in INTEGRATED_PRIORS:
            return f"prior {prior.name} on {column.label}"
    sizes = _sizes(design)
    head = len(design.columns) + sum(sizes[:-1])
    last = sizes[-1] if sizes else 0
    if head > MOST_IN_HEAD or (head > FREE_IN_HEAD and last * head**2 > MOST_WORK):
        return f"{len(design.columns)} coefficients and {sum(sizes[:-1])} effects beside those of the largest factor"
    return _against_kernels(model)


def _against_kernels(model: Model) -> str | None:
    """Why compiled kernels do not know a model."""
    if model.nuts_sampler is not None:
        return f"nuts_sampler {model.nuts_sampler}"
    for name, prior in model.priors.items():
        if prior.name not in codes.PRIORS:
            return f"prior {prior.name} on {name}"
        if kind_of(name) is Kind.COEFFICIENT and prior.support != "real":
            return f"prior {prior.name} on {name}"
    return None


def _against_pymc(model: Model) -> str | None:
    return None if model.design.points is None else "only sums of the rows are kept"


def _sizes(design: Design) -> list[int]:
    """How many effects each factor has, the largest factor last."""
    return sorted(len(factor.levels) * len(factor.effects) for factor in design.factors)


def _all_effects(design: Design) -> int:
    return sum(_sizes(design))


def _effects_of_the_largest_factor(design: Design) -> int:
    sizes = _sizes(design)
    return sizes[-1] if sizes and design.family.has_residual else 0


def _no_effects(design: Design) -> int:
    return 0


def _load_marginal() -> Sampler:
    from hierkit.sampling.marginal.engine import sample_marginal

    return sample_marginal


def _load_joint() -> Sampler:
    from hierkit.sampling.joint.engine import sample_joint

    return sample_joint


def _load_pymc() -> Sampler:
    from hierkit.sampling.pymc.engine import sample_pymc

    return sample_pymc


ENGINES: dict[EngineName, Engine] = {
    engine.name: engine
    for engine in (
        Engine("marginal", FAST_TUNE, True, _against_marginal, _load_marginal, _all_effects, True),
        Engine("joint", FAST_TUNE, True, _against_kernels, _load_joint, _effects_of_the_largest_factor, False),
        Engine("pymc", Settings.tune, False, _against_pymc, _load_pymc, _no_effects, False),
    )
}
