"""Weights for a sample of rows by which its means and products of columns are those of all rows.

Averages over the sample are then right for whatever is linear in those, and nearly right for what is nearly so:
calibration (Deville and Särndal 1992), by exponential tilting, which keeps weights positive (Hainmueller 2012).
"""

import numpy as np
from scipy import linalg

from hierkit.arrays import Array

STEPS = 50
EXACT = 1e-10  # of a column's sd
GOOD = 1e-6  # of the same, where a search has succeeded
DEPENDENT = 1e-9  # of features, for which there is nothing to solve


def calibrated(values: Array, spacing: Array, means: Array, products: Array, rows: float) -> Array:
    """(row,), weights that sum to `rows`.

    Where no weights have all means and products, as when a sample lacks what makes a tail heavy, they have the means
    alone; where not even those can be had, the rows count as they were spaced.

    Parameters
    ----------
    values : ndarray
        (row, column), of the sample.
    spacing : ndarray
        (row,), how many rows each is in place of at first.
    means, products : ndarray
        (column,) and (column, column), the means of all rows, and of the products of their deviations from them.
    rows : float
        How many rows there are in all.
    """
    sds = np.sqrt(np.diagonal(products))
    varying = sds > 0
    sds = sds[varying]
    scaled = (values[:, varying] - means[varying]) / sds
    first, second = np.triu_indices(len(sds))
    wanted = products[np.ix_(varying, varying)] / np.outer(sds, sds)
    start = spacing / spacing.sum()
    squares = scaled[:, first] * scaled[:, second] - wanted[first, second]
    for features in (np.hstack([scaled, squares]), scaled):
        weights = _log_sum(features, start, _tilt(features, start))[1]
        if np.abs(weights @ features).max(initial=0) < GOOD:
            return np.asarray(rows * weights)
    return np.asarray(rows * start)


def _tilt(features: Array, start: Array) -> Array:
    """(feature,), λ for which the features (row, feature) have the mean 0 under weights ∝ start exp(λ'f).

    Newton's method on the convex log Σ start exp(λ'f), whose gradient that mean is, with steps halved until it falls.
    """
    tilt = np.zeros(features.shape[1])
    value, weights = _log_sum(features, start, tilt)
    for _ in range(STEPS):
        gradient = weights @ features
        if np.abs(gradient).max(initial=0) < EXACT:
            break
        spread = (features * weights[:, None]).T @ features - np.outer(gradient, gradient)
        step = linalg.pinvh(spread, rtol=DEPENDENT) @ gradient
        size = 1.0
        while size > 1e-6:
            new, weights_there = _log_sum(features, start, tilt - size * step)
            if new <= value:
                break
            size /= 2
        tilt = tilt - size * step
        value = new
        weights = weights_there
    return tilt


def _log_sum(features: Array, start: Array, tilt: Array) -> tuple[float, Array]:
    """The log of Σ start exp(λ'f), and the weights (row,) as shares."""
    exponents = features @ tilt
    largest = exponents.max()
    terms = start * np.exp(exponents - largest)
    return float(np.log(terms.sum()) + largest), terms / terms.sum()
