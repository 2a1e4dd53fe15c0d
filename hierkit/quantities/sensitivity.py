"""How much the posterior would move if priors, the effects' distribution or the likelihood weighed a little more."""

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr
from arviz_base import dataset_to_dataframe

from hierkit.model.design import Design
from hierkit.model.matrices import fitted_matrices
from hierkit.model.priors import Priors
from hierkit.quantities.effects import coefficient_draws, read_covariance, read_effects
from hierkit.quantities.held_out import degrees
from hierkit.quantities.integration import log_likelihood, log_student_t
from hierkit.quantities.predictor import batches, flat, linear_predictor, lower_factors, read_draws
from hierkit.quantities.quantity import Quantity
from hierkit.quantities.sampling_checks import varying

COMPONENTS = ("prior", "effects", "likelihood")
SENSITIVE = 0.05


def prior_sensitivity(posterior: xr.Dataset, design: Design, priors: Priors) -> Quantity:
    """Power-scaling sensitivity of every parameter and group effect (Kallioinen et al. 2024), by ArviZ.

    The posterior is p(y | β, u, σ) p(u | G) p(β, G, σ). Each of the three factors in turn is raised to a power a little
    off 1, by importance sampling of the draws; the sensitivity is how far a parameter's posterior moves, as the
    distance of cumulative distributions for one doubling of the power.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.
    priors : Priors
        Of the same fit.

    Returns
    -------
    Quantity
        (parameter,): `prior`, `effects` (the distribution of group effects) and `likelihood`, sensitivities of which
        0.05 and more are noticeable; `diagnosis`: "prior-data conflict" where priors and likelihood both matter,
        "strong prior or weak likelihood" where only the priors do.
    """
    logs = {
        "prior": log_prior(posterior, design, priors),
        "effects": _log_effects(posterior, design),
        "likelihood": _log_likelihood(posterior, design),
    }
    names = [name for name in COMPONENTS if name != "effects" or design.factors]
    draws = varying(posterior)
    found = []
    for name in names:
        scaled = xr.Dataset({name: logs[name].expand_dims(part=[0], axis=-1)})
        tree = xr.DataTree.from_dict({"posterior": draws, "log_prior": scaled})
        found.append(arviz_stats.psense(tree, group="prior"))
    joined = xr.concat(found, dim="component").assign_coords(component=names)
    table = dataset_to_dataframe(joined, sample_dims=["component"]).T
    dims = xr.Dataset(coords={"parameter": list(table.index)})
    columns = {name: ("parameter", table[name].to_numpy(dtype=np.float64)) for name in names}
    found_all = dims.assign(columns).assign(diagnosis=("parameter", _diagnoses(table)))
    definition = (
        "How far each posterior moves when the priors, the distribution of group effects or the likelihood are raised "
        "to a power near 1 (power scaling, Kallioinen et al. 2024): 0.05 and more is noticeable. That of the group "
        "effects' distribution is what partial pooling does, and large where groups have few rows."
    )
    return Quantity(found_all, definition)


def log_prior(posterior: xr.Dataset, design: Design, priors: Priors) -> xr.DataArray:
    """(chain, draw), log p of coefficients, sds, correlations and the like, up to a constant.

    The prior of the intercept is of the value at the centre of the predictors.
    """
    total = xr.zeros_like(posterior["chain"] * posterior["draw"], dtype=np.float64)

    def add(name: str, values: xr.DataArray) -> None:
        nonlocal total
        total = total + xr.apply_ufunc(priors[name].log_density, values)

    if design.columns:
        beta = coefficient_draws(posterior, design.columns)
        shift = (beta * xr.DataArray(design.column_means, dims="term")).sum("term")
        for column in design.columns:
            own = beta.sel(term=column.label, drop=True)
            add(column.label, own + shift if column.is_intercept else own)
    for factor in design.factors:
        cov = read_covariance(posterior, factor)
        for effect in factor.effects:
            own = cov.sel(effect=effect.label, effect_other=effect.label, drop=True)
            add(f"sd({effect.label}|{factor.label})", own**0.5)
        for block in factor.blocks:
            R = posterior[f"{factor.name}_corr"].values[..., block, :][..., block]
            total = total + priors[f"cor({factor.label})"].log_density(R)
        if f"{factor.name}_nu" in posterior:
            add(f"nu({factor.label})", posterior[f"{factor.name}_nu"])
    if "sigma" in posterior:
        add("sigma", posterior["sigma"])
    return total


def _log_effects(posterior: xr.Dataset, design: Design) -> xr.DataArray:
    """(chain, draw), log p(u | G) of all groups' effects."""
    total = xr.zeros_like(posterior["chain"] * posterior["draw"], dtype=np.float64)
    for factor, nu in zip(design.factors, degrees(posterior, design), strict=True):
        effects = read_effects(posterior, factor)
        L, u = lower_factors(flat(effects.cov)), flat(effects.u)
        z = np.linalg.solve(L, np.swapaxes(u, 1, 2))
        log_size = np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1) * u.shape[1]
        if nu is None:
            each = -0.5 * (z**2).sum(axis=(1, 2))
        else:
            each = log_student_t(np.swapaxes(z, 1, 2), nu[:, None]).sum(axis=1)
        total = total + (each - log_size).reshape(total.shape)
    return total


def _log_likelihood(posterior: xr.Dataset, design: Design) -> xr.DataArray:
    """(chain, draw), log p(y | β, u, σ) of all rows."""
    draws, rows, y = read_draws(posterior, design), fitted_matrices(design), design.outcome.y
    trials = design.outcome.trials_of_each
    total = np.empty(len(draws.beta))
    for part in batches(len(total), len(y)):
        sigma = None if draws.sigma is None else draws.sigma[part, None]
        total[part] = log_likelihood(y, trials, linear_predictor(draws, rows, part), sigma).sum(axis=1)
    return draws.labelled(total)


def _diagnoses(table: pd.DataFrame) -> list[str]:
    by_prior, by_likelihood = table["prior"] >= SENSITIVE, table["likelihood"] >= SENSITIVE
    conflict = np.where(by_likelihood, "prior-data conflict", "strong prior or weak likelihood")
    return list(np.where(by_prior, conflict, ""))
