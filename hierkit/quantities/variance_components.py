"""How much groups differ: standard deviations and correlations of their effects."""

from itertools import combinations

import numpy as np
import xarray as xr

from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.names import Kind, kind_of, sd
from hierkit.model.names import correlation as correlation_name
from hierkit.posterior.effects import correlation, entry, read_covariance, stack
from hierkit.posterior.quantity import Quantity


def variance_components(posterior: xr.Dataset, design: Design) -> Quantity:
    """The standard deviations and correlations of the group effects, and the residual sd.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.

    Returns
    -------
    Quantity
        `value` (chain, draw, component), components `sd(wait|team)`, `cor(Intercept, wait|team)`, `sigma`, `nu(team)`
        for Student-t effects. Effects of different blocks have no correlation to report.
    """
    parts: dict[str, xr.DataArray] = {}
    for factor in design.factors:
        parts |= _components(factor, posterior)
    if "sigma" in posterior:
        parts["sigma"] = posterior["sigma"]
    if parts:
        value = stack(list(parts.values()), "component", list(parts))
    else:
        shape = (posterior.sizes["chain"], posterior.sizes["draw"], 0)
        value = xr.DataArray(np.empty(shape), dims=("chain", "draw", "component"), coords={"component": []})
    scale = "units of the outcome" if design.outcome.family == "gaussian" else "log odds"
    definition = (
        f"Standard deviations τ of the group effects in {scale} per unit of what they multiply, their correlations "
        "within a factor, and the residual sd σ where there is one. Squares of the sds are the variances."
    )
    if any(kind_of(name) is Kind.DEGREES for name in parts):
        definition += (
            " The effects are Student-t: τ is their scale, nu the degrees of freedom, and their standard deviation is "
            "τ sqrt(nu / (nu - 2)) where nu exceeds 2."
        )
    return Quantity(xr.Dataset({"value": value.transpose("chain", "draw", "component")}), definition)


def _components(factor: Factor, posterior: xr.Dataset) -> dict[str, xr.DataArray]:
    cov = read_covariance(posterior, factor)
    labels = [effect.label for effect in factor.effects]
    parts = {sd(label, factor.label): entry(cov, label, label) ** 0.5 for label in labels}
    for block in factor.blocks:
        for a, b in combinations([labels[i] for i in block], 2):
            parts[correlation_name(a, b, factor.label)] = correlation(cov, a, b)
    if factor.names.degrees in posterior:
        parts[factor.nu] = posterior[factor.names.degrees]
    return parts
