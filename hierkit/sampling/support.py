"""Which models the fast engines are for; loads none of them."""

from hierkit.model.design import Design
from hierkit.model.priors import Priors

FAST_ENGINES = {"marginal": ("gaussian",), "joint": ("bernoulli", "binomial")}
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
        "marginal" is for Gaussian outcomes, "joint" for Bernoulli ones and counts; both for one grouping factor.
    design, priors, effects
        The model.
    nuts_sampler : str, optional
        A sampler named by the user runs PyMC's model.
    """
    if design.outcome.family not in FAST_ENGINES[engine]:
        return f"{design.outcome.family} outcome"
    if len(design.factors) != 1:
        return f"{len(design.factors)} grouping factors"
    if effects != "normal":
        return "Student-t effects"
    if nuts_sampler is not None:
        return f"nuts_sampler {nuts_sampler}"
    unsupported = _unsupported_priors(design, priors)
    return unsupported[0] if unsupported else None


def _unsupported_priors(design: Design, priors: Priors) -> list[str]:
    coefficients = {column.label for column in design.columns}
    return [
        f"prior {prior.name} on {name}"
        for name, prior in priors.items()
        if not name.startswith("cor(") and prior.name not in (COEFFICIENT_PRIORS if name in coefficients else SD_PRIORS)
    ]
