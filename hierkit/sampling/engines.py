"""Which models the fast engines are for; loads none of them."""

from hierkit.model.design import Design
from hierkit.model.distributions import CORRELATION
from hierkit.model.names import Kind, kind_of
from hierkit.model.priors import Priors

FAST_ENGINES = ("marginal", "joint")
MOST_IN_HEAD, FREE_IN_HEAD = 60, 8  # coefficients and such effects: a gradient solves a system of this size
MOST_WORK = 500_000  # effects of the largest factor times the square of that: beyond, rows are quicker
INTEGRATED_PRIORS = frozenset({"Normal", "Flat"})
COEFFICIENT_PRIORS = frozenset({"Normal", "StudentT", "Cauchy", "Laplace", "Flat"})
SD_PRIORS = frozenset(
    {"HalfNormal", "HalfStudentT", "HalfCauchy", "Exponential", "Gamma", "InverseGamma", "LogNormal", "Uniform"}
)


def reason_against(
    engine: str, design: Design, priors: Priors, effects: str, nuts_sampler: str | None = None
) -> str | None:
    """Why a model is not for a fast engine, in a few words; None if it is.

    Parameters
    ----------
    engine : {"marginal", "joint"}
        "marginal" is for Gaussian outcomes and one grouping factor, "joint" for all.
    design, priors, effects
        The model.
    nuts_sampler : str, optional
        A sampler named by the user runs PyMC's model.
    """
    if engine == "marginal" and not design.family.has_residual:
        return f"{design.outcome.distribution.capitalize()} outcome"
    sizes = sorted(len(factor.levels) * len(factor.effects) for factor in design.factors)
    if engine == "marginal" and (reason := _reason_against_integration(design, priors, sizes)):
        return reason
    if effects != "normal":
        return "Student-t effects"
    if nuts_sampler is not None:
        return f"nuts_sampler {nuts_sampler}"
    unsupported = _unsupported_priors(priors)
    return unsupported[0] if unsupported else None


def _reason_against_integration(design: Design, priors: Priors, sizes: list[int]) -> str | None:
    """Why coefficients and effects are better sampled than integrated out together."""
    for column in design.columns:
        if priors[column.label].name not in INTEGRATED_PRIORS:
            return f"prior {priors[column.label].name} on {column.label}"
    head = len(design.columns) + sum(sizes[:-1])
    last = sizes[-1] if sizes else 0
    if head > MOST_IN_HEAD or (head > FREE_IN_HEAD and last * head**2 > MOST_WORK):
        return f"{len(design.columns)} coefficients and {sum(sizes[:-1])} effects beside those of the largest factor"
    return None


def spoken_factors(design: Design) -> str:
    """How many grouping factors a design has, in words."""
    count = len(design.factors)
    return {0: "no grouping factor", 1: "one grouping factor"}.get(count, f"{count} grouping factors")


def _unsupported_priors(priors: Priors) -> list[str]:
    known = {Kind.COEFFICIENT: COEFFICIENT_PRIORS, Kind.CORRELATION: CORRELATION}
    return [
        f"prior {prior.name} on {name}"
        for name, prior in priors.items()
        if prior.name not in known.get(kind_of(name), SD_PRIORS)
    ]
