"""How well a model predicts what it has not seen: rows left out, and whole groups left out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.cores import on_all_cores
from hierkit.errors import SamplingWarning, warn
from hierkit.integration.new_groups import generator
from hierkit.integration.unknown_groups import log_density, without
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.labels import some
from hierkit.model.matrices import fitted_matrices
from hierkit.model.points import check_keeps_rows
from hierkit.model.reference_rows import dim_of
from hierkit.model.subset import one_trial_apart
from hierkit.posterior.draws import Draws, log_likelihood
from hierkit.posterior.posterior import Posterior, draws_note
from hierkit.tasks import in_threads
from hierkit.validation.importance import check_draws, good_k, smoothed
from hierkit.validation.refits import Refit, Scored, score_without
from hierkit.validation.validation import Validation

NOT_ASKED = Scored(None, "with refit=True the model is fitted again without each of these")
LARGEST_ERROR = 0.3  # of importance sampling over effects, relative

Score = Callable[[int], Scored]  # by place: of what is left out there, from a new fit


def loo(posterior: Posterior, refit: bool = False, fit_again: Refit | None = None) -> Validation:
    """Leave one row out: log p(y_i | all other rows), the row's group still known by its other rows.

    Pareto-smoothed importance sampling of the draws with weights 1 / p(y_i | θ, u) (Vehtari, Gelman and Gabry 2017).
    Of a frequency table, events with `weights=` their numbers, one trial is left out at a time, so that the scores are
    those of the table with a row for each trial. A row of counts, `p(successes, trials)`, is left out whole.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    refit : bool
        Whether the model is fitted again without each row whose Pareto k is too large.
    fit_again : callable
        From the design of some rows to the posterior of the same model given those, and what is wrong with its draws;
        needed with `refit`. New fits run in threads, or on the Dask cluster of the current client.

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
    check_keeps_rows(design, "loo()")
    given, posterior = posterior, posterior.in_memory
    check_draws(posterior)
    draws = posterior.draws
    rows = fitted_matrices(design)
    outcome = design.outcome.of_one_trial if design.outcome.is_frequencies else design.outcome

    def log_p(part: slice) -> Array:
        places = np.arange(part.start, part.stop)
        return log_likelihood(draws, rows.at(places), outcome.at(places))

    points = smoothed(posterior, log_p, len(outcome.y))
    points = points.rename(point="row").assign_coords(row=design.rows.positions)
    groups = {dim_of(factor.label): ("row", factor.levels[factor.codes]) for factor in design.factors}
    definition = (
        "Leave one row out: log p(y_i | all other rows), the row's group still known by its other rows, by "
        "Pareto-smoothed importance sampling (Vehtari et al. 2017)."
    )
    if design.outcome.is_frequencies:
        definition = (
            "Leave one trial out: log p of its outcome given all other trials, its group still known by those, by "
            "Pareto-smoothed importance sampling (Vehtari et al. 2017). elpd and p of a row are sums over its n trials."
        )
        n = design.trials
        points = points.assign(elpd=points["elpd"] * n, p=points["p"] * n, n=("row", n.astype(np.intp)))
    definition += draws_note(posterior, given)
    left = (design.outcome, design.rows.positions, np.arange(len(outcome.y)))
    found = Validation(points.assign(groups), definition, "row", *left, good_k(len(draws.beta)))
    return _completed(found, _without_row(design, draws, fit_again) if refit and fit_again else None)


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
    check_keeps_rows(design, "logo()")
    chosen = factor if isinstance(factor, Factor) else design.factor(factor)
    given, posterior = posterior, posterior.in_memory
    check_draws(posterior)
    draws, rows = posterior.draws, fitted_matrices(design)
    left_out = np.split(np.argsort(chosen.codes, kind="stable"), np.cumsum(chosen.counts)[:-1])
    values = np.empty((len(draws.beta), len(left_out)))
    errors = np.empty(len(left_out))

    def leave(j: int) -> None:
        rng = generator(random_seed, "logo", chosen.label, str(chosen.levels[j]))
        values[:, j], errors[j] = log_density(draws, rows, without(design, left_out[j]), design.outcome, rng)

    on_all_cores(leave, range(len(left_out)), "logo")
    points = smoothed(posterior, lambda part: values[:, part], len(left_out))
    points = points.rename(point="group").assign_coords(group=chosen.levels).assign(n=("group", design.sizes(chosen)))
    definition = (
        f"Leave one group of {chosen.label} out: log p(y_j | all other groups), its rows jointly and its effects "
        "integrated out, by Pareto-smoothed importance sampling of the draws."
    )
    if errors.any():
        points = points.assign(integration_error=("group", errors))
        definition += " integration_error: the relative standard error of p(y_j) in one draw."
        _warn_of_errors(chosen, errors)
    definition += draws_note(posterior, given)
    left = (design.outcome, design.rows.positions, chosen.codes)
    found = Validation(points, definition, chosen.label, *left, good_k(len(draws.beta)))
    return _completed(found, _without_group(design, draws, left_out, fit_again) if refit and fit_again else None)


