"""Whether the group effects look normal, and which groups do not fit."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from hierkit.arrays import Array
from hierkit.model.groups import Factor
from hierkit.posterior.draws import flat
from hierkit.posterior.effects import labels_of
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity

INFORMATIVE = 0.01  # of τ²: groups below this plus three Monte Carlo errors are treated as uninformative
LEVEL = 0.05
SIMULATIONS = 2000


def blup_qq(posterior: Posterior, factor: str | None = None) -> Quantity:
    """Posterior means of group effects, standardised, against normal quantiles.

    Standardised by the diagnostic standard error sqrt(τ² - v_j), v_j the posterior variance of u_j: under the model
    they are standard normal, which they are neither raw nor divided by sqrt(v_j) (Lange and Ryan 1989).

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
        envelope) (group, effect); `distance` (group), the squared Mahalanobis distance over effects, and
        `expected_distance` (χ² quantile at its rank); `outlying` (group), whether the distance is beyond the χ² point
        that one group in all would exceed with a probability of 5%. Uninformative groups (τ² - v_j near 0) are
        missing.

    Raises
    ------
    HierkitError
        For an unknown factor.

    Notes
    -----
    Shrunken effects look more normal than they are: this names outlying groups, and is no test of normality.
    """
    design = posterior.design
    chosen = design.factor(factor)
    mean, gain, G, least = _moments(posterior, chosen)
    variances = np.diagonal(gain, axis1=1, axis2=2)
    informative = variances > least * G.diagonal()
    standardised = np.where(informative, mean / np.sqrt(np.where(informative, variances, 1.0)), np.nan)
    expected, lower, upper = (np.full(mean.shape, np.nan) for _ in range(3))
    for k in range(mean.shape[1]):
        known = informative[:, k]
        order = np.argsort(np.argsort(standardised[known, k]))
        for values, target in zip(_envelope(int(known.sum())), (expected, lower, upper), strict=True):
            target[known, k] = stats.norm.ppf(values[order])
    distance, quantiles, outlying = _distances(mean, gain, G, least)
    by_effect = {"standardised": standardised, "expected": expected, "lower": lower, "upper": upper}
    arrays: dict[str, Any] = {name: (("group", "effect"), values) for name, values in by_effect.items()}
    by_group = {"n": design.sizes(chosen), "distance": distance, "expected_distance": quantiles, "outlying": outlying}
    coords = {"group": chosen.levels, "effect": [effect.label for effect in chosen.effects]}
    arrays |= {name: ("group", values) for name, values in by_group.items()}
    dataset = xr.Dataset(arrays, coords=coords, attrs=labels_of(design, chosen))
    definition = _definition(chosen.label, chosen.levels[outlying], int((~informative.any(axis=1)).sum()))
    return Quantity(dataset, definition, picture="qq")


def outlying_groups(posterior: Posterior, factor: Factor) -> NDArray[Any]:
    """The labels of the groups that `blup_qq` calls outlying, without its envelope."""
    return np.asarray(factor.levels[_distances(*_moments(posterior, factor))[2]])


def _moments(posterior: Posterior, factor: Factor) -> tuple[Array, Array, Array, float]:
    """Posterior means of u (group, effect), G less their posterior covariance (group, effect, effect), G.

    And the share of G above which a group counts as informative.
    """
    effects = posterior.effects(factor)
    u, G = flat(effects.u), flat(effects.cov).mean(axis=0)
    degrees = posterior.degrees(factor)
    if degrees is not None and (nu := float(degrees.mean())) > 2:
        G = G * nu / (nu - 2)  # the covariance of Student-t effects from that of their scale
    mean, centred = u.mean(axis=0), u - u.mean(axis=0)
    gain = G - np.einsum("sja,sjb->jab", centred, centred) / (len(u) - 1)
    return mean, gain, G, INFORMATIVE + 3 * np.sqrt(2 / len(u))


def _distances(mean: Array, gain: Array, G: Array, least: float) -> tuple[Array, Array, NDArray[np.bool_]]:
    """(group,) three times: squared distance on the scale of χ² with a degree per effect, its expected value, outlying.

    In units of G, along the directions of which the group's rows say something: their number is the degrees of freedom.
    """
    root = np.linalg.inv(np.linalg.cholesky(G))
    values, vectors = np.linalg.eigh(root @ gain @ root.T)
    along = np.einsum("jab,ja->jb", vectors, mean @ root.T)
    kept = values > least
    squares = np.where(kept, along**2 / np.where(kept, values, 1.0), 0.0).sum(axis=1)
    known, degrees = kept.any(axis=1), np.maximum(kept.sum(axis=1), 1)
    tail = np.asarray(stats.chi2.sf(squares, degrees))
    q = mean.shape[1]
    count = int(kept.any(axis=1).sum())
    distance, expected = np.full(len(mean), np.nan), np.full(len(mean), np.nan)
    distance[known] = stats.chi2.isf(tail[known], q)
    order = np.argsort(np.argsort(distance[known]))
    expected[known] = stats.chi2.ppf((order + 0.5) / max(1, count), q)
    return distance, expected, known & (tail < LEVEL / max(1, count))


def _envelope(count: int) -> tuple[Array, Array, Array]:
    """Probabilities of ordered uniform numbers: expected, and bounds that 95% of samples keep within throughout.

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
        f"normal under the model, with a simultaneous 95% envelope. {named} Shrunken effects look more normal than "
        "they are: no test of normality."
    )
    text += " distance: squared Mahalanobis distance over effects, expected_distance the χ² quantile at its rank."
    return text + (f" {silent} groups whose rows say nothing about their effects are left out." if silent else "")
