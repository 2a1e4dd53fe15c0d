"""Whether the group effects look normal, and which groups do not fit."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from hierkit.arrays import Array
from hierkit.model.groups import Factor
from hierkit.model.own_coefficients import common_in_effects
from hierkit.posterior.draws import at_centre, flat, in_batches
from hierkit.posterior.effects import labels_of
from hierkit.posterior.information import information, posterior_covariance, times
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.shrinkage_factors import factors_of_sums

INFORMATIVE = 0.01  # of τ²: groups below are treated as uninformative
DRAWS = 200  # that what groups are compared with is averaged over
FEWEST_DEGREES = 1  # of freedom, of the other groups
RANK = 1e-9
LARGEST_LEVERAGE = 0.99  # a group that alone determines a coefficient has no distance from it
LEVEL = 0.05
SIMULATIONS, FEWEST_SIMULATIONS = 2000, 100
MOST_SIMULATED = 4_000_000  # numbers
FEW_GROUPS = 10


def blup_qq(posterior: Posterior, factor: str | None = None) -> Quantity:
    """Posterior means of group effects, in units of what the other groups show, against normal quantiles.

    r_j = E u_j / sqrt(τ² - v_j), v_j the variance of u_j given all else, is standard normal under the model but for a
    scale, because with few groups the posterior mean of τ² is too large. In units of the other groups, with what the
    common coefficients take of each, it is Student-t; `standardised` is the normal number of the same probability.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        No draws: `standardised`, `expected` (normal quantile at its rank), `lower`, `upper` (simultaneous 95%
        envelope) (group, effect); `distance` (group), over effects, on the scale of a χ² with one degree of freedom for
        each, and `expected_distance` (χ² quantile at its rank); `outlying` (group), whether the distance is one that
        any group in all would exceed with a probability of 5%. Uninformative groups (τ² - v_j near 0) are missing.

    Raises
    ------
    HierkitError
        For an unknown factor.

    Notes
    -----
    Lange and Ryan (1989) standardise by sqrt(τ² - v_j); the others' scale is that of an externally studentised residual
    (Cook and Weisberg 1982, ch. 2). Shrunken effects look more normal than they are: this names outlying groups, and is
    no test of normality.
    """
    design = posterior.design
    chosen = design.factor(factor)
    centred = _moments(posterior, chosen)
    found = _of_formula(centred, chosen.T)
    variances = np.diagonal(found.gain, axis1=1, axis2=2)
    informative = variances > INFORMATIVE * found.G.diagonal()
    alone = found.mean / np.sqrt(np.where(informative, variances, 1.0))
    standardised, expected, lower, upper = (np.full(alone.shape, np.nan) for _ in range(4))
    for k in range(alone.shape[1]):
        known = informative[:, k]
        if not known.any():
            continue
        leverage = _leverage(found.shares[known, k], variances[known, k])
        standardised[known, k] = studentised(alone[known, k], leverage)
        order = np.argsort(np.argsort(standardised[known, k]))
        for values, target in zip(_envelope(int(known.sum())), (expected, lower, upper), strict=True):
            target[known, k] = values[order]
    distance, quantiles, outlying = _distances(centred)
    by_effect = {"standardised": standardised, "expected": expected, "lower": lower, "upper": upper}
    arrays: dict[str, Any] = {name: (("group", "effect"), values) for name, values in by_effect.items()}
    by_group = {"n": design.sizes(chosen), "distance": distance, "expected_distance": quantiles, "outlying": outlying}
    coords = {"group": chosen.levels, "effect": [effect.label for effect in chosen.effects]}
    arrays |= {name: ("group", values) for name, values in by_group.items()}
    dataset = xr.Dataset(arrays, coords=coords, attrs=labels_of(design, chosen))
    return Quantity(dataset, _definition(chosen, outlying, informative), picture="qq")


@dataclass(frozen=True, eq=False)
class Moments:
    """What group effects are compared with: of effects at the centre, or of those of the formula.

    Attributes
    ----------
    mean : ndarray
        (group, effect), posterior means.
    gain : ndarray
        (group, effect, effect), their covariance under the model, G less the posterior one given all else; averaged
        over draws.
    G : ndarray
        (effect, effect), the effects' covariance, averaged over the same draws.
    shares : ndarray
        (group, effect, column), what common coefficients, which are estimated too, contribute to each.
    """

    mean: Array
    gain: Array
    G: Array
    shares: Array


def outlying_groups(posterior: Posterior, factor: Factor) -> NDArray[Any]:
    """The labels of the groups that `blup_qq` calls outlying, without its envelope."""
    return np.asarray(factor.levels[_distances(_moments(posterior, factor))[2]])


def studentised(values: Array, leverage: Array) -> Array:
    """(..., group), each value in units of the others, as the normal number of the same probability.

    Parameters
    ----------
    values : ndarray
        (..., group), normal with mean zero and a common sd, less what was estimated from them.
    leverage : ndarray
        (group,), how much of each value that took.
    """
    others = values.shape[-1] - leverage.sum() - 1
    if others < FEWEST_DEGREES:
        return np.full(values.shape, np.nan)
    own = values**2 / (1 - leverage)
    rest = ((values**2).sum(axis=-1, keepdims=True) - own) / others
    tails = np.maximum(stats.t.sf(np.sqrt(_ratio(own, rest)), others), np.finfo(float).tiny)
    return np.asarray(np.sign(values) * stats.norm.isf(tails))


def _ratio(own: Array, rest: Array) -> Array:
    """How large each group's square is beside the others'; infinite where these do not differ at all."""
    with np.errstate(over="ignore"):
        return np.asarray(own / np.maximum(rest, np.finfo(float).tiny))


def _moments(posterior: Posterior, factor: Factor) -> Moments:
    """Of effects at the centre of the predictors, where numbers are of one size."""
    place = posterior.design.factors.index(factor)
    some, size = posterior.thinned(DRAWS), len(factor.effects)
    draws = some.parameters if some.design.family.has_residual else some.draws
    covariances, inverse = at_centre(draws.covariances[place], factor.T), np.linalg.inv(factor.T)
    gain, done = np.zeros((size, size, len(factor.levels))), 0
    for part, M in information(some.design, draws, replace(factor, Z=factor.Z_centred)):
        G = covariances[part]
        kept = times(posterior_covariance(G, M), M)
        gain += times(kept, np.moveaxis(G, 0, -1)[..., None]).sum(axis=2)
        done += len(G)
    mean = _means(posterior, factor) @ inverse.T
    shares = inverse @ common_in_effects(posterior.design, factor)
    return Moments(mean, np.moveaxis(gain / done, -1, 0), covariances.mean(axis=0), shares)


def _of_formula(centred: Moments, T: Array) -> Moments:
    """Of u = T v."""
    return Moments(centred.mean @ T.T, T @ centred.gain @ T.T, T @ centred.G @ T.T, T @ centred.shares)


def _means(posterior: Posterior, factor: Factor) -> Array:
    """(group, effect), posterior means; of effects that are not kept, of what is expected of them given all else."""
    if posterior.keeps(factor):
        return np.asarray(flat(posterior.effects(factor).u).mean(axis=0))
    some = posterior.thinned(DRAWS)
    expected = factors_of_sums(some, factor, is_root=False)
    means = np.empty((len(factor.levels), len(factor.effects)))

    def fill(part: slice) -> None:
        places = np.arange(len(means))[part]
        means[part] = expected(places, slice(None)).pooled.mean(axis=1).T

    in_batches(fill, len(means), some.size * len(factor.effects), "blup_qq")
    return means


def _leverage(shares: Array, weights: Array) -> Array:
    """(group,), how much of each group's estimate the common coefficients take: the diagonal of their projection."""
    used = shares[:, shares.any(axis=0)]
    size = np.sqrt(np.mean(used**2, axis=0))
    weighted = used / size * np.sqrt(weights)[:, None]
    left, values, _ = np.linalg.svd(weighted, full_matrices=False)
    kept = values > RANK * values.max(initial=0.0)
    return np.minimum((left[:, kept] ** 2).sum(axis=1), LARGEST_LEVERAGE)


