"""What one unit of a predictor does: within groups, in a typical group, across the population."""

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from hierkit.arrays import Array
from hierkit.errors import check_word, refusal
from hierkit.integration.marginal_means import marginal_links, marginal_means
from hierkit.intervals import PLACE, beside
from hierkit.model.at_points import at_points, per_unit, zeros_like
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.matrices import Matrices, changed_matrices
from hierkit.model.points import sample_note
from hierkit.model.reference_rows import dim_of, is_measured, levels_of, predictor
from hierkit.model.spelling import safe_names
from hierkit.posterior.draws import Draws, averaging, common_part, in_batches, linear_predictor
from hierkit.posterior.posterior import Posterior, draws_note
from hierkit.posterior.quantity import Quantity

SlopeKind = Literal["conditional", "typical", "marginal"]
Scale = Literal["response", "link"]
Contrast = tuple[str, Matrices, Matrices, Array]
STEP = 1e-4  # of the predictor's sd, to each side
MOST_PLACES = 201  # groups whose slopes are kept as they are; of more, so many quantiles


def slopes(
    posterior: Posterior,
    variable: str,
    kind: SlopeKind = "conditional",
    scale: Scale = "response",
    by: str | None = None,
    factor: str | None = None,
) -> Quantity:
    """The average over rows of d mean / dx for a number, of the difference from the first level for a category.

    Averages are over rows, or over the trials of counts, within each draw. "conditional": each row in its own group;
    "typical": all group effects zero; "marginal": group effects integrated out.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    variable : str
        A predictor. A number with the two values 0 and 1 counts as a category.
    kind : {"conditional", "typical", "marginal"}
        Of which mean.
    scale : {"response", "link"}
        In units of the outcome (probability for a Bernoulli one), or of the linear predictor (log odds).
    by : str, optional
        A used column: averages over the rows of each of its values.
    factor : str, optional
        With several factors and kind "conditional": whose groups the spread is of; the first that has an effect of the
        variable, or else the first, if not given.

    Returns
    -------
    Quantity
        `average` (chain, draw, contrast, by), in units of the outcome or the link scale per unit of the predictor, with
        its interval: how well the average slope is known. For "conditional" without `by` also `groups` (chain, draw,
        contrast, place), the observed groups' own average slopes in order, of which the table shows `groups_lower` and
        `groups_upper`: between which values they lie, with `ci_prob` of them between; how much groups differ, not how
        well an average is known. Dims of one entry are left out.

    Raises
    ------
    HierkitError
        For an unknown predictor, kind, scale or column.
    """
    design = posterior.design
    check_word("kind", kind, get_args(SlopeKind))
    check_word("scale", scale, get_args(Scale))
    used = posterior.in_memory if kind == "conditional" else posterior
    draws = used.draws if kind == "conditional" else used.parameters
    contrasts, note = _contrasts(design.of_rows, variable), ""
    if design.points is not None and (by is None or by in design.points.cells):
        contrasts, note = _at_points(design, contrasts)
    elif design.points is not None:
        design, note = design.of_rows, sample_note(design)
    groups, names = _by(design, by)
    over_rows = averaging(groups, len(names), design.trials)
    own = _whose_spread(design, variable, factor) if kind == "conditional" and by is None else None
    over_groups = None if own is None else _over_groups(design, own)
    places = np.linspace(0, 1, 1 if over_groups is None else min(MOST_PLACES, over_groups.shape[1]))
    averages = np.empty((len(draws.beta), len(contrasts), len(names)))
    ordered = np.empty((len(draws.beta), len(contrasts), len(places)))

    def average(part: slice) -> None:
        for i, (_, low, high, distance) in enumerate(contrasts):
            after, before = (_means(draws, rows, part, kind, scale) for rows in (high, low))
            change = (after - before) / distance
            averages[part, i] = change @ over_rows
            if over_groups is not None:
                ordered[part, i] = np.quantile(change @ over_groups, places, axis=1).T

    in_batches(average, len(averages), len(groups), "slopes")
    labels = {"contrast": [label for label, *_ in contrasts]}
    values = {"average": draws.labelled(averages, {**labels, dim_of(by or "by"): names})}
    if over_groups is not None:
        values["groups"] = beside(draws.labelled(ordered, {**labels, PLACE: places}))
    dataset = xr.Dataset(values)
    alone = [dim for dim in ("contrast", "by") if dataset.sizes.get(dim) == 1]
    definition = _definition(design, variable, kind, scale, own) + note + draws_note(used, posterior)
    return Quantity(dataset.squeeze(alone, drop=True).assign_attrs(one_scale=True), definition)


