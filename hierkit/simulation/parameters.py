"""The parameters of a model in one array, those of the truth and those of a fit alike."""

import xarray as xr

from hierkit.posterior.posterior import Posterior
from hierkit.quantities.variance_components import variance_components


def parameters(posterior: Posterior) -> xr.DataArray:
    """(chain, draw, parameter), coefficients and variance components, each in its own units."""
    parts = [posterior.coefficients().rename(term="parameter")] if posterior.design.columns else []
    components = variance_components(posterior).draws["value"]
    if components.sizes["component"]:
        parts.append(components.rename(component="parameter"))
    return joined(parts)


def joined(parts: list[xr.DataArray]) -> xr.DataArray:
    """(chain, draw, parameter), arrays of parameters one after the other."""
    one = xr.concat(parts, "parameter", coords="minimal", compat="override", join="override")
    return one.transpose("chain", "draw", "parameter")
