"""How much the posterior would move if priors, the effects' distribution or the likelihood weighed a little more."""

from collections.abc import Iterator
from typing import Any

import arviz_stats
import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.integration.block import log_student_t
from hierkit.model.design import Design
from hierkit.model.matrices import fitted_matrices
from hierkit.model.priors import Priors
from hierkit.posterior.draws import Draws, at_centre, in_batches, log_likelihood, lower_factors
from hierkit.posterior.posterior import Posterior, draws_note
from hierkit.posterior.quantity import Quantity
from hierkit.posterior.where_priors_hold import covariance_of_priors, terms_of_priors
from hierkit.quantities.variance_components import variance_components

SENSITIVE = 0.05
SAME = 1e-6  # range of log p, which moves no posterior by more
FEWEST = 25  # draws: ArviZ smooths a tail of five


def prior_sensitivity(posterior: Posterior, priors: Priors) -> Quantity:
    """Power-scaling sensitivity of every parameter and group effect (Kallioinen et al. 2024), by ArviZ.

    The posterior is p(y | β, u, σ) p(u | G) p(β, G, σ). Each of the three factors in turn is raised to a power a little
    off 1, by importance sampling of the draws; the sensitivity is how far a parameter's posterior moves, as the
    distance of cumulative distributions for one doubling of the power.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    priors : Priors
        Of the same fit.

    Returns
    -------
    Quantity
        (parameter,): `group`, empty but for group effects; `prior`, `effects` (the distribution of the group effects)
        and `likelihood`, distances of distribution functions on a scale where 0.05 and more are noticeable;
        `diagnosis`: "prior-data conflict" where priors and likelihood both matter, "strong prior or weak likelihood"
        where only the priors do.

    Raises
    ------
    HierkitError
        For fewer than 25 draws.
    """
    design, used = posterior.design, posterior.in_memory
    draws = used.draws
    if (samples := len(draws.beta)) < FEWEST:
        raise refusal(f"The fit has {samples} draws", f"Power scaling needs at least {FEWEST}", "Fit again with more")
    columns = list(_columns(used))
    together = xr.concat([values for _, _, values in columns], dim="parameter", coords="minimal", compat="override")
    logs = {
        "prior": log_prior(used, priors),
        "effects": draws.labelled(_log_effects(draws, design)),
        "likelihood": draws.labelled(_log_likelihood(draws, design)),
    }
    found = {name: _sensitivity(together, log_p) for name, log_p in logs.items() if name != "effects" or design.factors}
    groups = {"group": [group for _, group, _ in columns]} if design.factors else {}
    variables: dict[str, Any] = {**groups, **found, "diagnosis": _diagnoses(found)}
    names = {"parameter": [name for name, _, _ in columns]}
    definition = (
        "How far each posterior moves when the priors or the likelihood are raised to a power near 1 (power scaling, "
        "Kallioinen et al. 2024): 0.05 and more is noticeable."
    )
    if design.factors:
        definition += (
            " effects: the same for the distribution of the group effects; large where groups have few rows, which is "
            "what partial pooling does."
        )
    if beyond := [factor.label for factor in design.factors if not posterior.keeps(factor)]:
        definition += f" Not of each group of {', '.join(beyond)}, of which there are too many to keep their draws."
    definition += draws_note(used, posterior)
    by_parameter = {name: ("parameter", values) for name, values in variables.items()}
    dataset = xr.Dataset(by_parameter, coords=names, attrs={"noticeable": SENSITIVE})
    return Quantity(dataset, definition, picture="sensitivity")


def _columns(posterior: Posterior) -> Iterator[tuple[str, str, xr.DataArray]]:
    """What sensitivities are of: a parameter's name, a group, and draws (chain, draw)."""
    design = posterior.design
    if design.columns:
        beta = posterior.coefficients()
        for column in design.columns:
            yield column.label, "", beta.sel(term=column.label, drop=True)
    components = variance_components(posterior).draws["value"]
    for name in components["component"].values:
        yield str(name), "", components.sel(component=name, drop=True)
    for factor in filter(posterior.keeps, design.factors):
        u = posterior.effects(factor).u
        for i, effect in enumerate(factor.effects):
            for j, level in enumerate(factor.levels):
                yield f"{effect.label}|{factor.label}", str(level), u.isel(group=j, effect=i, drop=True)


def _sensitivity(draws: xr.DataArray, log_p: xr.DataArray) -> Array:
    """(parameter,), by ArviZ, which sums what it finds in a group; none where all draws have the same log p."""
    if np.ptp(log_p.values) < SAME:
        return np.zeros(draws.sizes["parameter"])
    scaled = xr.Dataset({"log_p": log_p.expand_dims(part=[0], axis=-1)})
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset({"draws": draws}), "log_prior": scaled})
    return np.asarray(arviz_stats.psense(tree, group="prior")["draws"].values, dtype=np.float64)


def log_prior(posterior: Posterior, priors: Priors) -> xr.DataArray:
    """(chain, draw), log p of coefficients, sds, correlations and the like, up to a constant."""
    design = posterior.design
    terms = [xr.apply_ufunc(priors[name].log_density, values) for name, values in terms_of_priors(posterior, priors)]
    total: xr.DataArray = sum(terms, start=xr.zeros_like(terms[0]))
    for factor in design.factors:
        for block in factor.blocks:
            G = covariance_of_priors(posterior, factor, priors).values[..., block, :][..., block]
            sds = np.sqrt(np.diagonal(G, axis1=-2, axis2=-1))
            R = G / (sds[..., :, None] * sds[..., None, :])
            total = total + priors[factor.cor].log_density(R)
    return total


def _log_effects(draws: Draws, design: Design) -> Array:
    """(sample,), log p(u | G) of all groups' effects, by those at the centre: u = T v with |T| = 1."""
    total = np.zeros(len(draws.beta))
    for factor, u, G, nu in zip(design.factors, draws.u, draws.G, draws.nu, strict=True):
        L = lower_factors(at_centre(G, factor.T))
        v = np.linalg.inv(factor.T) @ np.swapaxes(u, 1, 2)
        z = np.swapaxes(np.linalg.solve(L, v), 1, 2)
        each = -0.5 * (z**2).sum(axis=2) if nu is None else log_student_t(z, nu[:, None])
        total += each.sum(axis=1) - u.shape[1] * np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1)
    return total


def _log_likelihood(draws: Draws, design: Design) -> Array:
    """(sample,), log p(y | β, u, σ) of all rows."""
    rows = fitted_matrices(design)
    total = np.empty(len(draws.beta))

    def add_up(part: slice) -> None:
        total[part] = log_likelihood(draws, rows, design.outcome, part).sum(axis=1)

    in_batches(add_up, len(total), len(design.offset), "prior_sensitivity")
    if draws.sigma is not None:  # a point in place of n rows has one factor 1/σ where they have n
        total -= (design.outcome.n_rows - len(design.offset)) * np.log(draws.sigma)
    return total


def _diagnoses(found: dict[str, Array]) -> list[str]:
    by_prior = found["prior"] >= SENSITIVE
    by_likelihood = found["likelihood"] >= SENSITIVE
    conflict = np.where(by_likelihood, "prior-data conflict", "strong prior or weak likelihood")
    return list(np.where(by_prior, conflict, ""))
