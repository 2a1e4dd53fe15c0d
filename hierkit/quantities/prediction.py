"""Predictions for new rows: in known groups, new ones, a typical one, or across the population."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import xarray as xr

from hierkit.errors import refusal
from hierkit.model.design import Design
from hierkit.model.new_rows import NewRows, read_new_rows, some, trials_column, trials_of
from hierkit.quantities.conditioning import condition, unconditioned
from hierkit.quantities.effects import student_t_note
from hierkit.quantities.held_out import degrees
from hierkit.quantities.outcomes import Linear, group_draws, means, outcomes, row_keys
from hierkit.quantities.predictor import read_draws
from hierkit.quantities.quantity import Quantity
from hierkit.quantities.row_draws import lazily

GROUPS = ("known", "new", "typical", "marginal")
KINDS = ("mean", "outcome")
MEANING = {
    "known": "the groups of {} as estimated",
    "new": "groups of {} that were fitted as estimated and others drawn from the effects' distribution, once a label",
    "typical": "the effects of {} zero",
    "marginal": "the effects of {} integrated out",
}


def predict(
    posterior: xr.Dataset,
    design: Design,
    new_rows: Any,
    groups: str | Mapping[str, str] = "known",
    kind: str = "mean",
    given: Any = None,
    random_seed: int = 0,
) -> Quantity:
    """What a model says of new rows.

    The linear predictor of a row is xβ + Σ_f z_f'u_f. "known": u as estimated; "new": as estimated for groups that were
    fitted, u ~ N(0, G) for other labels, the same for all rows of a label; "typical": u = 0; "marginal": u integrated
    over its distribution, for an outcome drawn for each row.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.
    new_rows : table
        pandas, polars, pyarrow, or anything else narwhals reads, with the predictors, nothing missing, and the columns
        of the factors that are known or new. Transformations and centring are those of the fit.
    groups : str or mapping of str to str
        One of the four for all factors, or for each factor by its label; factors not named are "known".
    kind : {"mean", "outcome"}
        The mean of the outcome (a probability for a Bernoulli one, of one trial for counts), or outcomes that could be
        observed (counts: successes in the row's trials).
    given : table, optional
        Rows with outcomes of groups that were not fitted: their effects are drawn given those rows, and all draws are
        weighted by what the rows say of the parameters, without a new fit.
    random_seed : int
        The same seed gives the same numbers, whatever the order of rows.

    Returns
    -------
    Quantity
        `mean` or `outcome` (chain, draw, row), rows counted from 0; in the outcome's units. Computed in parts when its
        table is asked for, so that a million rows are no trouble.

    Raises
    ------
    HierkitError
        For unknown words, labels under "known" that were not fitted, levels that a predictor did not have, missing
        values, and given rows without a new group.
    """
    roles = _roles(design, groups, given is not None)
    if kind not in KINDS:
        raise refusal(f"kind={kind!r}", "It is 'mean' or 'outcome'", "Choose one")
    asked = [label for label, role in roles.items() if role in ("known", "new")]
    rows = read_new_rows(design, new_rows, asked, trials_column(design) if kind == "outcome" else ())
    _refuse_unseen(design, rows, roles)
    draws, nu = read_draws(posterior, design, effects=bool(asked)), degrees(posterior, design)
    after = unconditioned(draws) if given is None else condition(design, draws, nu, given, random_seed)
    draws = draws.some(after.places)
    nu = tuple(None if own is None else own[after.places] for own in nu)
    linear = Linear(
        rows.matrices,
        draws,
        group_draws(design, draws, nu, rows, asked, after.effects, random_seed),
        tuple(f for f, role in enumerate(roles.values()) if role == "marginal"),
    )
    if kind == "mean":
        compute = partial(means, linear)
    else:
        compute = partial(outcomes, linear, nu, row_keys(rows.frame), trials_of(design, rows.frame), random_seed)
    values = lazily(compute, draws.chains, draws.draws, len(rows.frame))
    definition = _definition(design, rows, roles, kind) + student_t_note(posterior, design)
    return Quantity(xr.Dataset({kind: values}), definition + after.note)


def _roles(design: Design, groups: str | Mapping[str, str], conditioned: bool) -> dict[str, str]:
    """What is done about each factor."""
    labels = [factor.label for factor in design.factors]
    if isinstance(groups, Mapping):
        if unknown := [name for name in groups if name not in labels]:
            design.factor(unknown[0])
        roles = dict.fromkeys(labels, "known") | dict(groups)
    else:
        roles = dict.fromkeys(labels, groups)
    if wrong := [
        role for role in (*roles.values(), groups if isinstance(groups, str) else "known") if role not in GROUPS
    ]:
        raise refusal(
            f"groups={wrong[0]!r}",
            f"It is one of {', '.join(map(repr, GROUPS))}, for all factors or by factor",
            "Choose one",
        )
    if conditioned and (left := [label for label, role in roles.items() if role not in ("known", "new")]):
        raise refusal(
            f"given= adds rows, and groups of {left[0]!r} are {roles[left[0]]!r}",
            "With given= every factor is 'known' or 'new'",
            'Pass groups="new"',
        )
    return roles


def _refuse_unseen(design: Design, rows: NewRows, roles: Mapping[str, str]) -> None:
    for factor, labels in zip(design.factors, rows.unseen, strict=True):
        if labels and roles[factor.label] == "known":
            raise refusal(
                f"{factor.label!r} has groups that were not fitted: {some(labels)}",
                f"Known groups are {some([str(level) for level in factor.levels])}",
                f'Pass groups="new", or {{{factor.label!r}: "new"}}, to draw their effects',
            )


def _definition(design: Design, rows: NewRows, roles: Mapping[str, str], kind: str) -> str:
    if kind == "outcome":
        what = "Outcomes that could be observed" + (", successes in each row's trials" if design.formula.counts else "")
    elif design.outcome.family == "gaussian":
        what = "Mean of the outcome"
    else:
        what = "Probability of the event"
    parts = []
    for factor, labels in zip(design.factors, rows.unseen, strict=True):
        role = roles[factor.label]
        meaning = MEANING[role].format(factor.label)
        parts.append(f"{meaning}: {some(labels)} are new" if role == "new" and labels else meaning)
    return f"{what} of {design.outcome.label} for each row" + (f", with {'; '.join(parts)}." if parts else ".")
