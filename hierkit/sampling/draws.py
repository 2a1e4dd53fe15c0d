"""What an engine drew -> draws under Bambi's names, dims and coords, whatever engine made them."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from hierkit.arrays import SAMPLE_DIMS, Array
from hierkit.model.columns import Column, by_term
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.names import effect_dim, term_dim
from hierkit.model.outcome import Outcome
from hierkit.model.priors import EffectsDistribution

STATISTICS = {
    "maxdepth_reached": "reached_max_treedepth",
    "depth": "tree_depth",
    "mean_tree_accept": "acceptance_rate",
    "logp": "lp",
}
NO_DEGREES: Mapping[str, Array] = {}
KEPT = ("diverging", "reached_max_treedepth", "tree_depth", "energy", "acceptance_rate", "step_size", "n_steps", "lp")


def as_tree(posterior: xr.Dataset, statistics: xr.Dataset, design: Design) -> xr.DataTree:
    """Draws as a DataTree with statistics under ArviZ's names, and the outcome beside them.

    Parameters
    ----------
    posterior, statistics : xarray.Dataset
        (chain, draw, ...), the latter under nutpie's or PyMC's names.
    design : Design
        Of the model.

    Returns
    -------
    xarray.DataTree
        posterior, sample_stats, observed_data and constant_data.
    """
    statistics = statistics.rename({old: new for old, new in STATISTICS.items() if old in statistics})
    statistics = statistics[[name for name in KEPT if name in statistics]]
    outcome, rows = design.of_rows.outcome, {"__obs__": design.rows.positions}
    groups = {
        "posterior": posterior,
        "sample_stats": statistics,
        "observed_data": xr.Dataset({design.outcome_name: ("__obs__", outcome.y)}, coords=rows),
        "constant_data": xr.Dataset(_known(outcome), coords=rows),
    }
    for dataset in groups.values():
        dataset.attrs = {}
    return xr.DataTree.from_dict(groups)


def _known(outcome: Outcome) -> dict[str, tuple[str, Array]]:
    """What is known of each row beside its outcome: `trials` of counts, `weights` or `known_sd` of Gaussian rows."""
    if outcome.trials is not None:
        return {"trials": ("__obs__", outcome.trials)}
    if outcome.in_place_of is not None:
        return {"in_place_of": ("__obs__", outcome.in_place_of)}
    if outcome.precision is None:
        return {}
    if outcome.sd_is_known:
        return {"known_sd": ("__obs__", outcome.precision**-0.5)}
    return {"weights": ("__obs__", outcome.precision)}


def assemble(
    design: Design, chains: int, beta: Array, G: Array, u: Sequence[Array | None], sigma: Array | None,
    degrees: Mapping[str, Array] = NO_DEGREES,
) -> xr.Dataset:  # fmt: skip
    """The posterior Dataset of a fit.

    Parameters
    ----------
    design : Design
        Of the model.
    chains : int
        Draws below are those of the first chain, then those of the second...
    beta : ndarray
        (draw, column), coefficients of the columns as they are, not centred.
    G : ndarray
        (draw, effect, effect), covariances of the effects of all factors, where predictors are zero.
    u : sequence of (ndarray or None)
        (draw, group, effect) per factor, deviations where predictors are zero; None for those that are not kept.
    sigma : ndarray or None
        (draw,).
    degrees : mapping of str to ndarray
        (draw,), the degrees of freedom of Student-t effects, by their parameters' names; none for normal ones.

    Returns
    -------
    xarray.Dataset
        As after `bambi.Model.fit`: `wait`, `wait|team` (..., team__factor_dim), `wait|team_sigma`, `team_corr`,
        `team_nu`.
    """
    draws = len(beta) // chains

    def by_chain(array: Array) -> Array:
        return array.reshape(chains, draws, *array.shape[1:])

    variables: dict[str, xr.DataArray] = {}
    for term, columns in by_term(design.columns).items():
        places = [design.columns.index(column) for column in columns]
        variables[term] = _array(by_chain(beta), design.columns, places, term_dim(term))
    if sigma is not None:
        variables["sigma"] = xr.DataArray(by_chain(sigma), dims=SAMPLE_DIMS)
    sds = np.sqrt(np.diagonal(G, axis1=1, axis2=2))
    ends = np.cumsum([len(factor.effects) for factor in design.factors])
    for factor, end, effects in zip(design.factors, ends, u, strict=True):
        own = slice(end - len(factor.effects), end)
        for term, columns in by_term(factor.effects).items():
            places = [factor.effects.index(column) for column in columns]
            variables[factor.names.sd(term)] = _array(by_chain(sds[:, own]), factor.effects, places, effect_dim(term))
            if effects is not None:
                array = _group_array(by_chain(effects), factor, places, effect_dim(term))
                variables[factor.names.effects(term)] = array
        if factor.nu in degrees:
            variables[factor.names.degrees] = xr.DataArray(by_chain(degrees[factor.nu]), dims=SAMPLE_DIMS)
        if factor.blocks:
            dims = dict.fromkeys(factor.names.effect_dims, factor.effect_names)
            corr = G[:, own, own] / (sds[:, own, None] * sds[:, None, own])
            corr[:, range(len(factor.effects)), range(len(factor.effects))] = 1.0
            variables[factor.names.correlations] = xr.DataArray(by_chain(corr), dims=(*SAMPLE_DIMS, *dims), coords=dims)
    return xr.Dataset(variables).assign_coords(chain=np.arange(chains), draw=np.arange(draws))


def template(design: Design, effects: EffectsDistribution) -> xr.Dataset:
    """A posterior of one draw: the names, dims and labels that any of this design has."""
    p, q = len(design.columns), sum(len(factor.effects) for factor in design.factors)
    u = [np.zeros((1, len(factor.levels), len(factor.effects))) for factor in design.factors]
    degrees = {factor.nu: np.ones(1) for factor in design.factors} if effects == "student_t" else NO_DEGREES
    sigma = np.ones(1) if design.outcome.has_sigma else None
    return assemble(design, 1, np.zeros((1, p)), np.eye(q)[None], u, sigma, degrees)


def _array(values: Array, columns: tuple[Column, ...], places: list[int], dim: str) -> xr.DataArray:
    if columns[places[0]].index is None:
        return xr.DataArray(values[..., places[0]], dims=SAMPLE_DIMS)
    coords = {dim: [columns[i].level for i in places]}
    return xr.DataArray(values[..., places], dims=(*SAMPLE_DIMS, dim), coords=coords)


def _group_array(values: Array, factor: Factor, places: list[int], dim: str) -> xr.DataArray:
    groups = factor.names.group_dim
    if factor.effects[places[0]].index is None:
        return xr.DataArray(values[..., places[0]], dims=(*SAMPLE_DIMS, groups), coords={groups: factor.levels})
    coords = {dim: [factor.effects[i].level for i in places], groups: factor.levels}
    moved = np.moveaxis(values[..., places], -1, -2)
    return xr.DataArray(moved, dims=(*SAMPLE_DIMS, dim, groups), coords=coords)
