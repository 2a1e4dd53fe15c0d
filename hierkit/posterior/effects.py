"""One factor's group effects, and coefficients, as labelled arrays."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from hierkit.model.columns import Column
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.names import column_dim


@dataclass(frozen=True, eq=False)
class Effects:
    """The group effects of one factor.

    Attributes
    ----------
    u : xarray.DataArray
        (chain, draw, group, effect), deviations from the common coefficients, on the link scale.
    cov : xarray.DataArray
        (chain, draw, effect, effect_other), the covariance matrix G; for Student-t effects that of their scale.
    """

    u: xr.DataArray
    cov: xr.DataArray


def are_kept(posterior: xr.Dataset, factor: Factor) -> bool:
    """Whether a posterior holds the effects of a factor; else they are drawn when they are read."""
    return factor.variable(factor.effects[0]) in posterior


def read_effects(posterior: xr.Dataset, factor: Factor) -> Effects:
    """Collect one factor's effects from a posterior under Bambi's names.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), with a variable `wait|team` and its sd `wait|team_sigma` per effect.
    factor : Factor
        Of the model that was fitted.

    Returns
    -------
    Effects
    """
    labels = [effect.label for effect in factor.effects]
    group_dim = factor.names.group_dim
    parts = [
        _pick(posterior[factor.variable(effect)], effect).rename({group_dim: "group"}) for effect in factor.effects
    ]
    u = stack(parts, "effect", labels)
    return Effects(
        u.transpose("chain", "draw", "group", "effect").rename("u"),
        read_covariance(posterior, factor),
    )


def read_covariance(posterior: xr.Dataset, factor: Factor) -> xr.DataArray:
    """(chain, draw, effect, effect_other), the covariance matrix G of one factor's effects."""
    sd = _sds(posterior, factor)
    labels = [effect.label for effect in factor.effects]
    cov = sd * sd.rename(effect="effect_other") * _correlations(posterior, factor, labels)
    return cov.transpose("chain", "draw", "effect", "effect_other").rename("cov")


def sizes_of(design: Design, factor: Factor) -> xr.DataArray:
    """(group,), `n` of tables: the rows of each group; its trials for counts."""
    return xr.DataArray(design.sizes(factor), dims="group", coords={"group": factor.levels}, name="n")


def labels_of(design: Design, factor: Factor | None = None) -> dict[str, str]:
    """What pictures need to label their axes: the outcome, the unit of effects and of sizes, and the factor."""
    labels = {"outcome": design.outcome.label, "scale": design.link_unit, "unit": design.unit}
    return labels if factor is None else labels | {"factor": factor.label}


def coefficient_draws(posterior: xr.Dataset, columns: tuple[Column, ...]) -> xr.DataArray:
    """(chain, draw, term), the coefficients of the common part by the labels of their columns."""
    labels = [column.label for column in columns]
    joined = stack([_pick(posterior[column.term], column) for column in columns], "term", labels)
    return joined.transpose("chain", "draw", "term").rename("coefficient")


def stack(parts: list[xr.DataArray], dim: str, labels: list[str]) -> xr.DataArray:
    """Arrays of the same dims along a new, labelled one."""
    index = pd.Index(labels, name=dim, dtype=object)
    return xr.concat(parts, dim=index, coords="minimal", compat="override", join="override")


def correlation(cov: xr.DataArray, a: str, b: str) -> xr.DataArray:
    """(chain, draw), the correlation of two effects: G_ab / sqrt(G_aa G_bb)."""
    return entry(cov, a, b) / (entry(cov, a, a) * entry(cov, b, b)) ** 0.5


def entry(cov: xr.DataArray, a: str, b: str) -> xr.DataArray:
    """(chain, draw), one entry of G."""
    return cov.sel(effect=a, effect_other=b, drop=True)


def _sds(posterior: xr.Dataset, factor: Factor) -> xr.DataArray:
    parts = [_pick(posterior[factor.names.sd(effect.term)], effect) for effect in factor.effects]
    return stack(parts, "effect", [effect.label for effect in factor.effects])


def _correlations(posterior: xr.Dataset, factor: Factor, labels: list[str]) -> xr.DataArray:
    if factor.names.correlations in posterior:
        corr = posterior[factor.names.correlations]
        own, other = factor.names.effect_dims
        ordered = corr.sel({own: factor.effect_names, other: factor.effect_names})
        return ordered.rename({own: "effect", other: "effect_other"}).assign_coords(effect=labels, effect_other=labels)
    dims = {"effect": labels, "effect_other": labels}
    return xr.DataArray(np.eye(len(labels)), coords=dims, dims=tuple(dims))


def _pick(variable: xr.DataArray, column: Column) -> xr.DataArray:
    """The part of a term's variable that belongs to one column, without the term's own dimension."""
    if column.index is None:
        return variable.drop_vars([name for name in variable.coords if name not in variable.dims])
    return variable.isel({column_dim(variable): column.index}, drop=True)
