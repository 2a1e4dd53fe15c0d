"""What each group's own rows know of its effects: M_j = Z_j'W_j Z_j, and small matrices many at a time.

Arrays of small matrices have their rows and columns first, (effect, effect, sample, group), so that one operation goes
over all draws and groups.
"""

from collections.abc import Iterator

import numpy as np

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.matrices import fitted_matrices
from hierkit.posterior.draws import Draws, batches, linear_predictor, lower_factors

SMALL = 4  # rows of matrices that are multiplied entry by entry


def information(design: Design, draws: Draws, factor: Factor) -> Iterator[tuple[slice, Array]]:
    """Batches of draws with M_j of each group.

    W is w / sigma² for a Gaussian outcome of weights w, which needs no group effects, and trials p (1 - p) at the
    draw's linear predictor for a Bernoulli one.

    Yields
    ------
    part : slice
        Of the draws.
    M : ndarray
        (effect, effect, sample, group).
    """
    if draws.sigma is None:
        for part, M, _ in information_and_score(design, draws, factor):
            yield part, M
        return
    products = np.moveaxis(factor.sums(design.row_weights[:, None] * factor.Z), 0, -1)
    for part in batches(len(draws.beta), products.size):
        yield part, products[:, :, None, :] / draws.sigma[part, None] ** 2


def information_and_score(design: Design, draws: Draws, factor: Factor) -> Iterator[tuple[slice, Array, Array]]:
    """The same with the score of each group, from all rows.

    Yields
    ------
    part, M
        As of `information`.
    score : ndarray
        (effect, sample, group), the derivative of the log likelihood by u_j.
    """
    outcome, order = design.outcome, np.argsort(factor.codes, kind="stable")
    rows = fitted_matrices(design).at(order)
    y = outcome.y[order]
    weights = outcome.row_weights[order]
    Z = factor.Z[order]
    starts = np.searchsorted(factor.codes[order], np.arange(len(factor.levels)))
    q = Z.shape[1]
    for part in batches(len(draws.beta), max(len(order), q * q * len(starts))):
        eta = linear_predictor(draws, rows, part)
        W, residual = draws.family.derivatives(y, weights, eta, draws.sigma_of(part))
        products = [[np.add.reduceat(W * (Z[:, a] * Z[:, b]), starts, axis=1) for b in range(q)] for a in range(q)]
        yield part, np.array(products), np.array([np.add.reduceat(residual * z, starts, axis=1) for z in Z.T])


def times(a: Array, b: Array) -> Array:
    """Matrix products a b of small matrices."""
    if len(b) > SMALL:  # their rows and columns last, NumPy multiplies them in one call
        left, right = (np.moveaxis(one, (0, 1), (-2, -1)) for one in (a, b))
        return np.moveaxis(left @ right, (-2, -1), (0, 1))
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
    """(effect, effect, sample, 1), Cholesky factors of covariances (sample, effect, effect), singular or not."""
    return np.moveaxis(lower_factors(G), 0, -1)[..., None]


def posterior_covariance(G: Array, M: Array) -> Array:
    """(effect, effect, sample, group), (G^-1 + M)^-1 = L (I + L'M L)^-1 L' with G = L L', for any M and G."""
    L = cholesky(G)
    transposed = np.swapaxes(L, 0, 1)
    inner = times(times(transposed, M), L) + np.eye(len(M))[..., None, None]
    return times(times(L, inverse(inner)), transposed)


def mean_weight(design: Design, draws: Draws) -> Array:
    """(sample,), the weight of a row, or of a trial of counts, on average: 1 / sigma², or the mean of p (1 - p).

    Of Gaussian rows that of a row of weight 1, and where their sds are known that of a typical one.
    """
    if draws.sigma is not None:
        return np.asarray(1 / draws.latent_variance)
    rows = fitted_matrices(design)
    trials = design.outcome.trials_of_each
    weight = np.empty(len(draws.beta))
    for part in batches(len(weight), len(rows.offset)):
        eta = linear_predictor(draws, rows, part)
        weight[part] = draws.family.weight(trials, eta, None).sum(axis=1) / trials.sum()
    return weight
