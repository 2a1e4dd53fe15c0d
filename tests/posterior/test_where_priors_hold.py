"""Parameters where their priors hold."""

from typing import Any

import numpy as np
import pytest
from synthetic import design_of, synthetic_draws

from hierkit.model.priors import make_priors
from hierkit.posterior.effects import read_effects
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.where_priors_hold import covariance_of_priors


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_the_covariance_at_the_centre(data: Any, shift: Any) -> None:
    """T^-1 G T^-T, written out."""
    design = design_of("y ~ x + (x + h | g)", data.assign(x=data.x + shift))
    posterior, factor = synthetic_draws(design), design.factors[0]
    inverse = np.linalg.inv(factor.T)
    expected = inverse @ read_effects(posterior, factor).cov.values @ inverse.T
    found = covariance_of_priors(Posterior(posterior, design), factor, make_priors(design))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_far_zero_leaves_variances(data: Any) -> None:
    """An effect that is nothing at the centre: what rounding leaves of its variance is not negative."""
    design = design_of("y ~ x + (x | g)", data.assign(x=data.x + 1e5))
    posterior, factor = synthetic_draws(design), design.factors[0]
    slope = np.linspace(0.1, 3, posterior["x|g_sigma"].size).reshape(posterior["x|g_sigma"].shape)
    posterior["x|g_sigma"] = posterior["x|g_sigma"].copy(data=slope)
    posterior["1|g_sigma"] = posterior["1|g_sigma"].copy(data=slope * -factor.T[0, 1])
    posterior["g_corr"] = posterior["g_corr"].copy(data=np.broadcast_to([[1, -1], [-1, 1]], posterior["g_corr"].shape))
    variances = np.diagonal(
        covariance_of_priors(Posterior(posterior, design), factor, make_priors(design)).values, axis1=2, axis2=3
    )
    assert (variances >= 0).all()
    np.testing.assert_allclose(variances[..., 1], slope**2, rtol=1e-9)
