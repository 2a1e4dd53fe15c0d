"""Parameters where their priors hold: at the centre of the predictors, unless the user set them at zero."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from hierkit.model.groups import Factor
from hierkit.model.names import RESIDUAL_SD
from hierkit.model.priors import Priors
from hierkit.posterior.effects import entry
from hierkit.posterior.posterior import Posterior


def covariance_of_priors(posterior: Posterior, factor: Factor, priors: Priors) -> xr.DataArray:
    """(chain, draw, effect, effect_other), G where the factor's priors hold: T^-1 G T^-T at the predictors' centre.

    By way of a root of G, so that rounding leaves a covariance where zero is thousands of sds from the centre.
    """
    cov = posterior.covariance(factor)
    if priors.holds.get(factor.cor) != "centre":
        return cov
    sds = np.sqrt(np.diagonal(cov.values, axis1=-2, axis2=-1))
    values, vectors = np.linalg.eigh(cov.values / (sds[..., :, None] * sds[..., None, :]))
    root = np.linalg.solve(factor.T, sds[..., :, None] * vectors * np.sqrt(np.maximum(values, 0))[..., None, :])
    return cov.copy(data=root @ np.swapaxes(root, -1, -2))


def terms_of_priors(posterior: Posterior, priors: Priors) -> Iterator[tuple[str, xr.DataArray]]:
    """The names of priors, and the parameters (chain, draw) that they are of: the intercept at the centre."""
    design = posterior.design
    if design.columns:
        beta = posterior.coefficients()
        shift = (beta * xr.DataArray(design.column_means, dims="term")).sum("term")
        for column in design.columns:
            own = beta.sel(term=column.label, drop=True)
            yield column.label, own + shift if column.is_intercept else own
    for factor in design.factors:
        cov = covariance_of_priors(posterior, factor, priors)
        for effect in factor.effects:
            yield factor.sd(effect), entry(cov, effect.label, effect.label) ** 0.5
        if (degrees := posterior.degrees(factor)) is not None:
            yield factor.nu, degrees
    if posterior.sigma is not None:
        yield RESIDUAL_SD, posterior.sigma
