"""Which share of the variance that predictors leave lies between groups."""

from typing import Any

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.design import Design
from hierkit.model.families import Family
from hierkit.model.matrices import Matrices
from hierkit.model.reference_rows import dim_of, grid_of, mean_row, typical_rows
from hierkit.posterior.draws import Draws, common_part, group_variance
from hierkit.posterior.posterior import Posterior, student_t_note
from hierkit.posterior.quantity import Quantity

ALL = "all"


def icc(posterior: Posterior, along: str | None = None) -> Quantity:
    """Intraclass correlation τ² / (τ² + v), from variance components alone.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    along : str, optional
        A numeric predictor: the ICC as a curve over its range, other predictors at their means.

    Returns
    -------
    Quantity
        `latent` (chain, draw, factor), v = σ² or π²/3, τ² = z'Gz at the mean row (predictors at their means or
        commonest levels); `average`, τ² averaged over rows (Johnson 2014), where slopes vary; `response` for a
        Bernoulli outcome, Var(p) / (E p (1 - E p)) over groups at the mean row's Xβ. With several factors "all" is of
        all of them together. With `along` the variables have that predictor as a dim. Shares from 0 to 1.

    Raises
    ------
    HierkitError
        Without a grouping factor, and for an unknown predictor.

    Notes
    -----
    On the response scale a rare event has a small ICC whatever the groups: report which one you mean (Nakagawa,
    Johnson and Schielzeth 2017; Merlo et al. 2016).
    """
    design = posterior.design
    if not design.factors:
        raise refusal("The model has no grouping factor", "An ICC compares groups", "Add a group term such as (1 | g)")
    draws = posterior.parameters
    grid = {} if along is None else {along: grid_of(design, along)}
    rows = typical_rows(design, grid) if grid else mean_row(design)
    between = _between(draws, rows)
    variables = {"latent": _share(between, draws)}
    if along is None and any(len(factor.effects) > 1 for factor in design.factors):
        variables["average"] = _share(average_variances(design, draws)[:, :, None], draws)
    if draws.family.share_between is not None:
        variables["response"] = _response(draws.family, common_part(draws, rows), between)
    labels: dict[str, Any] = {"factor": _labels(design)} | {dim_of(name): values for name, values in grid.items()}
    arrays = {
        name: draws.labelled(values if along is not None else values[..., 0], labels)
        for name, values in variables.items()
    }
    return Quantity(xr.Dataset(arrays), _definition(design) + student_t_note(posterior), picture="partition")


def average_variances(design: Design, draws: Draws) -> Array:
    """(sample, factor), tr(Z G Z') / n, the variance that each factor adds, averaged over rows (Johnson 2014)."""
    moments = [factor.Z.T @ factor.Z / len(factor.Z) for factor in design.factors]
    return np.stack([np.einsum("sab,ab->s", G, m) for G, m in zip(draws.G, moments, strict=True)], axis=1)


def response_icc(design: Design, draws: Draws, place: int) -> Array:
    """(sample,), one factor's ICC on the scale of the outcome: of the average row, for events that of the mean row."""
    if draws.family.share_between is None:
        return np.asarray(_share(average_variances(design, draws)[:, :, None], draws)[:, place, 0])
    rows = mean_row(design)
    return np.asarray(_response(draws.family, common_part(draws, rows), _between(draws, rows))[:, place, 0])


def _between(draws: Draws, rows: Matrices) -> Array:
    """(sample, factor, row), the variance that each factor adds."""
    return np.stack([group_variance(G, Z) for G, Z in zip(draws.G, rows.Z, strict=True)], axis=1)


def _with_sum(between: Array) -> Array:
    """(sample, factor, row) with the sum over factors after them, where there are several."""
    return between if between.shape[1] == 1 else np.concatenate([between, between.sum(axis=1, keepdims=True)], axis=1)


def _share(between: Array, draws: Draws) -> Array:
    """Variances (sample, factor, row), and their sum, as shares of the total."""
    within = draws.latent_variance.reshape(-1, 1)
    shares: Array = _with_sum(between) / (between.sum(axis=1) + within)[:, None]
    return shares


def _response(family: Family, eta: Array, between: Array) -> Array:
    """(sample, factor, row), the same on the response scale."""
    total = between.sum(axis=1)
    parts = _with_sum(between)
    result = np.empty(parts.shape)
    if family.share_between is None:
        return result
    for i in range(eta.shape[1]):
        for f in range(parts.shape[1]):
            rest = (total - parts[:, f])[:, i].clip(0)
            result[:, f, i] = family.share_between(eta[:, i], parts[:, f, i], rest)
    return result


def _labels(design: Design) -> list[str]:
    labels = [factor.label for factor in design.factors]
    return labels if len(labels) == 1 else [*labels, ALL]


def _definition(design: Design) -> str:
    gaussian = design.family.is_linear
    scales = "v = σ²" if gaussian else "on the latent scale with v = π²/3, on the response scale Var(p) / (p (1 - p))"
    text = f"Intraclass correlation τ² / (τ² + v), from the variance components, {scales}. Evaluated at the mean row"
    if any(len(factor.effects) > 1 for factor in design.factors):
        text += ", where τ² = z'Gz, and with τ² averaged over rows (Johnson 2014)"
    return text + (f'. "{ALL}" is of all factors together.' if len(design.factors) > 1 else ".")
