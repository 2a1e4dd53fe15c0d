"""Predictions for new rows: in known groups, new ones, a typical one, or across the population."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import check_word, refusal
from hierkit.model.design import Design
from hierkit.model.labels import some
from hierkit.model.new_rows import NewRows, read_new_rows, row_weights, weight_columns
from hierkit.model.reference_rows import dim_of
from hierkit.posterior.draws import flat
from hierkit.posterior.lazy import Places, Samples, lazily
from hierkit.posterior.posterior import Posterior, draws_note
from hierkit.posterior.quantity import Quantity
from hierkit.prediction.cells import read_cells
from hierkit.prediction.conditioning import Conditioned, condition
from hierkit.prediction.outcomes import Linear, group_draws, means, outcomes, row_keys

Groups = Literal["known", "new", "typical", "marginal"]
BY_LABEL = ("known", "new")
PredictionKind = Literal["mean", "outcome"]


def predict(
    posterior: Posterior,
    new_rows: Any,
    groups: Groups | Mapping[str, Groups] = "known",
    kind: PredictionKind = "mean",
    given: Any = None,
    weights: str | None = None,
    by: str | Sequence[str] | None = None,
    random_seed: int = 0,
) -> Quantity:
    """Predictions for new rows.

    The linear predictor of a row is xβ + Σ_f z_f'u_f. "known": u as estimated; "new": as estimated for groups that were
    fitted, u ~ N(0, G) for other labels, the same for all rows of a label; "typical": u = 0; "marginal": u integrated
    out for a mean, and a fresh u for each row for an outcome.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
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
        weighted by what the rows say of the parameters, without a new fit. Those groups count as known.
    weights : str, optional
        A column of the new rows, such as how many people each cell of a census holds: predictions are averaged within
        each draw, weighted by it (poststratification).
    by : str or sequence of str, optional
        Columns of the new rows: averages over the rows of each of their values. Without `weights` rows count alike.
    random_seed : int
        The same seed gives the same numbers, whatever the order of rows.

    Returns
    -------
    Quantity
        `mean` or `outcome` (chain, draw, row), rows counted from 0; in the outcome's units. Beside it the group of each
        row (row) for each factor that is known or new. Draws are computed when they are used, and a table in parts, so
        that memory stays bounded whatever the number of rows; the effects of the rows' groups are kept, and of very
        many groups in fewer draws. With `weights` or `by`, averages (chain, draw, cell), or
        (chain, draw, <by>) with one column, and beside them the sum of weights, or how many rows there are, as `n`.

    Raises
    ------
    HierkitError
        For unknown words and columns, labels under "known" that were not fitted, levels that a predictor did not have,
        missing values, weights that are negative or no numbers, and given rows without a new group.

    Warns
    -----
    HierkitWarning
        If few draws agree with the given rows.
    """
    posterior = posterior.of_rows
    design = posterior.design
    check_word("kind", kind, get_args(PredictionKind))
    roles = roles_of(design, groups)
    asked = [label for label, role in roles.items() if role in BY_LABEL]
    _check_given(given, roles)
    rows = read_new_rows(design, new_rows, asked, weight_columns(design) if kind == "outcome" else ())
    used = _within_memory(posterior, rows, asked) if given is None else posterior.in_memory
    draws = used.parameters
    after = Conditioned(draws, {}, "") if given is None else condition(design, used.draws, given, random_seed)
    drawn = _drawn(design, rows, after)
    _refuse_unseen(design, drawn, roles)
    integrated = tuple(f for f, role in enumerate(roles.values()) if role == "marginal")
    known = partial(_known, used) if given is None else None
    effects = group_draws(design, after.draws, rows, asked, after.effects, random_seed, known)
    linear = Linear(rows.matrices, after.draws, effects, integrated)
    if kind == "mean":
        compute = partial(means, linear)
    else:
        compute = partial(outcomes, linear, row_keys(design, rows), row_weights(design, rows.frame), random_seed)
    values = lazily(
        partial(_some, compute), {"chain": draws.chains, "draw": draws.draws, "row": np.arange(len(rows.frame))}
    )
    beside = {dim_of(label): ("row", own) for label, own in rows.labels.items()}
    definition = _definition(design, drawn, roles, kind) + after.note + draws_note(used, posterior)
    if weights is None and by is None:
        return Quantity(xr.Dataset({**beside, kind: values}), definition)
    cells = read_cells(new_rows, weights, by)
    averages = cells.averages(compute, after.draws)
    return Quantity(xr.Dataset({**cells.beside, kind: averages}), definition + cells.in_words)


def _some(compute: Callable[[Places], Array], places: Places, samples: Samples) -> Array:
    """(row, sample), of some rows in some draws."""
    return compute(places)[:, samples]


def _within_memory(posterior: Posterior, rows: NewRows, asked: Sequence[str]) -> Posterior:
    """As many draws as memory holds with the effects of the groups that rows belong to."""
    places = zip(posterior.design.factors, rows.matrices.codes, strict=True)
    return posterior.within_memory(
        sum(len(np.unique(own)) * len(factor.effects) for factor, own in places if factor.label in asked)
    )


def _known(posterior: Posterior, f: int, places: NDArray[np.intp]) -> Array:
    """(group, effect, sample), the effects of some groups that were fitted."""
    u = posterior.effects(posterior.design.factors[f]).u
    return np.moveaxis(flat(u.isel(group=places)), 0, -1)


def roles_of(design: Design, groups: Groups | Mapping[str, Groups]) -> dict[str, Groups]:
    """What is done about each factor."""
    labels = [factor.label for factor in design.factors]
    if not isinstance(groups, Mapping):
        check_word("groups", groups, get_args(Groups))
        return dict.fromkeys(labels, groups)
    for label, role in groups.items():
        design.factor(label)
        check_word(f"groups[{label!r}]", role, get_args(Groups))
    return {label: groups.get(label, "known") for label in labels}


def _check_given(given: Any, roles: Mapping[str, Groups]) -> None:
    others = [label for label, role in roles.items() if role not in BY_LABEL]
    if given is not None and others:
        raise refusal(
            f"given= adds rows of new groups, and the effects of {others[0]!r} are {roles[others[0]]!r}",
            "With given= every factor is 'known' or 'new'",
            "Pass either given= or groups=, not both",
        )


def _drawn(design: Design, rows: NewRows, after: Conditioned) -> dict[str, list[str]]:
    """The labels of each factor whose effects are drawn from their distribution."""
    unseen = zip(design.factors, rows.unseen, strict=True)
    return {
        factor.label: [label for label in labels if (f, label) not in after.effects]
        for f, (factor, labels) in enumerate(unseen)
    }


def _refuse_unseen(design: Design, drawn: Mapping[str, list[str]], roles: Mapping[str, Groups]) -> None:
    for factor in design.factors:
        if drawn[factor.label] and roles[factor.label] == "known":
            raise refusal(
                f"{factor.label!r} has unseen groups: {some(drawn[factor.label])}",
                f"The groups in the fitted rows are {some(list(factor.levels))}",
                f'Check the labels, or pass groups={{"{factor.label}": "new"}} to draw their effects, "typical" for a '
                'group of effect zero, or "marginal" for the mean over all groups',
            )


def _definition(
    design: Design, drawn: Mapping[str, list[str]], roles: Mapping[str, Groups], kind: PredictionKind
) -> str:
    outcome = design.outcome
    if kind == "outcome":
        what = f"Simulated successes of {outcome.label} in each row's trials" if outcome.is_counts else ""
        what = what or f"Simulated {outcome.label} of each row"
    elif outcome.family.is_linear:
        what = f"Mean of {outcome.label} for each row"
    elif outcome.is_counts:
        what = f"Probability of a success of {outcome.label} for each row"
    else:
        what = f"Probability that {outcome.label} is {1 if outcome.event is None else outcome.event} for each row"
    parts = []
    for label, role in roles.items():
        meaning = {
            "known": f"effects of {label} as estimated",
            "new": f"effects of {label} as estimated",
            "typical": f"effects of {label} zero (a typical group)",
            "marginal": f"effects of {label} integrated out"
            if kind == "mean"
            else f"a fresh effect of {label} per row",
        }[role]
        parts.append(meaning)
        if role == "new" and drawn[label]:
            parts.append(f"each new label ({some(drawn[label])}) with one draw from N(0, G)")
    return what + (f", {', '.join(parts)}." if parts else ".")