def _joint_leverage(weighted: Array) -> Array:
    """(group,), how much of all effects of a group the common coefficients take, from (group, effect, column).

    Effects are in units of their own precision, so that it does not matter where predictors have their zero.
    """
    groups, effects, columns = weighted.shape
    rows = weighted.reshape(groups * effects, columns)
    used = rows[:, rows.any(axis=0)]
    left, values, _ = np.linalg.svd(used / np.sqrt(np.mean(used**2, axis=0)), full_matrices=False)
    kept = values > RANK * values.max(initial=0.0)
    taken = (left[:, kept] ** 2).sum(axis=1).reshape(groups, effects).sum(axis=1)
    return np.asarray(np.minimum(taken, effects * LARGEST_LEVERAGE))


def _distances(found: Moments) -> tuple[Array, Array, NDArray[np.bool_]]:
    """(group,) three times: squared distance on the scale of χ² with a degree per effect, its expected value, outlying.

    Along the directions of which the group's rows say something, in units of what the other groups show along theirs:
    F distributed under the model.
    """
    scales, axes = np.linalg.eigh(found.G)
    root = axes.T / np.sqrt(scales)[:, None]
    values, vectors = np.linalg.eigh(root @ found.gain @ root.T)
    along = np.einsum("jab,ja->jb", vectors, found.mean @ root.T)
    kept = values > INFORMATIVE
    squares = np.where(kept, along**2 / np.where(kept, values, 1.0), 0.0).sum(axis=1)
    degrees = kept.sum(axis=1)
    weighted = np.sqrt(values.clip(0))[..., None] * (np.swapaxes(vectors, 1, 2) @ (root @ found.shares))
    leverage = np.where(degrees > 0, _joint_leverage(weighted), 0.0)
    others = degrees.sum() - leverage.sum() - degrees
    known = (degrees > 0) & (others >= FEWEST_DEGREES)
    own = squares[known] / (1 - leverage[known] / degrees[known])
    rest = (squares.sum() - own) / others[known]
    tail, distance, expected = (np.full(len(squares), np.nan) for _ in range(3))
    ratio = _ratio(own / degrees[known], rest)
    tail[known] = np.maximum(stats.f.sf(ratio, degrees[known], others[known]), np.finfo(float).tiny)
    q, count = found.G.shape[0], int(known.sum())
    distance[known] = stats.chi2.isf(tail[known], q)
    order = np.argsort(np.argsort(distance[known]))
    expected[known] = stats.chi2.ppf((order + 0.5) / max(1, count), q)
    return distance, expected, np.nan_to_num(tail, nan=1.0) < LEVEL / max(1, count)


