"""The standard deviations beside their priors."""

import numpy as np
import xarray as xr

from hierkit.errors import refusal
from hierkit.model.names import RESIDUAL_SD
from hierkit.model.priors import Priors
from hierkit.posterior.effects import entry, stack
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.posterior.where_priors_hold import covariance_of_priors

POINTS = 200


def prior_and_posterior(posterior: Posterior, priors: Priors) -> Quantity:
    """Posterior of each standard deviation with the density of its prior.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    priors : Priors
        Of the same fit.

    Returns
    -------
    Quantity
        `value` (chain, draw, component), the sds in units of the outcome or log odds; `prior_density` (component,
        point) at `at` (component, point), from zero to beyond the draws. Where the two look alike the rows said
        little. Sds are those where the prior holds: at the means of the predictors unless the user set one at zero.

    Raises
    ------
    HierkitError
        For a model without sds.
    """
    design = posterior.design
    parts = dict[str, xr.DataArray]()
    for factor in design.factors:
        cov = covariance_of_priors(posterior, factor, priors)
        for effect in factor.effects:
            parts[factor.sd(effect)] = entry(cov, effect.label, effect.label) ** 0.5
        if (degrees := posterior.degrees(factor)) is not None:
            parts[factor.nu] = degrees
    if posterior.sigma is not None:
        parts[RESIDUAL_SD] = posterior.sigma
    names = list(parts)
    if not names:
        raise refusal(
            "The model has no standard deviations",
            "Only group effects and Gaussian residuals have one",
            "Add a group term",
        )
    value = stack(list(parts.values()), "component", names).transpose("chain", "draw", "component")
    at = np.array([np.linspace(0, 1.2 * float(value.sel(component=name).max()), POINTS + 1)[1:] for name in names])
    density = np.array([np.exp(priors[name].log_density(x)) for name, x in zip(names, at, strict=True)])
    arrays = {"value": value, "at": (("component", "point"), at), "prior_density": (("component", "point"), density)}
    of = "group effects" if posterior.sigma is None else "group effects and residuals"
    definition = (
        f"Standard deviations of {of}; the picture has the density of their priors beside them. Where the two look "
        "alike, the rows said little."
    )
    if "centre" in {priors.holds.get(name) for name in names}:
        definition += " Both are at the means of the predictors, where these priors hold; see fit.priors."
    return Quantity(xr.Dataset(arrays), definition, picture="priors")
