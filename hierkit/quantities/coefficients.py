"""The coefficients of the common part."""

import numpy as np
import xarray as xr

from hierkit.errors import refusal
from hierkit.intervals import beside, without_mean
from hierkit.model.columns import Column
from hierkit.posterior.convergence import convergence
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity

LARGEST_LOG_ODDS = 230.0  # whose exponential, 1e100, has a square too


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
        `odds_ratio`, exp(β) in each draw and at most 1e100; missing for the intercept, of which exp(β) is no ratio but
        the odds where every predictor is zero, however far from the rows that is. Beside them `r_hat`, `ess_bulk` and
        `ess_tail` (term).

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
            f" {design.family.ratio} is exp(β): by what the odds are multiplied for one unit more; its estimate is the "
            "median."
        )
        arrays[design.family.ratio] = beside(odds_ratios(draws, design.columns), "interval")
    arrays |= convergence(draws)
    return Quantity(xr.Dataset(arrays), definition)


def odds_ratios(coefficients: xr.DataArray, columns: tuple[Column, ...]) -> xr.DataArray:
    """(chain, draw, term), exp of coefficients, at most 1e100; missing for the intercept.

    Their estimates are medians, which are exp of the coefficient's median: the mean of exp is larger, without bound for
    wide posteriors, and turning the event round would not turn it round.
    """
    is_ratio = xr.DataArray([not column.is_intercept for column in columns], dims="term")
    return without_mean(xr.DataArray(np.exp(coefficients.where(is_ratio).clip(max=LARGEST_LOG_ODDS))))