def _envelope(count: int) -> tuple[Array, Array, Array]:
    """Ordered standardised effects: expected, and bounds that 95% of samples keep within throughout.

    The probabilities of independent normal numbers would be Beta(i, n + 1 - i), i counted from the smallest; those of
    studentised ones are nearly so. The level of the bounds, the same for each, is found by simulation.
    """
    if count < 2:
        nothing = np.full(count, np.nan)
        return nothing, nothing, nothing
    i = np.arange(1, count + 1)
    simulations = min(SIMULATIONS, max(MOST_SIMULATED // count, FEWEST_SIMULATIONS))
    samples = np.random.default_rng(0).normal(size=(simulations, count))
    ordered = stats.norm.cdf(np.sort(studentised(samples, np.zeros(count)), axis=1))
    below = stats.beta.cdf(ordered, i, count + 1 - i)
    level = np.quantile(2 * np.minimum(below, 1 - below).min(axis=1), LEVEL)
    lower, upper = (stats.beta.ppf(tail, i, count + 1 - i) for tail in (level / 2, 1 - level / 2))
    expected = (i - 0.5) / count
    return np.asarray(stats.norm.ppf(expected)), np.asarray(stats.norm.ppf(lower)), np.asarray(stats.norm.ppf(upper))


def _definition(factor: Factor, outlying: NDArray[np.bool_], informative: NDArray[np.bool_]) -> str:
    found = factor.levels[outlying]
    named = f"Outlying groups: {', '.join(map(str, found))}." if len(found) else "No group is outlying."
    text = (
        f"Q-Q of the group effects of {factor.label}: posterior means over sqrt(τ² - v), v the variance given all "
        "else, in units of what the other groups show, standard normal under the model, with a simultaneous 95% "
        f"envelope. {named} Shrunken effects look more normal than they are: no test of normality."
    )
    text += " distance: squared distance over effects, expected_distance the χ² quantile at its rank."
    if len(factor.levels) < FEW_GROUPS:
        text += f" {len(factor.levels)} groups say little about the shape of a distribution."
    silent = int((~informative.any(axis=1)).sum())
    return text + (f" {silent} groups whose rows say nothing about their effects are left out." if silent else "")
