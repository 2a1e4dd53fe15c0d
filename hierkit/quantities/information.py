"""What each group's own rows know of its effects: M_j = Z_j'W_j Z_j, and small matrices many at a time.

Arrays of small matrices have their rows and columns first, (effect, effect, sample, group), so that one operation goes
over all draws and groups.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit

from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.matrices import Matrices, fitted_matrices
from hierkit.model.terms import Array
from hierkit.quantities.predictor import Draws, batches, linear_predictor


def information(design: Design, draws: Draws, factor: Factor) -> Iterator[tuple[slice, Array, Array]]:
    """Batches of draws with M_j and the score of each group.

    W is 1 / sigma² for a Gaussian outcome, and trials p (1 - p) at the draw's linear predictor for a Bernoulli one.

    Yields
    ------
    part : slice
        Of the draws.
    M : ndarray
        (effect, effect, sample, group).
    score : ndarray
        (effect, sample, group), the derivative of the log likelihood by u_j.
    """
    rows, outcome = fitted_matrices(design), design.outcome
    trials = np.ones_like(outcome.y) if outcome.trials is None else outcome.trials
    order = np.argsort(factor.codes, kind="stable")
    Z, starts = factor.Z[order], np.searchsorted(factor.codes[order], np.arange(len(factor.levels)))
    sorted_rows = Matrices(
        rows.X[order], rows.offset[order], tuple(z[order] for z in rows.Z), tuple(c[order] for c in rows.codes)
    )
    q, fixed = Z.shape[1], None
    if draws.sigma is not None:
        fixed = np.moveaxis(factor.sums(factor.Z), 0, -1)
    width = max(len(order), q * q * len(factor.levels))
    for part in batches(len(draws.beta), width):
        eta = linear_predictor(draws, sorted_rows, part)
        if fixed is not None and draws.sigma is not None:
            precision = 1 / draws.sigma[part, None] ** 2
            residual = (outcome.y[order] - eta) * precision
            M = fixed[:, :, None, :] * precision
        else:
            p = expit(eta)
            W, residual = trials[order] * p * (1 - p), outcome.y[order] - trials[order] * p
            M = np.stack(
                [[np.add.reduceat(W * (Z[:, a] * Z[:, b]), starts, axis=1) for b in range(q)] for a in range(q)]
            )
        score = np.stack([np.add.reduceat(residual * Z[:, a], starts, axis=1) for a in range(q)])
        yield part, M, score


def times(a: Array, b: Array) -> Array:
    """Matrix products a b of small matrices."""
    return np.stack([[sum(a[i, k] * b[k, j] for k in range(len(b))) for j in range(b.shape[1])] for i in range(len(a))])


def inverse(matrices: Array) -> Array:
    """Inverses of symmetric positive definite matrices, by Gauss and Jordan's elimination without pivots."""
    q = len(matrices)
    left, right = matrices.copy(), np.zeros_like(matrices)
    for k in range(q):
        right[k, k] = 1.0
    for k in range(q):
        pivot = left[k, k].copy()
        left[k], right[k] = left[k] / pivot, right[k] / pivot
        for i in range(q):
            if i != k:
                share = left[i, k].copy()
                left[i] -= share * left[k]
                right[i] -= share * right[k]
    return right


def cholesky(G: Array) -> Array:
    """(effect, effect, sample, 1), the Cholesky factors of covariance matrices (sample, effect, effect)."""
    return np.moveaxis(np.linalg.cholesky(G), 0, -1)[..., None]


def mean_weight(design: Design, draws: Draws) -> Array:
    """(sample,), what a row tells on average: 1 / sigma², or the mean of p (1 - p) over rows (over trials of counts)."""
    if draws.sigma is not None:
        return np.asarray(1 / draws.sigma**2)
    rows, trials = fitted_matrices(design), design.outcome.trials
    weight = np.empty(len(draws.beta))
    for part in batches(len(weight), len(rows.offset)):
        p = expit(linear_predictor(draws, rows, part))
        weight[part] = np.average(p * (1 - p), axis=1, weights=trials)
    return weight
