"""Averages of the logistic function over a normal distribution: probabilities with the group effects integrated out.

The logistic function is, to 2e-9 everywhere, a mixture of eight normal distribution functions (Monahan and Stefanski
1992, table 1 for k = 8), and the average of a normal distribution function over a normal distribution is one again.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import log_ndtr, ndtr

from hierkit.arrays import Array

WEIGHTS = np.array([
    0.003246343272134, 0.051517477033972, 0.195077912673858, 0.315569823632818,
    0.274149576158423, 0.131076880695470, 0.027912418727972, 0.001449567805354,
])  # fmt: skip
SCALES = np.array([
    1.365340806296348, 1.059523971016916, 0.830791313765644, 0.650732166639391,
    0.508135425366489, 0.396313345166341, 0.308904252267995, 0.238212616409306,
])  # fmt: skip
WEIGHTS = WEIGHTS / WEIGHTS.sum()
FAR = 12.0  # beyond, logit^-1(-x) is exp(-x) to 1e-5
POINTS, WIDTH = 201, 8.5  # of the trapezoid rule, and how many sds to each side
CELLS, WIDEST = 256, 0.1  # of a grid on which a logit is interpolated, and how wide they may be
NARROWEST = 1e-6
SMALLEST = 1e-290  # below, numbers lose digits, and then are zero


def logistic(eta: Array) -> Array:
    """1 / (1 + exp(-eta)), in place: several times as fast as scipy's expit."""
    p = np.array(eta, dtype=np.float64)
    np.negative(p, out=p)
    with np.errstate(over="ignore"):  # infinity is a probability of zero
        np.exp(p, out=p)
    p += 1
    np.divide(1, p, out=p)
    return p


def mean_probability(eta: Array, variance: Array) -> Array:
    """E logit^-1(eta + v) for v ~ N(0, variance), with an error below 3e-9.

    Parameters
    ----------
    eta, variance : ndarray
        Of shapes that broadcast.
    """
    below = _smaller_tail(eta, variance)
    return np.asarray(np.where(np.asarray(eta) > 0, 1 - below, below))


def mean_over_mixture(eta: Array, mixture: Sequence[tuple[float, Array]]) -> Array:
    """The mean over a mixture of variances."""
    if _can_be_interpolated(eta, mixture):
        return logistic(logit_of_mean(eta, mixture))
    return np.asarray(sum(weight * mean_probability(eta, variance) for weight, variance in mixture))


def logit_of_mean(eta: Array, mixture: Sequence[tuple[float, Array]]) -> Array:
    """The logit of the mean over a mixture of variances, from its smaller tail: finite however far out.

    Where each sample has one variance for its many eta, (sample, 1) and (sample, row), the logit is found on a grid and
    interpolated: it is nearly a line.
    """
    if _can_be_interpolated(eta, mixture):
        return _interpolated(lambda nodes: _logit_of_mean(nodes, mixture), eta)
    return _logit_of_mean(eta, mixture)


def _logit_of_mean(eta: Array, mixture: Sequence[tuple[float, Array]]) -> Array:
    below = np.asarray(sum(weight * _smaller_tail(eta, variance) for weight, variance in mixture))
    if below.min(initial=1.0) > SMALLEST:
        return np.asarray(np.sign(eta) * (np.log1p(-below) - np.log(below)))
    seen = below > SMALLEST
    log_below = np.where(seen, np.log(np.where(seen, below, 1.0)), _log_of_far_tail(eta, mixture))
    return np.asarray(np.sign(eta) * (np.log1p(-below) - log_below))


def _log_of_far_tail(eta: Array, mixture: Sequence[tuple[float, Array]]) -> Array:
    """The log of the smaller tail, where that is too small for numbers: as `_smaller_tail` has it."""
    x, logs = -np.abs(eta), []
    for share, given in mixture:
        variance = np.asarray(given)
        parts = [
            np.log(weight) + log_ndtr(x * (scale / np.sqrt(1 + scale**2 * variance)))
            for weight, scale in zip(WEIGHTS, SCALES, strict=True)
        ]
        near = np.logaddexp.reduce(np.broadcast_arrays(*parts))
        logs.append(np.log(share) + np.where(x + variance < -FAR, x + variance / 2, near))
    return np.asarray(np.logaddexp.reduce(np.broadcast_arrays(*logs)))


def _can_be_interpolated(eta: Array, mixture: Sequence[tuple[float, Array]]) -> bool:
    one_variance = all(np.ndim(variance) == 2 and np.shape(variance)[1] == 1 for _, variance in mixture)
    many = np.ndim(eta) == 2 and np.shape(eta)[1] > 2 * CELLS
    return one_variance and many and float(np.ptp(eta, axis=1).max()) <= WIDEST * CELLS


def _interpolated(function: Callable[[Array], Array], eta: Array) -> Array:
    """(sample, row), a function of eta by cubics through the four nearest nodes of each sample's own grid."""
    first = eta.min(axis=1, keepdims=True)
    width = np.maximum(np.ptp(eta, axis=1, keepdims=True), NARROWEST) / CELLS
    values = function(first + width * np.arange(-1, CELLS + 2))
    before, left, right, after = (values[:, k : k + CELLS] for k in range(4))
    cubic = (after - before) / 6 - (right - left) / 2
    square = (before + right) / 2 - left
    slope = right - left - square - cubic
    place = (eta - first) / width
    cell = np.minimum(place.astype(np.intp), CELLS - 1)
    place -= cell
    cell += CELLS * np.arange(len(eta))[:, None]
    total = cubic.take(cell)
    for coefficient in (square, slope, left):
        total *= place
        total += coefficient.take(cell)
    return total


def _smaller_tail(eta: Array, variance: Array) -> Array:
    """E logit^-1(-|eta| + v); far out exp(-|eta| + variance / 2), where the mixture's normal tails are too thin."""
    x, variance = -np.abs(eta), np.asarray(variance)
    total = np.zeros(np.broadcast_shapes(np.shape(eta), np.shape(variance)))
    for weight, scale in zip(WEIGHTS, SCALES, strict=True):
        total += weight * ndtr(x * (scale / np.sqrt(1 + scale**2 * variance)))
    far = x + variance < -FAR
    return np.where(far, np.exp(np.where(far, x + variance / 2, 0.0)), np.minimum(total, 0.5))


def moments_of_probability(eta: Array, variance: Array, rest: Sequence[tuple[float, Array]]) -> tuple[Array, Array]:
    """The mean and the variance over v ~ N(0, variance) of E_w logit^-1(v + w - |eta|); by the trapezoid rule.

    The variance is that for eta, and the mean is the probability of what is rarer.

    Parameters
    ----------
    eta, variance : ndarray
        (sample,).
    rest : sequence of (float, ndarray)
        Weights and variances (sample,) of the mixture that w is of.
    """
    nodes = np.linspace(-WIDTH, WIDTH, POINTS)
    weights = np.exp(-(nodes**2) / 2)
    weights = weights / weights.sum()
    # p and 1 - p vary alike, and the smaller is exact
    at = -np.abs(eta)[:, None] + np.sqrt(variance)[:, None] * nodes
    p = np.asarray(sum(weight * _mean(at, own) for weight, own in rest))
    mean = p @ weights
    return mean, (p - mean[:, None]) ** 2 @ weights


def _mean(eta: Array, variance: Array) -> Array:
    return mean_probability(eta, variance[:, None]) if variance.any() else logistic(eta)
