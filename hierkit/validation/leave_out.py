"""How well a model predicts what it has not seen: rows left out, and whole groups left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import arviz_stats
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import refusal, warn
from hierkit.integration.new_groups import generator
from hierkit.integration.unknown_groups import log_density, without
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.labels import some
from hierkit.model.matrices import fitted_matrices
from hierkit.model.outcome import Outcome
from hierkit.model.reference_rows import dim_of
from hierkit.posterior.draws import Draws, log_likelihood, varying
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.validation.refits import Refit, score_without

NUMBERS = 4_000_000  # of log likelihoods at once: 32 MB
FEWEST = 25  # draws: ArviZ smooths a tail of five
LARGEST_ERROR = 0.3  # of importance sampling over effects, relative


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
    rows, units : ndarray
        (row,), where each row stood in the table that was given, and with which others it was left out.
    good_k : float
        The Pareto k up to which importance sampling can be relied on.
    """

    left_out: str
    outcome: Outcome
    rows: NDArray[np.intp]
    units: NDArray[np.intp]
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


def loo(posterior: Posterior, refit: bool = False, fit_again: Refit | None = None) -> Validation:
    """Leave one row out: log p(y_i | all other rows), the row's group still known by its other rows.

    Pareto-smoothed importance sampling of the draws with weights 1 / p(y_i | θ, u) (Vehtari, Gelman and Gabry 2017).

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    refit : bool
        Whether the model is fitted again without each row whose Pareto k is too large.
    fit_again : callable
        From places of rows to the posterior of the same model fitted to those; needed with `refit`.

    Returns
    -------
    Validation
        By row, as they were in the table that was given: `elpd`, `p`, `pareto_k` and `refitted` (row,). Scores are in
        units of log density, which depend on the outcome's.

    Warns
    -----
    HierkitWarning
        If a Pareto k is too large and nothing is fitted again.
    """
    design = posterior.design
    _check_draws(posterior)
    draws = posterior.draws
    rows = fitted_matrices(design)
    outcome = design.outcome
    step = max(1, NUMBERS // len(draws.beta))
    relative, parts = _relative_ess(posterior), []
    for start in range(0, len(outcome.y), step):
        places = np.arange(start, min(start + step, len(outcome.y)))
        parts.append(_smoothed(draws, log_likelihood(draws, rows.at(places), outcome.at(places)), relative))
    points = xr.concat(parts, dim="point").rename(point="row").assign_coords(row=design.rows.positions)
    groups = {dim_of(factor.label): ("row", factor.levels[factor.codes]) for factor in design.factors}
    left_out = [np.array([place]) for place in range(len(outcome.y))]
    definition = (
        "Leave one row out: log p(y_i | all other rows), the row's group still known by its other rows, by "
        "Pareto-smoothed importance sampling (Vehtari et al. 2017)."
    )
    left = (outcome, design.rows.positions, np.arange(len(outcome.y)))
    found = Validation(points.assign(groups), definition, "row", *left, good_k(len(draws.beta)))
    return _completed(found, design, draws, left_out, fit_again if refit else None)


def logo(
    posterior: Posterior,
    factor: str | Factor | None = None,
    refit: bool = False,
    random_seed: int = 0,
    fit_again: Refit | None = None,
) -> Validation:
    """Leave one group out: log p(y_j | all other groups), the rows of a group jointly.

    In each draw the group's effects are integrated out, and those of other factors' groups that have rows in this group
    only: in closed form for a Gaussian outcome, by adaptive quadrature for one or two effects of a Bernoulli one, by
    importance sampling for more. Then Pareto-smoothed importance sampling of the draws, as for rows.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str or Factor, optional
        Whose groups are left out; of this model, or of another one of the same rows. The only one if not given.
    refit : bool
        Whether the model is fitted again without each group whose Pareto k is too large.
    random_seed : int, optional
        For importance sampling over effects; the fit's own if not given.
    fit_again : callable
        As for `loo`.

    Returns
    -------
    Validation
        By group: `elpd`, `p`, `pareto_k` and `refitted` (group,), scores in units of log density. Sums over groups of
        different sizes differ by their sizes most of all: read differences of models.

    Raises
    ------
    HierkitError
        For an unknown factor.

    Warns
    -----
    HierkitWarning
        If a Pareto k is too large and nothing is fitted again.
    """
    design = posterior.design
    chosen = factor if isinstance(factor, Factor) else design.factor(factor)
    _check_draws(posterior)
    draws, rows = posterior.draws, fitted_matrices(design)
    left_out = np.split(np.argsort(chosen.codes, kind="stable"), np.cumsum(chosen.counts)[:-1])
    values = np.empty((len(draws.beta), len(left_out)))
    errors = np.empty(len(left_out))
    for j, (own, level) in enumerate(zip(left_out, chosen.levels, strict=True)):
        rng = generator(random_seed, "logo", chosen.label, str(level))
        values[:, j], errors[j] = log_density(draws, rows, without(design, own), design.outcome, rng)
    points = _smoothed(draws, values, _relative_ess(posterior))
    points = points.rename(point="group").assign_coords(group=chosen.levels).assign(n=("group", design.sizes(chosen)))
    definition = (
        f"Leave one group of {chosen.label} out: log p(y_j | all other groups), its rows jointly and its effects "
        "integrated out, by Pareto-smoothed importance sampling of the draws."
    )
    if errors.any():
        points = points.assign(integration_error=("group", errors))
        definition += " integration_error: the relative standard error of p(y_j) in one draw."
        _warn_of_errors(chosen, errors)
    left = (design.outcome, design.rows.positions, chosen.codes)
    found = Validation(points, definition, chosen.label, *left, good_k(len(draws.beta)))
    return _completed(found, design, draws, left_out, fit_again if refit else None)


def good_k(samples: int) -> float:
    """The Pareto k up to which importance sampling with so many draws can be relied on (Vehtari et al. 2024)."""
    return min(1 - 1 / float(np.log10(samples)), 0.7)


def standard_error(values: Array) -> float:
    """That of a sum of independent values: sqrt(n Var), the variance with n - 1 in its denominator.

    Vehtari, Gelman and Gabry (2017, eq. 23) have n - 1, and so has R's loo; ArviZ divides by n.
    """
    return float(np.sqrt(len(values) * np.var(values, ddof=1))) if len(values) > 1 else np.nan


def _check_draws(posterior: Posterior) -> None:
    if posterior.size < FEWEST:
        raise refusal(
            f"The fit has {posterior.size} draws",
            f"Importance sampling needs at least {FEWEST}",
            "Fit again with more draws",
        )


def _smoothed(draws: Draws, values: Array, relative: float) -> xr.Dataset:
    """PSIS of log likelihoods (sample, point): `elpd`, `pareto_k`, `p` (point,)."""
    scores = {"elpd": values[0].copy(), "pareto_k": np.full(values.shape[1], -np.inf), "p": np.zeros(values.shape[1])}
    points = np.flatnonzero(np.ptp(values, axis=0))  # ArviZ refuses rows without trials, which weigh all draws alike
    if len(points):
        array = draws.labelled(values[:, points], {"point": points})
        for name, found in zip(scores, array.azstats.loo(sample_dims=["chain", "draw"], r_eff=relative), strict=True):
            scores[name][points] = found.values
    return xr.Dataset({name: ("point", own) for name, own in scores.items()})


def _completed(
    found: Validation, design: Design, draws: Draws, left_out: Sequence[NDArray[np.intp]], refit: Refit | None
) -> Validation:
    """The same with scores from new fits where importance sampling does not reach, or a warning of that."""
    dim = "row" if found.left_out == "row" else "group"
    scores = {name: found.draws[name].values.copy() for name in ("elpd", "pareto_k", "p")}
    refitted, failed = np.zeros(len(left_out), dtype=bool), dict[Any, str]()
    for i in np.flatnonzero(~(scores["pareto_k"] <= found.good_k)).tolist():
        label = found.draws[dim].values[i]
        score = (
            score_without(design, draws, left_out[i], refit)
            if refit
            else "with refit=True the model is fitted again without it"
        )
        if isinstance(score, str):
            failed[label] = score
            continue
        scores["p"][i] += scores["elpd"][i] - score
        scores["elpd"][i] = score
        scores["pareto_k"][i] = np.nan
        refitted[i] = True
    if failed:
        _warn(found, failed)
    points = found.draws.assign({name: (dim, own) for name, own in scores.items()} | {"refitted": (dim, refitted)})
    done = replace(found, draws=points.assign_attrs(good_k=found.good_k), picture="pareto")
    note = f" Sum {done.elpd:.1f}, standard error {done.se:.1f}, effective parameters {done.p:.1f}."
    note += f" Pareto k above {done.good_k:.2f}: {done.bad}." + (
        f" From new fits: {refitted.sum()}." if refitted.any() else ""
    )
    return replace(done, definition=done.definition + note)


def _warn(found: Validation, failed: dict[Any, str]) -> None:
    what = "row" if found.left_out == "row" else f"group of {found.left_out}"
    named = some(list(failed))
    reasons = "; ".join(dict.fromkeys(failed.values()))
    unreliable = f"Pareto k above {found.good_k:.2f} for {what} {named}: the scores are unreliable"
    warn(f"{unreliable}. {reasons[0].upper()}{reasons[1:]}.")


def _warn_of_errors(factor: Factor, errors: Array) -> None:
    if len(large := factor.levels[errors > LARGEST_ERROR]):
        warn(
            f"The scores of groups {some(list(large))} of {factor.label} are approximate: the integral over their "
            f"effects has a relative error above {LARGEST_ERROR}."
        )


def _relative_ess(posterior: Posterior) -> float:
    """Effective draws per draw, averaged over the parameters that are no group effects."""
    if posterior.dataset.sizes["chain"] == 1:
        return 1.0
    ess = arviz_stats.ess(varying(posterior.common), method="mean")
    found = np.concatenate([np.ravel(variable) for variable in ess.values()])
    return float(found.mean()) / posterior.size
