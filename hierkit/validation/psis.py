"""Pareto-smoothed importance sampling of many points at once (Vehtari, Simpson, Gelman, Yao and Gabry 2024).

The numbers are ArviZ's, which does one point after the other in Python. Arrays have a point a row.
"""

from collections.abc import Callable

import numpy as np

from hierkit.arrays import Array
from hierkit.cores import on_all_cores

POINTS = 16  # at once: what is computed of them stays near the processor
MANY = 225  # effective draws, beyond which the tail grows with the root of the draws
SHARE = 5  # of the draws, at most, that are the tail
GRID = 30  # points of the profile, and the root of the tail's length more
PRIOR_SCALE = 3.0
PRIOR_K, PRIOR_POINTS = 0.5, 10.0
NEGLIGIBLE = 10 * np.finfo(float).eps


def psis(log_p: Callable[[slice], Array], points: int, relative_ess: float) -> tuple[Array, Array, Array]:
    """Scores of points left out of a posterior, from draws given all of them, whose weights are 1 / p(y_i | θ).

    Parameters
    ----------
    log_p : callable
        From a slice of the points to (sample, point), log p(y_i | θ).
    points : int
        How many there are.
    relative_ess : float
        Effective draws per draw.

    Returns
    -------
    elpd, k, p : ndarray
        (point,), log p(y_i | all others); the Pareto k of the weights, minus infinity where their tail is one number,
        missing where it is nothing like a Pareto distribution; and how much larger the mean density with the point is.
    """
    found = np.empty((3, points))

    def work(start: int) -> None:
        part = slice(start, min(points, start + POINTS))
        found[:, part] = _some(np.ascontiguousarray(log_p(part).T), relative_ess)

    on_all_cores(work, range(0, points, POINTS), "smoothing")
    elpd, k, p = found
    return elpd, k, p


def tail_length(samples: int, relative_ess: float) -> int:
    """How many of the largest weights are smoothed: 3 sqrt(S / r), at most a fifth."""
    most = samples // SHARE
    return min(most, int(3 * (samples / relative_ess) ** 0.5)) if samples * relative_ess > MANY else most


def _some(log_p: Array, relative_ess: float) -> tuple[Array, Array, Array]:
    """Of (point, sample)."""
    samples = log_p.shape[1]
    length = tail_length(samples, relative_ess)
    least, most = log_p.min(axis=1), log_p.max(axis=1)
    log_weights = np.partition(least[:, None] - log_p, samples - length - 1, axis=1)
    rest, log_tail = np.exp(log_weights[:, :-length]).sum(axis=1), np.sort(log_weights[:, -length:], axis=1)
    tail, cutoff = np.exp(log_tail), np.exp(log_weights[:, -length - 1])
    k, sigma = generalised_pareto(tail - cutoff[:, None])
    smooth = np.minimum(cutoff[:, None] + quantiles(k, sigma, length), tail[:, -1:])
    known = np.isfinite(smooth).all(axis=1)[:, None]
    with np.errstate(divide="ignore"):  # a weight of zero counts nothing
        densities = np.where(known, np.exp(np.log(smooth) - log_tail), 1.0).sum(axis=1)
    weights = rest + np.where(known, smooth, tail).sum(axis=1)
    # in draws outside the tail weight times density is the same
    elpd = least + np.log(samples - length + densities) - np.log(weights)
    mean = most + np.log(np.exp(log_p - most[:, None]).mean(axis=1))
    return elpd, np.where(tail[:, 0] == tail[:, -1], -np.inf, k), mean - elpd


def generalised_pareto(x: Array) -> tuple[Array, Array]:
    """(point,) twice, k and σ of a generalised Pareto distribution, by the estimate of Zhang and Stephens (2009).

    k has a weak prior at a half; it is missing where a quarter of the values are the smallest, and infinite where the
    estimate fails.

    Parameters
    ----------
    x : ndarray
        (point, place), in ascending order, above zero.
    """
    n = x.shape[1]
    size = GRID + int(n**0.5)
    quartile, largest = x[:, int(n / 4 + 0.5) - 1], x[:, -1]
    with np.errstate(all="ignore"):  # what fails is told by k
        grid = (1 - np.sqrt(size / (np.arange(1, size + 1) - 0.5))) / PRIOR_SCALE
        b = grid / quartile[:, None] + 1 / largest[:, None]
        logs = b[:, :, None] * -x[:, None, :]
        k = np.log1p(logs, out=logs) @ np.full(n, 1 / n)
        profile = n * (np.log(-b / k) - k - 1)
        weights = np.exp(profile - np.max(profile, axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        weights[weights < NEGLIGIBLE] = 0.0
        mean = (b * weights).sum(axis=1) / weights.sum(axis=1)
        k = np.log1p(-mean[:, None] * x).mean(axis=1)
        sigma = -k / mean
        k = (n * k + PRIOR_POINTS * PRIOR_K) / (n + PRIOR_POINTS)
    return np.where(quartile <= x[:, 0], np.nan, np.where(np.isnan(k), np.inf, k)), sigma


def quantiles(k: Array, sigma: Array, size: int) -> Array:
    """(point, place), the quantiles of generalised Pareto distributions at (i - 1/2) / size."""
    log_survival = np.log1p(-(np.arange(size) + 0.5) / size)
    with np.errstate(all="ignore"):
        found = sigma[:, None] * np.expm1(-k[:, None] * log_survival) / k[:, None]
        found = np.where(k[:, None] == 0, -sigma[:, None] * log_survival, found)
    return np.where((sigma > 0)[:, None], found, np.nan)
