"""How much groups differ: standard deviations and correlations of their effects."""

from itertools import combinations

import numpy as np
import xarray as xr

from hierkit.model.groups import Factor
from hierkit.model.names import RESIDUAL_SD, Kind, kind_of, sd
from hierkit.model.names import correlation as correlation_name
from hierkit.posterior.convergence import convergence
from hierkit.posterior.effects import correlation, entry, stack
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity


def variance_components(posterior: Posterior) -> Quantity:
    """The standard deviations and correlations of the group effects, and the residual sd.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.

    Returns
    -------
    Quantity
        `value` (chain, draw, component), components `sd(wait|team)`, `cor(Intercept, wait|team)`, `sigma` (of a row of
        weight 1 where they have weights; none where the sds of rows are known), `nu(team)` for Student-t effects.
        Effects of different blocks have no correlation to report. Beside them `r_hat`, `ess_bulk` and `ess_tail`
        (component).
    """
    design = posterior.design
    parts: dict[str, xr.DataArray] = {}
    for factor in design.factors:
        parts |= _components(factor, posterior)
    if posterior.sigma is not None:
        parts[RESIDUAL_SD] = posterior.sigma
    if parts:
        value = stack(list(parts.values()), "component", list(parts))
    else:
        shape = (posterior.dataset.sizes["chain"], posterior.dataset.sizes["draw"], 0)
        value = xr.DataArray(np.empty(shape), dims=("chain", "draw", "component"), coords={"component": []})
    definition = (
        f"Standard deviations τ of the group effects, in {design.link_unit} per unit of their predictor, and their "
        "correlations within a factor. Squares of the sds are the variances."
    )
    if posterior.sigma is not None:
        of_row = "" if design.outcome.precision is None else " of a row of weight 1"
        definition += f" sigma: the residual sd σ{of_row}."
    if any(kind_of(name) is Kind.DEGREES for name in parts):
        definition += (
            " The effects are Student-t: τ is their scale, nu the degrees of freedom, and their standard deviation is "
            "τ sqrt(nu / (nu - 2)) where nu exceeds 2."
        )
    value = value.transpose("chain", "draw", "component")
    return Quantity(xr.Dataset({"value": value, **convergence(value)}), definition)


def _components(factor: Factor, posterior: Posterior) -> dict[str, xr.DataArray]:
    cov = posterior.covariance(factor)
    labels = [effect.label for effect in factor.effects]
    parts = {sd(label, factor.label): entry(cov, label, label) ** 0.5 for label in labels}
    for block in factor.blocks:
        for a, b in combinations([labels[i] for i in block], 2):
            parts[correlation_name(a, b, factor.label)] = correlation(cov, a, b)
    if (degrees := posterior.degrees(factor)) is not None:
        parts[factor.nu] = degrees
    return parts
