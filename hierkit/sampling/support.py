"""Which models the fast engines are for; loads none of them."""

from hierkit.model.design import Design
from hierkit.model.priors import Priors

COEFFICIENT_PRIORS = frozenset({"Normal", "StudentT", "Cauchy", "Laplace", "Flat"})
SD_PRIORS = frozenset(
    {"HalfNormal", "HalfStudentT", "HalfCauchy", "Exponential", "Gamma", "InverseGamma", "LogNormal", "Uniform"}
)


def reason_against(design: Design) -> str | None:
    """Why a model is not for this engine; None if it is."""
    if design.outcome.family != "gaussian":
        return f"{design.outcome.family} outcome"
    if len(design.factors) != 1:
        return f"{len(design.factors)} grouping factors"
    return None


def unsupported_priors(design: Design, priors: Priors) -> list[str]:
    """The parameters whose prior no kernel has, as `prior Gumbel on wait`."""
    coefficients = {column.label for column in design.columns}
    return [
        f"prior {prior.name} on {name}"
        for name, prior in priors.items()
        if not name.startswith("cor(") and prior.name not in (COEFFICIENT_PRIORS if name in coefficients else SD_PRIORS)
    ]
