"""Which share of the variance that predictors leave lies between groups."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.integration.marginal_means import mixture
from hierkit.model.design import Design
from hierkit.model.families import Mixture
from hierkit.model.matrices import Matrices
from hierkit.model.reference_rows import ReferenceRows, averaged, dim_of, grid_of, reference_rows
from hierkit.posterior.draws import Draws, common_part, group_variance
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity

ALL = "all"
NOTHING: Mixture = [(1.0, np.zeros(1))]


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
        `latent` (chain, draw, factor), v = σ² or π²/3, τ² = z'Gz at the mean row: numbers at their means, categories
        at all their levels, each with its share of the rows; `average`, τ² averaged over rows (Johnson 2014), where
        slopes vary; `response` for a Bernoulli outcome, Var(p) / (E p (1 - E p)) over groups at the mean row's Xβ. With
        several factors "all" is of all of them together. With `along` the variables have that predictor as a dim.
        Shares from 0 to 1. Rows are trials for counts. With weights v = σ² s̃² is the variance of a typical row, s̃² =
        (n - p) / Σ w (1 - h), h the leverages of the p columns; with known sds w = 1/s² and σ is 1, and the ICC of one
        group intercept is I² (Higgins and Thompson 2002). τ² of Student-t effects is their variance, nu / (nu - 2)
        times the square of their scale, at most a thousand times.

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
    rows = reference_rows(design, grid)
    variables = {"latent": _share(_between(draws, rows), draws)}
    if along is None and any(len(factor.effects) > 1 for factor in design.factors):
        variables["average"] = _share(average_variances(design, draws.covariances)[:, :, None], draws)
    if draws.family.variance_between is not None:
        variables["response"] = np.stack(list(_response(draws, rows, [_scales(draws, one) for one in rows])), axis=1)
    labels: dict[str, Any] = {"factor": _labels(design)} | {dim_of(name): values for name, values in grid.items()}
    arrays = {
        name: draws.labelled(values if along is not None else values[..., 0], labels)
        for name, values in variables.items()
    }
    return Quantity(xr.Dataset(arrays), _definition(design), picture="partition")


def average_variances(design: Design, covariances: Sequence[Array]) -> Array:
    """(sample, factor), tr(Z G Z') / n, the variance that each factor adds, averaged over rows or trials."""
    weights = design.trials / design.trials.sum()
    moments = [factor.Z.T @ (weights[:, None] * factor.Z) for factor in design.factors]
    return np.stack([np.einsum("sab,ab->s", G, m) for G, m in zip(covariances, moments, strict=True)], axis=1)


def average_icc(design: Design, draws: Draws) -> Array:
    """(sample, factor), each factor's ICC on the scale of the outcome, for its variance averaged over rows."""
    if draws.family.variance_between is None:
        between = average_variances(design, draws.covariances)
        return np.asarray(_share(between[:, :, None], draws)[:, : between.shape[1], 0])
    variances = average_variances(design, draws.G).T[:, :, None]
    rows = reference_rows(design)
    found = _response(draws, rows, [list(variances)] * len(rows))
    return np.stack([next(found) for _ in design.factors], axis=1)[:, :, 0]


def _between(draws: Draws, rows: list[ReferenceRows]) -> Array:
    """(sample, factor, place), the variance that each factor adds."""
    parts = [
        np.stack([group_variance(G, Z) for G, Z in zip(draws.covariances, one.matrices.Z, strict=True)], axis=1)
        for one in rows
    ]
    return averaged(rows, parts)


def _with_sum(between: Array) -> Array:
    """(sample, factor, place) with the sum over factors after them, where there are several."""
    return between if between.shape[1] == 1 else np.concatenate([between, between.sum(axis=1, keepdims=True)], axis=1)


def _share(between: Array, draws: Draws) -> Array:
    """Variances (sample, factor, place), and their sum, as shares of the total."""
    within = draws.latent_variance.reshape(-1, 1)
    shares: Array = _with_sum(between) / (between.sum(axis=1) + within)[:, None]
    return shares


def _scales(draws: Draws, rows: ReferenceRows) -> list[Array]:
    """(sample, place) for each factor, the variance that it adds, for Student-t effects that of their scale."""
    return [group_variance(G, Z) for G, Z in zip(draws.G, rows.matrices.Z, strict=True)]


def _response(draws: Draws, rows: list[ReferenceRows], variances: list[list[Array]]) -> Iterator[Array]:
    """(sample, place) for each factor and for all together, shares on the response scale.

    Both variances are averaged over the categories' levels, and then divided.
    """
    factors = list(range(len(draws.G)))
    for part in [*([f] for f in factors), *([factors] if len(factors) > 1 else [])]:
        found = [_variances(draws, one.matrices, own, part) for one, own in zip(rows, variances, strict=True)]
        between, whole = (averaged(rows, [pair[i] for pair in found]) for i in (0, 1))
        yield between / whole


def _variances(draws: Draws, rows: Matrices, variances: list[Array], part: list[int]) -> tuple[Array, Array]:
    """(sample, place) twice: the variance of means between groups of some factors, and that of an outcome."""
    eta = common_part(draws, rows)
    between, whole = np.empty(eta.shape), np.empty(eta.shape)
    others = [f for f in range(len(variances)) if f not in part]
    for i in range(eta.shape[1]):
        own, rest = (
            mixture([variances[f][:, i] for f in some], [draws.nu[f] for f in some]) if some else NOTHING
            for some in (part, others)
        )
        if draws.family.variance_between is not None:
            between[:, i], whole[:, i] = draws.family.variance_between(eta[:, i], own, rest)
    return between, whole


def _labels(design: Design) -> list[str]:
    labels = [factor.label for factor in design.factors]
    return labels if len(labels) == 1 else [*labels, ALL]


def _definition(design: Design) -> str:
    gaussian = design.family.is_linear
    latent = f"v = {design.outcome.variance_in_words}"
    scales = latent if gaussian else "on the latent scale with v = π²/3, on the response scale Var(p) / (p (1 - p))"
    text = (
        f"Intraclass correlation τ² / (τ² + v), from the variance components, {scales}. Evaluated at the mean row "
        "(numbers at their means, categories at all levels with their shares)"
    )
    if any(len(factor.effects) > 1 for factor in design.factors):
        text += ", where τ² = z'Gz, and with τ² averaged over rows (Johnson 2014)"
    if design.outcome.sd_is_known and [len(factor.effects) for factor in design.factors] == [1]:
        text += ". It is I² of a meta-analysis"
    return text + (f'. "{ALL}" is of all factors together.' if len(design.factors) > 1 else ".")
