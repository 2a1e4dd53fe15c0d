"""Whether the group effects look normal, and which groups do not fit."""

import numpy as np
import xarray as xr
from scipy import stats

from hierkit.model.design import Design
from hierkit.model.terms import Array
from hierkit.quantities.effects import read_effects
from hierkit.quantities.predictor import flat
from hierkit.quantities.quantity import Quantity

INFORMATIVE = 0.01  # of τ²: below, and within three Monte Carlo errors of nothing, a group's rows say nothing
LEVEL = 0.05
SIMULATIONS = 2000


def blup_qq(posterior: xr.Dataset, design: Design, factor: str | None = None) -> Quantity:
    """Posterior means of group effects, standardised, against normal quantiles.

    Standardised by the diagnostic standard error sqrt(τ² - v_j), v_j the posterior variance of u_j: under the model
    they are standard normal, which they are neither raw nor divided by sqrt(v_j) (Lange and Ryan 1989).

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        No draws: `standardised`, `expected` (normal quantile at its rank), `lower`, `upper` (simultaneous 95 %
        envelope) (group, effect); `distance` (group), the squared Mahalanobis distance over effects, and
        `expected_distance` (χ² quantile at its rank); `outlying` (group), whether the distance is beyond the χ² point
        that one group in all would exceed with a probability of 5 %. Groups whose rows say nothing (τ² - v_j near 0)
        are missing.

    Raises
    ------
    HierkitError
        For an unknown factor.

    Notes
    -----
    Shrunken effects look more normal than they are: this names outlying groups, and is no test of normality.
    """
    chosen = design.factor(factor)
    effects = read_effects(posterior, chosen)
    u, G = flat(effects.u), flat(effects.cov).mean(axis=0)
    mean, centred = u.mean(axis=0), u - u.mean(axis=0)
    V = np.einsum("sja,sjb->jab", centred, centred) / (len(u) - 1)
    gain = G - V
    least = INFORMATIVE + 3 * np.sqrt(2 / len(u))
    informative = (np.diagonal(gain, axis1=1, axis2=2) > least * G.diagonal()).all(axis=1)
    standardised = np.full(mean.shape, np.nan)
    standardised[informative] = mean[informative] / np.sqrt(np.diagonal(gain[informative], axis1=1, axis2=2))
    distance = np.full(len(mean), np.nan)
    distance[informative] = [_distance(m, g) for m, g in zip(mean[informative], gain[informative], strict=True)]
    expected, lower, upper = (np.full(mean.shape, np.nan) for _ in range(3))
    points = _envelope(int(informative.sum()))
    for k in range(mean.shape[1]):
        order = np.argsort(np.argsort(standardised[informative, k]))
        for values, target in zip(points, (expected, lower, upper), strict=True):
            target[informative, k] = stats.norm.ppf(values[order])
    q, count = mean.shape[1], int(informative.sum())
    quantiles = np.full(len(mean), np.nan)
    quantiles[informative] = stats.chi2.ppf(points[0][np.argsort(np.argsort(distance[informative]))], q)
    outlying = np.nan_to_num(distance) > stats.chi2.isf(LEVEL / max(1, count), q)
    by_effect = {"standardised": standardised, "expected": expected, "lower": lower, "upper": upper}
    arrays = {name: (("group", "effect"), values) for name, values in by_effect.items()}
    by_group = {"n": chosen.counts, "distance": distance, "expected_distance": quantiles, "outlying": outlying}
    coords = {"group": chosen.levels, "effect": [effect.label for effect in chosen.effects]}
    dataset = xr.Dataset(arrays | {name: ("group", values) for name, values in by_group.items()}, coords=coords)
    return Quantity(dataset, _definition(chosen.label, chosen.levels[outlying], len(mean) - count))


def _distance(mean: Array, gain: Array) -> float:
    """Squared Mahalanobis distance, along the directions in which the group's rows say something."""
    values, vectors = np.linalg.eigh(gain)
    kept = values > 1e-8 * values[-1]
    return float(np.sum((vectors.T @ mean)[kept] ** 2 / values[kept]))


def _envelope(count: int) -> tuple[Array, Array, Array]:
    """Probabilities of ordered uniform numbers: expected, and bounds that 95 % of samples keep within throughout.

    The i-th of n is Beta(i, n + 1 - i); the level of each bound is adjusted by simulation.
    """
    i = np.arange(1, count + 1)
    sorted_samples = np.sort(np.random.default_rng(0).uniform(size=(SIMULATIONS, count)), axis=1)
    below = stats.beta.cdf(sorted_samples, i, count + 1 - i)
    level = np.quantile(2 * np.minimum(below, 1 - below).min(axis=1), LEVEL) if count else LEVEL
    bounds = (stats.beta.ppf(tail, i, count + 1 - i) for tail in (level / 2, 1 - level / 2))
    lower, upper = bounds
    return (i - 0.5) / max(1, count), np.asarray(lower), np.asarray(upper)


def _definition(label: str, outlying: Array, silent: int) -> str:
    named = f"Outlying groups: {', '.join(map(str, outlying))}." if len(outlying) else "No group is outlying."
    text = (
        f"Q-Q of the group effects of {label}: posterior means over sqrt(τ² - v), v the posterior variance, standard "
        f"normal under the model, with a simultaneous 95 % envelope. {named} Shrunken effects look more normal than "
        "they are: no test of normality."
    )
    return text + (f" {silent} groups whose rows say nothing of their effects are left out." if silent else "")
