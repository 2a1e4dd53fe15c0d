"""The coefficients of the common part."""

import numpy as np
import xarray as xr

from hierkit.errors import refusal
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity


def coefficients(posterior: Posterior) -> Quantity:
    """The conditional coefficients β: within a group, all else equal.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.

    Returns
    -------
    Quantity
        `coefficient` (chain, draw, term). Gaussian: outcome units per unit of the predictor. Bernoulli: log odds, and
        `odds_ratio`, exp(β) in each draw (of the intercept: the odds where every predictor is zero).

    Raises
    ------
    HierkitError
        For a model without coefficients.
    """
    design = posterior.design
    definition = (
        f"Conditional coefficients β of y = Xβ + Zu, in {design.link_unit}: the change within a group for one unit of "
        "the predictor. The intercept is where every predictor is zero."
    )
    if not design.columns:
        raise refusal("The model has no coefficients", "The formula has no common terms", "See group_effects()")
    draws = posterior.coefficients()
    arrays = {"coefficient": draws}
    if design.family.ratio is not None:
        definition += (
            f" {design.family.ratio} is exp(β): by what the odds are multiplied; for the intercept the odds themselves."
        )
        arrays[design.family.ratio] = xr.DataArray(np.exp(draws))
    return Quantity(xr.Dataset(arrays), definition)
