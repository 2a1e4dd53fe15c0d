"""Group effects: what each group adds to the common coefficients."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from hierkit.arrays import SAMPLE_DIMS, Array
from hierkit.intervals import beside
from hierkit.model.columns import Column
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.own_coefficients import common_in_effects
from hierkit.model.reference_rows import averaged, reference_rows
from hierkit.posterior.draws import common_part, flat
from hierkit.posterior.effects import labels_of, sizes_of
from hierkit.posterior.lazy import Places, Samples, lazily
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity


def group_effects(posterior: Posterior, factor: str | None = None) -> Quantity:
    """Each group's deviation u and, within each draw, its own coefficient β + u.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        `deviation` and `coefficient` (chain, draw, group, effect), on the link scale; `n` (group), the rows of each
        group, or its trials; `G` (effect, effect_other), the posterior mean of the effects' covariance. The coefficient
        is the group's own: β + u, where β contains what predictors that are constant within groups add to it, z to the
        level and x:z to the slope on x. An effect to which no common coefficient belongs has β = 0. With several
        factors a coefficient is that of a group whose other factors are typical (their effects zero). Draws of more
        groups than memory holds are computed when they are used.

    Raises
    ------
    HierkitError
        For an unknown factor, and for none where there are several.
    """
    design = posterior.design
    chosen = design.factor(factor)
    effects = posterior.effects(chosen)
    shares = common_in_effects(design, chosen)
    add = _added if posterior.keeps(chosen) else _added_when_read
    coefficient = beside(add(effects.u, *_common(posterior, shares)), "interval")
    G = effects.cov.mean(SAMPLE_DIMS)
    arrays = {"n": sizes_of(design, chosen), "G": G, "deviation": effects.u, "coefficient": coefficient}
    attrs: dict[str, Any] = dict(labels_of(design, chosen))
    if not design.family.is_linear:
        attrs["centre"] = _centre(posterior)
    dataset = xr.Dataset(arrays, attrs=attrs)
    return Quantity(dataset, _definition(design, chosen, shares), picture="caterpillar")


def _centre(posterior: Posterior) -> float:
    """The linear predictor at the means of the predictors, of a typical group."""
    draws, rows = posterior.parameters, reference_rows(posterior.design)
    return float(averaged(rows, (common_part(draws, one.matrices) for one in rows)).mean())


def _common(posterior: Posterior, shares: Array) -> tuple[Array, Array]:
    """(chain, draw, column) and (group, effect, column): coefficients, and what each gives to a group's own.

    Of columns that give something; with one group in place of all where they are alike.
    """
    used = [i for i in range(shares.shape[2]) if shares[:, :, i].any()]
    beta = posterior.coefficients(tuple(posterior.design.columns[i] for i in used)) if used else None
    alike = (shares == shares[0]).all()
    values = np.empty((1, 1, 0)) if beta is None else beta.values
    return values, shares[:1, :, used] if alike else shares[:, :, used]


def _added(u: xr.DataArray, beta: Array, shares: Array) -> xr.DataArray:
    """(chain, draw, group, effect), β + u."""
    added: xr.DataArray = u + np.einsum("cdt,jkt->cdjk", beta, shares)
    return added


def _added_when_read(u: xr.DataArray, beta: Array, shares: Array) -> xr.DataArray:
    """The same, computed when it is used."""
    chains, draws, *sizes = u.shape
    by_sample = np.broadcast_to(beta, (chains, draws, beta.shape[2])).reshape(chains * draws, beta.shape[2])
    whole = np.broadcast_to(shares, (*sizes, shares.shape[2]))
    return lazily(partial(_sum, u, by_sample, whole), {str(dim): u[dim].values for dim in u.dims})


def _sum(u: xr.DataArray, beta: Array, shares: Array, places: Places, samples: Samples) -> Array:
    """(group, effect, sample), the coefficients of some groups in some draws."""
    own = np.moveaxis(flat(u[:, :, places]), 0, -1)
    common: Array = shares[places] @ beta[samples].T
    return own[..., samples] + common


def _definition(design: Design, factor: Factor, shares: Array) -> str:
    text = (
        f"Group effects of {factor.label}: the deviation u from the common coefficient β, and the group's own "
        "coefficient β + u, both partially pooled (the posterior counterpart of the BLUP)."
    )
    for effect, own in zip(factor.effects, np.moveaxis(shares, 1, 0), strict=True):
        if not own.any():
            text += f" No common coefficient belongs to {effect.label} alone: there β is 0."
    by_column = zip(design.columns, np.moveaxis(shares, 2, 0), strict=True)
    if varying := [column.label for column, own in by_column if np.ptp(own, axis=0).any()]:
        text += f" β contains what {', '.join(varying)} adds to it in each group, where it is constant."
    return text


def partner(effect: Column, columns: tuple[Column, ...]) -> Column | None:
    """The common coefficient from which a group effect deviates: that of the same column, coded alike."""
    for column in columns:
        same = effect.is_intercept if column.is_intercept else column.parts == effect.parts
        if same and column.in_full == effect.in_full:
            return column
    return None
