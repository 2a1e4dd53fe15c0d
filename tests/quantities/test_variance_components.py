"""Sds and correlations of group effects."""

from typing import Any

from synthetic import design_of, synthetic_draws

from hierkit.posterior.posterior import Posterior
from hierkit.quantities.variance_components import variance_components


def test_variance_components_name_what_the_model_has(data: Any) -> None:
    design = design_of("y ~ x + (x | g) + (1 | s) + (0 + h | s)", data)
    components = variance_components(Posterior(synthetic_draws(design), design)).table().component.tolist()
    assert components == [
        "sd(Intercept|g)",
        "sd(x|g)",
        "cor(Intercept, x|g)",
        "sd(Intercept|s)",
        "sd(h[low]|s)",
        "sd(h[mid]|s)",
        "sd(h[top]|s)",
        "cor(h[low], h[mid]|s)",
        "cor(h[low], h[top]|s)",
        "cor(h[mid], h[top]|s)",
        "sigma",
    ]


def test_variance_components_without_factors(data: Any) -> None:
    bernoulli = design_of("flag ~ x", data, "bernoulli")
    assert variance_components(Posterior(synthetic_draws(bernoulli), bernoulli)).draws.sizes["component"] == 0
