"""What one unit of a predictor does: within groups, in a typical group, across the population."""

from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from arviz_base import rcParams
from numpy.typing import NDArray
from scipy import sparse

from hierkit.arrays import Array
from hierkit.errors import check_word, refusal
from hierkit.model.design import Design
from hierkit.model.matrices import Matrices, changed_matrices
from hierkit.model.reference_rows import dim_of, is_measured, predictor
from hierkit.posterior.draws import Draws, common_part, in_batches, linear_predictor
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.marginal_coefficients import marginal_links, marginal_means

SlopeKind = Literal["conditional", "typical", "marginal"]
Scale = Literal["response", "link"]
STEP = 1e-4  # of the predictor's sd, to each side


def slopes(
    posterior: Posterior,
    variable: str,
    kind: SlopeKind = "conditional",
    scale: Scale = "response",
    by: str | None = None,
    factor: str | None = None,
) -> Quantity:
    """The average over rows of d mean / dx for a number, of the difference from the first level for a category.

    Averages are over rows within each draw. "conditional": each row in its own group; "typical": all group effects
    zero; "marginal": group effects integrated out.

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
        With several factors and kind "conditional": whose groups the spread is of; the first if not given.

    Returns
    -------
    Quantity
        `average` (chain, draw, contrast, by), in units of the outcome or the link scale per unit of the predictor, with
        its interval: how well the average slope is known. For "conditional" also `groups_lower` and `groups_upper`
        (chain, draw, contrast): between which values the observed groups' own average slopes lie, with ArviZ's
        `stats.ci_prob` of them between; how much groups differ, not how well an average is known. Dims of one entry are
        left out.

    Raises
    ------
    HierkitError
        For an unknown predictor, kind, scale or column.
    """
    design = posterior.design
    check_word("kind", kind, get_args(SlopeKind))
    check_word("scale", scale, get_args(Scale))
    draws = posterior.draws if kind == "conditional" else posterior.parameters
    groups, names = _by(design, by)
    contrasts = _contrasts(design, variable)
    over_rows, over_groups = _averaging(groups, len(names)), None
    if kind == "conditional" and design.factors:
        own = design.factor(factor) if factor else design.factors[0]
        over_groups = _averaging(own.codes, len(own.levels))
    tails = (1 - rcParams["stats.ci_prob"]) / 2 * np.array([1, -1]) + np.array([0, 1])
    averages = np.empty((len(draws.beta), len(contrasts), len(names)))
    bounds = np.empty((len(draws.beta), len(contrasts), 2))

    def average(part: slice) -> None:
        for i, (_, low, high, distance) in enumerate(contrasts):
            after, before = (_means(draws, rows, part, kind, scale) for rows in (high, low))
            change = (after - before) / distance
            averages[part, i] = change @ over_rows
            if over_groups is not None:
                bounds[part, i] = np.quantile(change @ over_groups, tails, axis=1).T

    in_batches(average, len(averages), len(groups))
    labels = {"contrast": [label for label, *_ in contrasts]}
    values = {"average": draws.labelled(averages, {**labels, dim_of(by or "by"): names})}
    if over_groups is not None:
        values["groups_lower"] = draws.labelled(bounds[..., 0], labels)
        values["groups_upper"] = draws.labelled(bounds[..., 1], labels)
    dataset = xr.Dataset(values)
    alone = [dim for dim in ("contrast", "by") if dataset.sizes.get(dim) == 1]
    definition = _definition(design, variable, kind, scale, over_groups is not None)
    return Quantity(dataset.squeeze(alone, drop=True).assign_attrs(one_scale=True), definition)


def _by(design: Design, by: str | None) -> tuple[NDArray[np.intp], list[Any]]:
    """Each row's place among the values of a column, and the values."""
    frame = design.rows.frame
    if by is None:
        return np.zeros(len(frame), dtype=np.intp), ["all"]
    if by not in frame.columns:
        allowed = ", ".join(map(repr, map(str, frame.columns)))
        raise refusal(f"by={by!r} is not a used column", f"The formula uses {allowed}", "Name one of them")
    names, places = np.unique(frame[by].to_numpy(), return_inverse=True)
    return places, list(names)


def _contrasts(design: Design, variable: str) -> list[tuple[str, Matrices, Matrices, Array]]:
    """What is compared: a label, the rows before and after, and the distance between them."""
    values = predictor(design, variable)
    if is_measured(design, variable) and set(values.unique()) != {0, 1}:
        step, x = STEP * float(values.std()), values.to_numpy(dtype=np.float64)
        # a logarithm has no value outside
        below = np.maximum(x - step, x.min())
        above = np.minimum(x + step, x.max())
        low, high = (changed_matrices(design, {variable: moved}) for moved in (below, above))
        return [(variable, low, high, above - below)]
    levels = list(values.cat.categories) if hasattr(values, "cat") else sorted(values.unique())
    first = changed_matrices(design, {variable: levels[0]})
    return [
        (f"{level} - {levels[0]}", first, changed_matrices(design, {variable: level}), np.ones(1))
        for level in levels[1:]
    ]


def _means(draws: Draws, rows: Matrices, part: slice, kind: SlopeKind, scale: Scale) -> Array:
    if kind == "marginal":
        return marginal_means(draws, rows, part) if scale == "response" else marginal_links(draws, rows, part)
    eta = linear_predictor(draws, rows, part) if kind == "conditional" else common_part(draws, rows, part)
    return draws.family.mean(eta) if scale == "response" else eta


def _averaging(places: NDArray[np.intp], size: int) -> sparse.csr_array:
    """(row, place), what (sample, row) is multiplied by for averages over the rows of each place."""
    shares = 1 / np.bincount(places, minlength=size)[places]
    return sparse.csr_array((shares, (np.arange(len(places)), places)), shape=(len(places), size))


def _definition(design: Design, variable: str, kind: SlopeKind, scale: Scale, spread: bool) -> str:
    unit = design.link_unit if scale == "link" else design.response_unit
    where = {
        "conditional": "each row in its own group",
        "typical": "in a typical group, all group effects zero",
        "marginal": "across the population, group effects integrated out",
    }[kind]
    text = (
        f"Average over rows, within each draw, of the change of the mean for one unit of {variable}: {where}, in "
        f"{unit}. A category: the difference from its first level."
    )
    if spread:
        text += (
            " groups_lower and groups_upper bound the observed groups' own slopes; their intervals are of those bounds."
        )
    return text
