"""Rows of new groups, added to a posterior without fitting again."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierkit.errors import HierkitWarning, refusal
from hierkit.model.design import Design
from hierkit.model.new_rows import NewRows, new_outcome, read_new_rows
from hierkit.model.terms import Array
from hierkit.quantities.held_out import Unknown, block_of, connected
from hierkit.quantities.integration import draw_effects
from hierkit.quantities.new_groups import generator
from hierkit.quantities.predictor import Draws, batches

FEW = 400  # effective draws: fewer do not carry a tail of 5 %


@dataclass(frozen=True, eq=False)
class Conditioned:
    """A posterior after more rows.

    Attributes
    ----------
    places : ndarray of int
        (sample,), which draws of the posterior it consists of, each as often as its weight says.
    effects : dict
        By the factor's place and the group's label, u of the new groups (sample, effect), aligned with `places`.
    note : str
        A sentence for the definition of what is computed from it.
    """

    places: NDArray[np.intp]
    effects: Mapping[tuple[int, str], Array]
    note: str


def unconditioned(draws: Draws) -> Conditioned:
    """The posterior as it is."""
    return Conditioned(np.arange(len(draws.beta)), {}, "")


def condition(design: Design, draws: Draws, nu: Sequence[Array | None], given: Any, seed: int) -> Conditioned:
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
    nu : sequence of (ndarray or None)
        (sample,) for each factor, degrees of freedom of Student-t effects.
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
        For a row without a new group, and for what `read_new_rows` and `new_outcome` refuse.

    Warns
    -----
    HierkitWarning
        If so few draws agree with the given rows that the model should be fitted again.
    """
    rows = read_new_rows(design, given, [factor.label for factor in design.factors], design.formula.outcome_columns)
    outcome = new_outcome(design, rows)
    trials = outcome.trials_of_each
    codes = rows.matrices.codes
    unknown = [own >= len(factor.levels) for own, factor in zip(codes, design.factors, strict=True)]
    _refuse_fitted(design, np.any(unknown, axis=0))
    log_weights, effects = np.zeros(len(draws.beta)), dict[tuple[int, str], Array]()
    for together in connected(len(outcome.y), codes, unknown):
        labels = [_label(design, rows, f, code) for f, code in together.groups]
        u, log_p = _draw(draws, nu, rows, together, outcome.y, trials, generator(seed, "given", *sorted(labels)))
        log_weights += log_p
        ends = np.cumsum([len(design.factors[f].effects) for f, _ in together.groups])[:-1]
        parts = np.split(u, ends, axis=1)
        effects |= {(f, label): own for (f, _), label, own in zip(together.groups, labels, parts, strict=True)}
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    ess = 1 / np.sum(weights**2)
    _warn(ess)
    at = (np.arange(len(weights)) + generator(seed, "resampling").uniform()) / len(weights)
    places = np.minimum(np.searchsorted(np.cumsum(weights), at), len(weights) - 1)
    note = f" Given {len(outcome.y)} rows of {len(effects)} new groups, which {ess:.0f} of {len(weights)} draws fit."
    return Conditioned(places, {key: u[places] for key, u in effects.items()}, note)


def _label(design: Design, rows: NewRows, f: int, code: int) -> str:
    return rows.unseen[f][code - len(design.factors[f].levels)]


def _draw(
    draws: Draws,
    nu: Sequence[Array | None],
    rows: NewRows,
    together: Unknown,
    y: Array,
    trials: Array,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """(sample, effect) and (sample,), the unknown effects given their rows, and log p of the rows."""
    found = []
    for part in batches(len(draws.beta), len(together.rows)):
        own = tuple(None if degree is None else degree[part] for degree in nu)
        found.append(draw_effects(block_of(draws.some(part), own, rows.matrices, together, y, trials), rng))
    return np.concatenate([u for u, _ in found]), np.concatenate([log_p for _, log_p in found])


def _refuse_fitted(design: Design, is_new: NDArray[np.bool_]) -> None:
    if is_new.all():
        return
    names = " and ".join(factor.label for factor in design.factors)
    raise refusal(
        f"given= has {int((~is_new).sum())} rows whose groups of {names} were all fitted, first in row "
        f"{int(is_new.argmin())}",
        "It adds rows of new groups; what more rows say of fitted groups needs a new fit",
        "Leave those rows out, or fit again with all rows",
    )


def _warn(ess: float) -> None:
    if ess < FEW:
        warnings.warn(
            f"The given rows fit only {ess:.0f} draws' worth of the posterior: results are rough. Fit again with them.",
            HierkitWarning,
            stacklevel=5,
        )