def _without_row(design: Design, draws: Draws, fit_again: Refit) -> Score:
    """The score of a row, or of a row's trials, from a fit without the row, or without one of the trials."""

    def score(row: int) -> Scored:
        if not design.outcome.is_frequencies:
            return score_without(design, draws, np.array([row]), fit_again)
        apart = one_trial_apart(design, row)
        found = score_without(apart, draws, np.array([len(design.offset)]), fit_again)
        return found if found.score is None else Scored(found.score * float(design.trials[row]), found.note)

    return score


def _without_group(design: Design, draws: Draws, left_out: Sequence[NDArray[np.intp]], fit_again: Refit) -> Score:
    """The score of a group from a fit without its rows."""
    return lambda group: score_without(design, draws, left_out[group], fit_again)


def _completed(found: Validation, again: Score | None) -> Validation:
    """The same with scores from new fits where importance sampling does not reach, or a warning of that."""
    dim = "row" if found.left_out == "row" else "group"
    scores = {name: found.draws[name].values.copy() for name in ("elpd", "pareto_k", "p")}
    refitted, failed = np.zeros(len(scores["p"]), dtype=bool), dict[Any, str]()
    bad = np.flatnonzero(~(scores["pareto_k"] <= found.good_k)).tolist()
    rough = []
    fits = in_threads(again, bad, "new fits", None) if again else [NOT_ASKED] * len(bad)
    for i, (score, note) in zip(bad, fits, strict=True):
        if score is None:
            failed[found.draws[dim].values[i]] = note
            continue
        scores["p"][i] += scores["elpd"][i] - score
        scores["elpd"][i] = score
        scores["pareto_k"][i] = np.nan
        refitted[i] = True
        if note:
            rough.append((found.draws[dim].values[i], note))
    if failed:
        _warn(found, failed)
    if rough:
        what, trouble = rough[0]
        rest = f" ({len(rough)} such fits)" if len(rough) > 1 else ""
        warn(f"The fit without {dim} {what}{rest}: {trouble} The score is rough.", SamplingWarning)
    points = found.draws.assign({name: (dim, own) for name, own in scores.items()} | {"refitted": (dim, refitted)})
    done = replace(found, draws=points.assign_attrs(good_k=found.good_k), picture="pareto")
    note = f" Sum {done.elpd:.1f}, standard error {done.se:.1f}, effective parameters {done.p:.1f}."
    note += f" Pareto k above {done.good_k:.2f}: {done.bad}."
    note += f" From new fits: {refitted.sum()}." if refitted.any() else ""
    return replace(done, definition=done.definition + note)


def _warn(found: Validation, failed: dict[Any, str]) -> None:
    what = {"trial": "a trial of row"}.get(found.unit, found.unit)
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