def _whose_spread(design: Design, variable: str, factor: str | None) -> Factor | None:
    """The factor whose groups' own slopes are compared: the one named, or the first that has an effect of it."""
    if factor is not None:
        return design.factor(factor)
    name = safe_names(design.formula.columns)[variable]
    own = [f for f in design.factors if any(name in effect.variables for effect in f.effects)]
    return next(iter([*own, *design.factors]), None)


def _by(design: Design, by: str | None) -> tuple[NDArray[np.intp], list[Any]]:
    """Each row's, or each point's, place among the values of a column, and the values."""
    if by is None:
        return np.zeros(len(design.offset), dtype=np.intp), ["all"]
    points = None if design.sample is None else design.points
    frame = design.rows.frame if points is None else points.labels
    if by not in frame.columns:
        allowed = ", ".join(map(repr, map(str, frame.columns)))
        raise refusal(f"by={by!r} is not a used column", f"The formula uses {allowed}", "Name one of them")
    return _in_order(frame[by])


def _in_order(values: pd.Series) -> tuple[NDArray[np.intp], list[Any]]:
    """Each row's place among the values, which come in the order of their categories, or else sorted."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        used = values.cat.remove_unused_categories()
        return np.asarray(used.cat.codes, dtype=np.intp), list(used.cat.categories)
    names, places = np.unique(values.to_numpy(), return_inverse=True)
    return np.asarray(places, dtype=np.intp), list(names)


def _contrasts(design: Design, variable: str) -> list[Contrast]:
    """What is compared: a label, the rows before and after, and the distance between them."""
    values = predictor(design, variable)
    if is_measured(design, variable):
        x = values.to_numpy(dtype=np.float64)
        step = STEP * float(x.std())
        # a logarithm has no value outside
        below = np.maximum(x - step, x.min())
        above = np.minimum(x + step, x.max())
        low, high = (changed_matrices(design, {variable: moved}) for moved in (below, above))
        return [(variable, low, high, above - below)]
    levels = levels_of(design, variable)
    first = changed_matrices(design, {variable: levels[0]})
    return [
        (f"{level} - {levels[0]}", first, changed_matrices(design, {variable: level}), np.ones(1))
        for level in levels[1:]
    ]


def _at_points(design: Design, contrasts: list[Contrast]) -> tuple[list[Contrast], str]:
    """The same at the points of a design, for an outcome whose mean is linear; and a note where that is not exact."""
    found: list[Contrast] = []
    note = ""
    for label, low, high, distance in contrasts:
        change, is_exact = at_points(design, per_unit(low, high, distance))
        found.append((label, zeros_like(change), change, np.ones(len(change.offset))))
        note = note if is_exact else sample_note(design)
    return found, note


def _means(draws: Draws, rows: Matrices, part: slice, kind: SlopeKind, scale: Scale) -> Array:
    if kind == "marginal":
        return marginal_means(draws, rows, part) if scale == "response" else marginal_links(draws, rows, part)
    eta = linear_predictor(draws, rows, part) if kind == "conditional" else common_part(draws, rows, part)
    return draws.family.mean(eta) if scale == "response" else eta


def _over_groups(design: Design, factor: Factor) -> sparse.csr_array:
    """(row, group), the same for the groups that have trials."""
    averages = averaging(factor.codes, len(factor.levels), design.trials)
    return sparse.csr_array(averages[:, np.flatnonzero(design.sizes(factor) > 0)])


def _definition(design: Design, variable: str, kind: SlopeKind, scale: Scale, own: Factor | None) -> str:
    unit = design.link_unit if scale == "link" else design.response_unit
    where = {
        "conditional": "each row in its own group",
        "typical": "in a typical group, all group effects zero",
        "marginal": "across the population, group effects integrated out",
    }[kind]
    text = (
        f"Average over {design.unit}, within each draw, of the change of the mean for one unit of {variable}: {where}, "
        f"in {unit}. A category: the difference from its first level."
    )
    if own is not None:
        text += (
            f" groups_lower and groups_upper: between which values the groups of {own.label} have their own slopes, "
            "with the same probability between them as an interval has; their intervals are of those bounds."
        )
    return text
