"""Predictive checks: data that the model could have made beside those that were seen, as rows and by group."""

from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from scipy import sparse

from hierkit.arrays import Array
from hierkit.errors import check_word, refusal, warn
from hierkit.integration.new_groups import generator
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.matrices import fitted_matrices
from hierkit.model.new_rows import NewRows, read_new_rows, weight_columns
from hierkit.model.outcome_scale import counts_of_rows, outcome_scale
from hierkit.model.points import Points
from hierkit.model.reference_rows import dim_of
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.prediction.outcomes import Linear, group_draws, replicate

ReplicatedGroups = Literal["known", "new"]
MOST_BYTES = 1e9


def replicated(posterior: Posterior, groups: ReplicatedGroups = "known", random_seed: int = 0) -> xr.Dataset:
    """Outcomes of the fitted rows drawn anew, and the means of the groups.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names; or draws of the prior.
    design : Design
        Of the model that was fitted.
    groups : {"known", "new"}
        Group effects as drawn, or drawn anew from their distribution: the latter asks whether the effects are what the
        model says they are.
    random_seed : int
        The same seed gives the same numbers.

    Returns
    -------
    xarray.Dataset
        The outcome under its name (chain, draw, __obs__), successes for counts; and for each factor `mean(team)`
        (chain, draw, team), the mean outcome of its groups (successes over trials; weighted where rows have weights).

    Raises
    ------
    HierkitError
        For unknown `groups`.

    Warns
    -----
    HierkitWarning
        If only some of the draws are used, because those of all rows would take more than 1 GB.
    """
    check_word("groups", groups, get_args(ReplicatedGroups))
    posterior = _within_memory(posterior.of_rows)
    design = posterior.design
    labels = [factor.label for factor in design.factors]
    rows = read_new_rows(design, design.rows.frame, labels, weight_columns(design))
    if groups == "new":
        rows = _all_unseen(design, rows)
    outcome = replicate(posterior, rows, random_seed).rename(row="__obs__")
    return _with_means(design, outcome.assign_coords({"__obs__": design.rows.positions}))


def observed(design: Design) -> xr.Dataset:
    """The same of the outcome that was seen: (__obs__,), and `mean(team)` (team,)."""
    design = design.of_rows
    y = xr.DataArray(design.outcome.y, coords={"__obs__": design.rows.positions}, dims="__obs__")
    return _with_means(design, y)


def predictive_check(posterior: Posterior, groups: ReplicatedGroups = "new", random_seed: int = 0) -> Quantity:
    """What groups look like in data that the model could have made, beside those that were seen.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    groups : {"known", "new"}
        Group effects as drawn, or drawn anew from their distribution: the latter asks whether the effects are what the
        model says they are.
    random_seed : int, optional
        The same seed gives the same numbers; the fit's own if not given.

    Returns
    -------
    Quantity
        `replicated` (chain, draw, statistic): `spread of means(team)`, the sd over groups of their means, in the
        outcome's units, in which groups that have hardly been measured hardly count where rows have weights or known
        sds; for a two-valued outcome or counts `share without event(team)`, of groups without an event. Beside them
        `observed` (statistic) and `above` (statistic), the share of replicates above it, ties counted half: near 0 or 1
        the model does not make data like those that were seen.

    Raises
    ------
    HierkitError
        For a model without groups, and for unknown `groups`.
    """
    design = posterior.design
    if design.points is None:
        replicates, seen = replicated(posterior, groups, random_seed), observed(design)
    else:
        check_word("groups", groups, get_args(ReplicatedGroups))
        replicates, seen = (
            _replicated_points(posterior, design.points, groups, random_seed),
            _of_points(design, design.outcome.y),
        )
    found, values = dict[str, xr.DataArray](), dict[str, float]()
    for factor in design.factors:
        name = _name(factor)
        for label, own, one in _statistics(design, factor, replicates[name], seen[name]):
            found[label], values[label] = own, float(one)
    statistics = xr.concat(list(found.values()), dim=xr.Variable("statistic", list(found))) if found else None
    if statistics is None:
        raise refusal(
            "The model has no groups", "predictive_check() compares groups", "For rows see posterior_predictive()"
        )
    beside = xr.DataArray(list(values.values()), coords={"statistic": list(values)}, dims="statistic")
    above = ((statistics > beside) + 0.5 * (statistics == beside)).mean(("chain", "draw"))
    how = "as estimated" if groups == "known" else "drawn anew"
    definition = (
        f"Statistics of data drawn from the model for the same rows, group effects {how}, beside those of the observed "
        "data; above: the share of replicates above the observed value. Near 0 or 1 the model misses it."
    )
    arrays = {"observed": beside, "above": above, "replicated": statistics}
    return Quantity(xr.Dataset(arrays), definition, picture="replicates")


