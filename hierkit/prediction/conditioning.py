"""Rows of new groups, added to a posterior without fitting again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import refusal, warn
from hierkit.integration.integrals import draw_effects
from hierkit.integration.new_groups import generator
from hierkit.integration.unknown_groups import Unknown, block_of, connected, log_density
from hierkit.model.design import Design
from hierkit.model.new_rows import NewRows, new_outcome, read_new_rows, weight_columns
from hierkit.model.outcome import Outcome
from hierkit.posterior.draws import Draws, batches

FEW, TOO_FEW = 400, 20  # effective draws: a tail of 5% needs some hundreds


@dataclass(frozen=True, eq=False)
class Conditioned:
    """A posterior after more rows.

    Attributes
    ----------
    draws : Draws
        Each draw as often as the given rows say; no chains any more.
    effects : dict
        By the factor's place and the group's label, u of the new groups (sample, effect).
    note : str
        A sentence for the definition of what is computed from it.
    """

    draws: Draws
    effects: Mapping[tuple[int, str], Array]
    note: str


def condition(design: Design, draws: Draws, given: Any, seed: int) -> Conditioned:
    """The posterior given rows of new groups besides those that were fitted.

    p(θ, u | y, y') ∝ p(θ | y) p(y' | θ) p(u | θ, y'): draws θ are resampled in proportion to the density of the given
    rows with the new effects integrated out, and u is drawn given them, exactly for a Gaussian outcome and by
    importance sampling for a Bernoulli one.

    Parameters
    ----------
    design : Design
        Of the fit.
    draws : Draws
        With group effects.
    given : table
        Predictors, outcome and groups; every row in a group that was not fitted, of one factor at least.
    seed : int
        The same seed gives the same numbers, whatever the order of rows.

    Returns
    -------
    Conditioned

    Raises
    ------
    HierkitError
        For a row without a new group, for rows that next to no draw agrees with, and for what `read_new_rows` and
        `new_outcome` refuse.

    Warns
    -----
    HierkitWarning
        If so few draws agree with the given rows that the model should be fitted again.
    """
    labels = [factor.label for factor in design.factors]
    columns = {*design.formula.outcome_columns, *weight_columns(design)}
    rows = read_new_rows(design, given, labels, columns, "given=")
    outcome = new_outcome(design, rows)
    unknown = [own >= len(factor.levels) for own, factor in zip(rows.matrices.codes, design.factors, strict=True)]
    _refuse_fitted(design, np.any(unknown, axis=0))
    blocks = {
        tuple(sorted(_label(design, rows, f, code) for f, code in together.groups)): together
        for together in connected(len(outcome.y), rows.matrices.codes, unknown)
    }
    log_weights = np.zeros(len(draws.beta))
    for names, together in blocks.items():
        rng = generator(seed, "density", *names)
        log_weights += log_density(draws, rows.matrices, together, outcome, rng)[0]
    places, ess = _resampled(log_weights, generator(seed, "resampling"))
    draws, effects = draws.some(places), dict[tuple[int, str], Array]()
    for names, together in blocks.items():
        u = _draw(draws, rows, together, outcome, generator(seed, "given", *names))
        ends = np.cumsum([len(design.factors[f].effects) for f, _ in together.groups])[:-1]
        for (f, code), own in zip(together.groups, np.split(u, ends, axis=1), strict=True):
            effects[f, _label(design, rows, f, code)] = own
    note = (
        f" Reweighted by {len(outcome.y)} rows of {_counted(len(effects))}: {ess:,.0f} effective draws of "
        f"{len(places):,}, no longer in chains."
    )
    return Conditioned(draws, effects, note)


def _counted(groups: int) -> str:
    return f"{groups} new group{'' if groups == 1 else 's'}"


def _label(design: Design, rows: NewRows, f: int, code: int) -> str:
    return rows.unseen[f][code - len(design.factors[f].levels)]


def _resampled(log_weights: Array, rng: np.random.Generator) -> tuple[NDArray[np.intp], float]:
    """Systematic resampling: (sample,), the draws to take, and how many different ones they are worth."""
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    ess = float(1 / np.sum(weights**2))
    if ess < TOO_FEW:
        raise refusal(
            f"Given these rows the {len(weights):,} draws are worth {ess:.0f}",
            f"Reweighting needs some hundreds ({TOO_FEW} at the least)",
            "Fit again with these rows added",
        )
    if ess < FEW:
        warn(
            f"Given these rows the {len(weights):,} draws are worth {ess:.0f}: intervals are rough. Fit again with "
            "these rows added."
        )
    at = (np.arange(len(weights)) + rng.uniform()) / len(weights)
    return np.minimum(np.searchsorted(np.cumsum(weights), at), len(weights) - 1), ess


def _draw(draws: Draws, rows: NewRows, together: Unknown, outcome: Outcome, rng: np.random.Generator) -> Array:
    """(sample, effect), the unknown effects given their rows."""
    parts = batches(len(draws.beta), len(together.rows))
    blocks = (block_of(draws.some(part), rows.matrices, together, outcome) for part in parts)
    return np.concatenate([draw_effects(block, rng) for block in blocks])


def _refuse_fitted(design: Design, is_new: NDArray[np.bool_]) -> None:
    if np.all(is_new) and design.factors:
        return
    names = " and ".join(factor.label for factor in design.factors)
    raise refusal(
        f"given= has {int((~is_new).sum())} rows whose groups of {names} are all known, first in row "
        f"{int(is_new.argmin())}"
        if design.factors
        else "given= adds rows of new groups, and the model has no groups",
        "given= adds rows of new groups only; other rows need a new fit",
        "Leave those rows out, or fit again with all rows",
    )
