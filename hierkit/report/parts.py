"""What a report is made of: the parts of a fit, with or without the names of its groups."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.quantities.checks import checks
from hierkit.quantities.findings import Findings

MOST_FITTED = 500  # groups that are fitted or drawn each for itself
ENOUGH = 1000  # draws for what takes long and is shown to three digits


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a fit, and its findings."""

    design: Design
    priors: Priors
    draws: xr.DataTree
    findings: Findings

    @property
    def posterior(self) -> xr.Dataset:
        """(chain, draw, ...)."""
        return self.draws["posterior"].to_dataset()


def thinned(posterior: xr.Dataset) -> xr.Dataset:
    """Every so many draws, about a thousand in all."""
    step = max(1, posterior.sizes["chain"] * posterior.sizes["draw"] // ENOUGH)
    return posterior.isel(draw=slice(None, None, step))


def without_levels(parts: Parts) -> Parts:
    """The same parts with groups numbered instead of named, findings included."""
    names = {f.name: np.array([f"group {i + 1}" for i in range(len(f.levels))], object) for f in parts.design.factors}
    factors = tuple(replace(factor, levels=names[factor.name]) for factor in parts.design.factors)
    rows = replace(parts.design.rows, unused_levels={})
    design = replace(parts.design, factors=factors, rows=rows)
    coords = {f"{name}__factor_dim": levels for name, levels in names.items()}
    nodes = {name: node.to_dataset() for name, node in parts.draws.children.items()}
    draws = xr.DataTree.from_dict(nodes | {"posterior": nodes["posterior"].assign_coords(coords)})
    draws.attrs = parts.draws.attrs
    return Parts(design, parts.priors, draws, checks(draws, design, parts.priors))
