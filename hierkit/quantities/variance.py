"""How much groups differ: standard deviations and correlations of their effects."""

from itertools import combinations

import numpy as np
import xarray as xr

from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.quantities.effects import Effects, read_effects, stack
from hierkit.quantities.quantity import Quantity


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
        `value` (chain, draw, component), components `sd(wait|team)`, `cor(1, wait|team)` and `sigma`. Effects of
        different blocks have no correlation to report.
    """
    parts: dict[str, xr.DataArray] = {}
    for factor in design.factors:
        parts |= _components(factor, read_effects(posterior, factor))
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
    return Quantity(xr.Dataset({"value": value.transpose("chain", "draw", "component")}), definition)


def _components(factor: Factor, effects: Effects) -> dict[str, xr.DataArray]:
    labels = [effect.label for effect in factor.effects]
    sd = {label: effects.cov.sel(effect=label, effect_other=label, drop=True) ** 0.5 for label in labels}
    parts = {f"sd({label}|{factor.label})": value for label, value in sd.items()}
    for block in factor.blocks:
        for a, b in combinations([labels[i] for i in block], 2):
            cov = effects.cov.sel(effect=a, effect_other=b, drop=True)
            parts[f"cor({a}, {b}|{factor.label})"] = cov / (sd[a] * sd[b])
    return parts