def _replicated_points(posterior: Posterior, points: Points, groups: ReplicatedGroups, seed: int) -> xr.Dataset:
    """Means of groups in replicated data, from points: the mean of the rows that a point is in place of is drawn."""
    posterior = _within_memory(posterior)
    design, draws = posterior.design, posterior.draws
    rows = NewRows(points.labels, fitted_matrices(design), tuple(() for _ in design.factors), {})
    rows = _all_unseen(design, rows) if groups == "new" else rows
    effects = group_draws(design, draws, rows, [factor.label for factor in design.factors], {}, seed)
    eta = Linear(rows.matrices, draws, effects, ()).at(np.arange(len(design.offset)))
    y = draws.family.draw(eta, design.row_weights[:, None], draws.sigma, generator(seed, "replicate"))
    return _of_points(design, draws.labelled(y.T, {"__obs__": np.arange(len(y))}))


def _of_points(design: Design, y: Any) -> xr.Dataset:
    values = y if isinstance(y, xr.DataArray) else xr.DataArray(y, dims="__obs__")
    return _with_means(design, values)


def _statistics(
    design: Design, factor: Factor, replicates: xr.DataArray, seen: xr.DataArray
) -> list[tuple[str, xr.DataArray, xr.DataArray]]:
    dim = dim_of(factor.label)
    counts = _counts_of_groups(design, factor, seen)
    found = [(f"spread of means({factor.label})", _spread(replicates, counts), _spread(seen, counts))]
    if not design.family.has_residual:
        found.append((f"share without event({factor.label})", (replicates == 0).mean(dim), (seen == 0).mean(dim)))
    return found


def _counts_of_groups(design: Design, factor: Factor, seen: xr.DataArray) -> xr.DataArray:
    """(group,), how much each group counts in the spread of means: equally, unless some have hardly been measured."""
    outcome = design.outcome
    if outcome.rows_are_alike:
        return xr.ones_like(seen)
    precision = np.bincount(factor.codes, outcome.row_weights, len(factor.levels))
    counts = counts_of_rows(seen.values, outcome_scale(design).residual_sd ** 2 / precision)
    return seen.copy(data=counts**2)  # so that the noise of a group that is hardly known is hardly seen


def _spread(means: xr.DataArray, counts: xr.DataArray) -> xr.DataArray:
    """(...), the sd over groups of (..., group), with one less than their number in its denominator."""
    dim = str(counts.dims[0])
    n = counts.sizes[dim]
    spread: xr.DataArray = (means.weighted(counts).var(dim) * (n / (n - 1))) ** 0.5
    return spread


def _with_means(design: Design, outcome: xr.DataArray) -> xr.Dataset:
    """The outcome (..., __obs__) and its means by group."""
    values = outcome.values
    dims = outcome.dims[:-1]
    coords = {dim: outcome.coords[dim] for dim in outcome.dims[:-1]}
    found = {design.outcome_name: outcome}
    for factor in design.factors:
        weighted = values * design.row_weights if design.family.has_residual else values
        with np.errstate(invalid="ignore"):  # a sample may lack groups
            means = _sums(factor, weighted) / np.bincount(factor.codes, design.row_weights, len(factor.levels))
        dim = dim_of(factor.label)
        found[_name(factor)] = xr.DataArray(means, coords={**coords, dim: factor.levels}, dims=(*dims, dim))
    return xr.Dataset(found)


def _sums(factor: Factor, values: Array) -> Array:
    """(..., group), sums over each group's rows of values (..., row)."""
    size = len(factor.codes)
    places = sparse.csr_array((np.ones(size), (np.arange(size), factor.codes)), shape=(size, len(factor.levels)))
    sums: Array = values.reshape(-1, size) @ places
    return sums.reshape(*values.shape[:-1], -1)


def _name(factor: Factor) -> str:
    return f"mean({factor.name})"


def _all_unseen(design: Design, rows: NewRows) -> NewRows:
    """The same rows with all groups taken for unseen groups."""
    shifted = tuple(
        codes + len(factor.levels) for codes, factor in zip(rows.matrices.codes, design.factors, strict=True)
    )
    unseen = tuple(tuple(map(str, factor.levels)) for factor in design.factors)
    return replace(rows, matrices=replace(rows.matrices, codes=shifted), unseen=unseen)


def _within_memory(posterior: Posterior) -> Posterior:
    posterior = posterior.in_memory
    rows = len(posterior.design.offset)
    needed = 8 * posterior.size * rows
    if needed <= MOST_BYTES:
        return posterior
    step = int(np.ceil(needed / MOST_BYTES))
    warn(f"Replicates of {rows:,} rows would take {needed / 1e9:.0f} GB: one draw in {step} is used.")
    return posterior.every(step)
