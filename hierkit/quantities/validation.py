"""How well a model predicts what it has not seen: rows left out, and whole groups left out."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import arviz_stats
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.errors import HierkitWarning
from hierkit.model.design import Design
from hierkit.model.matrices import fitted_matrices
from hierkit.model.new_rows import read_new_rows
from hierkit.model.outcome import Outcome
from hierkit.model.terms import Array
from hierkit.quantities.held_out import Unknown, connected, degrees, log_density
from hierkit.quantities.integration import log_likelihood
from hierkit.quantities.new_groups import generator
from hierkit.quantities.predictor import Draws, linear_predictor, read_draws
from hierkit.quantities.quantity import Quantity
from hierkit.quantities.sampling_checks import varying

Refit = Callable[[NDArray[np.intp]], tuple[xr.Dataset, Design]]
NUMBERS = 4_000_000  # of log likelihoods at once: 32 MB


@dataclass(frozen=True, eq=False, repr=False)
class Validation(Quantity):
    """Log scores of what was left out, one at a time.

    Attributes
    ----------
    draws : xarray.Dataset
        (row,) or (group,): `elpd`, log p of the row or of the group's rows given all others; `p`, what it lost by being
        left out; `pareto_k`; `refitted`, whether it comes from a new fit; `n`, the rows of a group.
    definition : str
        What was computed, with the sum and its standard error.
    left_out : str
        "row", or the label of the factor.
    outcome : Outcome
        What was predicted; models of the same outcome can be compared.
    good_k : float
        The Pareto k up to which importance sampling can be relied on.
    """

    left_out: str
    outcome: Outcome
    good_k: float

    @property
    def elpd(self) -> float:
        """The sum over rows or groups: the larger, the better."""
        return float(self.draws["elpd"].sum())

    @property
    def se(self) -> float:
        """The standard error of `elpd` over other rows or groups of the same kind."""
        return standard_error(self.draws["elpd"].values)

    @property
    def p(self) -> float:
        """The effective number of parameters."""
        return float(self.draws["p"].sum())

    @property
    def bad(self) -> int:
        """How many Pareto k are too large for what is left of importance sampling to be relied on."""
        return int((self.draws["pareto_k"] > self.good_k).sum())


def loo(posterior: xr.Dataset, design: Design, refit: Refit | None = None) -> Validation:
    """Leave one row out: log p(y_i | all other rows), the row's group known by its other rows.

    Pareto-smoothed importance sampling of the draws with weights 1 / p(y_i | θ, u) (Vehtari, Gelman and Gabry 2017).

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.
    refit : callable, optional
        From places of rows to posterior and design of the same model fitted to those: used for each row whose Pareto k
        is too large. If not given, such rows keep what importance sampling gave.

    Returns
    -------
    Validation
        By row, as they stood in the table that was given.

    Warns
    -----
    HierkitWarning
        If a Pareto k is too large and nothing is fitted again.
    """
    draws, rows, y, trials = (
        read_draws(posterior, design),
        fitted_matrices(design),
        design.outcome.y,
        design.outcome.trials_of_each,
    )
    step = max(1, NUMBERS // len(draws.beta))
    relative, parts = _relative_ess(posterior, design), []
    for start in range(0, len(y), step):
        places = np.arange(start, min(start + step, len(y)))
        sigma = None if draws.sigma is None else draws.sigma[:, None]
        eta = linear_predictor(draws, rows.at(places))
        parts.append(_smoothed(draws, log_likelihood(y[places], trials[places], eta, sigma), relative))
    scores = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    left_out = [np.array([place]) for place in range(len(y))]
    points = _repaired(design, scores, left_out, refit, len(draws.beta))
    points = points.rename(point="row").assign_coords(row=design.rows.positions)
    definition = (
        "Leave one row out: log p(y_i | all other rows), its group known by them, by PSIS (Vehtari et al. 2017)."
    )
    return _validation(points, definition, "row", design, len(draws.beta))


def logo(
    posterior: xr.Dataset,
    design: Design,
    factor: str | None = None,
    refit: Refit | None = None,
    random_seed: int = 0,
) -> Validation:
    """Leave one group out: log p(y_j | all other groups), the rows of a group jointly.

    In each draw the group's effects are integrated out, and those of other factors' groups that have rows in this group
    only: in closed form for a Gaussian outcome, by adaptive quadrature for one or two effects of a Bernoulli one, by
    importance sampling for more. Then Pareto-smoothed importance sampling of the draws, as for rows.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.
    factor : str, optional
        The grouping factor; the only one if not given.
    refit : callable, optional
        As for `loo`.
    random_seed : int
        For importance sampling over effects.

    Returns
    -------
    Validation
        By group.

    Raises
    ------
    HierkitError
        For an unknown factor.

    Warns
    -----
    HierkitWarning
        If a Pareto k is too large and nothing is fitted again.
    """
    chosen = design.factor(factor)
    draws, rows, nu = read_draws(posterior, design), fitted_matrices(design), degrees(posterior, design)
    y, trials = design.outcome.y, design.outcome.trials_of_each
    groups = _groups_left_out(design, design.factors.index(chosen))
    values, errors = np.empty((len(draws.beta), len(groups))), np.empty(len(groups))
    for j, group in enumerate(groups):
        rng = generator(random_seed, "logo", chosen.label, str(chosen.levels[j]))
        values[:, j], errors[j] = log_density(draws, nu, rows, group, y, trials, rng)
    scores = _smoothed(draws, values, _relative_ess(posterior, design))
    points = _repaired(design, scores, [group.rows for group in groups], refit, len(draws.beta))
    points = points.rename(point="group").assign_coords(group=chosen.levels).assign(n=("group", chosen.counts))
    definition = (
        f"Leave one group of {chosen.label} out: log p(y_j | all other groups), its rows jointly and its effects "
        "integrated out, by PSIS over draws."
    )
    if errors.any():
        points = points.assign(integration_error=("group", errors))
        definition += " integration_error: the relative standard error of p(y_j) in one draw."
    return _validation(points, definition, chosen.label, design, len(draws.beta))


def _groups_left_out(design: Design, f: int) -> list[Unknown]:
    """The rows of each group, and what only they tell of: its own effects, and groups of other factors inside it."""
    chosen = design.factors[f]
    order = np.argsort(chosen.codes, kind="stable")
    rows = np.split(order, np.cumsum(chosen.counts)[:-1])
    inside: list[list[tuple[int, int]]] = [[(f, j)] for j in range(len(rows))]
    for g, factor in enumerate(design.factors):
        if g == f:
            continue
        pairs = np.unique(np.column_stack([factor.codes, chosen.codes]), axis=0)
        parents = np.bincount(pairs[:, 0])
        for code, parent in pairs[parents[pairs[:, 0]] == 1]:
            inside[parent].append((g, int(code)))
    return [Unknown(own, tuple(groups)) for own, groups in zip(rows, inside, strict=True)]


def _smoothed(draws: Draws, values: Array, relative: float) -> dict[str, Array]:
    """PSIS of log likelihoods (sample, point): `elpd`, `pareto_k`, `p` (point,)."""
    array = draws.labelled(values, {"point": np.arange(values.shape[1])})
    elpd, k, p = array.azstats.loo(sample_dims=["chain", "draw"], r_eff=relative)
    return {"elpd": elpd.values, "pareto_k": k.values, "p": p.values}


def _repaired(
    design: Design, scores: dict[str, Array], left_out: list[NDArray[np.intp]], refit: Refit | None, samples: int
) -> xr.Dataset:
    """The scores (point,), those that importance sampling could not reach from new fits."""
    bad = np.flatnonzero(~(scores["pareto_k"] <= good_k(samples)))
    if refit is not None:
        for i in bad:
            kept = np.setdiff1d(np.arange(len(design.offset)), left_out[i])
            score = _score(design, *refit(kept), left_out[i])
            scores["p"][i] += scores["elpd"][i] - score
            scores["elpd"][i], scores["pareto_k"][i] = score, np.nan
    elif len(bad):
        warnings.warn(
            f"{len(bad)} of {len(left_out)} Pareto k are above {good_k(samples):.2f}: their scores are unreliable. "
            "Pass refit=True to fit again without each of them.",
            HierkitWarning,
            stacklevel=4,
        )
    refitted = np.isin(np.arange(len(left_out)), bad) & (refit is not None)
    return xr.Dataset({name: ("point", v) for name, v in scores.items()} | {"refitted": ("point", refitted)})


def _score(design: Design, posterior: xr.Dataset, smaller: Design, places: NDArray[np.intp]) -> float:
    """Log p of rows jointly under a model that was fitted without them."""
    rows = read_new_rows(smaller, design.rows.frame.iloc[places], [factor.label for factor in smaller.factors])
    codes = rows.matrices.codes
    unknown = [own >= len(factor.levels) for own, factor in zip(codes, smaller.factors, strict=True)]
    draws, nu = read_draws(posterior, smaller), degrees(posterior, smaller)
    y, trials, total = design.outcome.y[places], design.outcome.trials_of_each[places], np.zeros(len(draws.beta))
    for together in connected(len(places), codes, unknown):
        total += log_density(draws, nu, rows.matrices, together, y, trials, np.random.default_rng(0))[0]
    return float(np.logaddexp.reduce(total) - np.log(len(total)))


def good_k(samples: int) -> float:
    """The Pareto k up to which importance sampling with so many draws can be relied on (Vehtari et al. 2024)."""
    return min(1 - 1 / np.log10(samples), 0.7)


def _validation(points: xr.Dataset, definition: str, left_out: str, design: Design, samples: int) -> Validation:
    found = Validation(points, definition, left_out, design.outcome, good_k(samples))
    note = f" Sum {found.elpd:.1f}, standard error {found.se:.1f}, effective parameters {found.p:.1f}."
    note += f" Pareto k above {found.good_k:.2f}: {found.bad}."
    if points["refitted"].any():
        note += f" From new fits: {int(points['refitted'].sum())}."
    return replace(found, definition=definition + note)


def _relative_ess(posterior: xr.Dataset, design: Design) -> float:
    """Effective draws per draw, averaged over the parameters that are no group effects."""
    if posterior.sizes["chain"] == 1:
        return 1.0
    groups = {f"{factor.name}__factor_dim" for factor in design.factors}
    common = varying(posterior[[name for name, variable in posterior.items() if not groups & set(variable.dims)]])
    ess = arviz_stats.ess(common, method="mean")
    found = np.concatenate([np.ravel(variable) for variable in ess.values()])
    return float(found.mean()) / (posterior.sizes["chain"] * posterior.sizes["draw"])


def standard_error(values: Array) -> float:
    """That of a sum of independent values: sqrt(n Var)."""
    return float(np.sqrt(len(values) * np.var(values)))
