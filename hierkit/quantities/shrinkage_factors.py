"""Shrinkage factors and what they make of each group's own estimate, in some draws, from sums or from rows."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.groups import Factor
from hierkit.posterior.draws import at_centre, batches, in_batches
from hierkit.posterior.group_sums import GroupSums, group_sums
from hierkit.posterior.information import cholesky, information_and_score, inverse, posterior_covariance, times
from hierkit.posterior.lazy import Places, Samples
from hierkit.posterior.posterior import Posterior


class Factors(NamedTuple):
    """What is known of each group in each draw.

    Attributes
    ----------
    shrinkage : ndarray
        (effect, sample, group), the diagonal of Λ.
    own, pooled : ndarray
        (effect, sample, group), the group's own deviation, and what is expected of it.
    """

    shrinkage: Array
    own: Array
    pooled: Array


Compute = Callable[[Places, Samples], Factors]


def factors_of_sums(posterior: Posterior, factor: Factor, is_root: bool) -> Compute:
    """A function of groups and draws, for a Gaussian outcome: all is linear in what the groups' rows leave.

    At the centre of the predictors, where numbers are of one size; then of the formula's effects, u = T v.
    """
    given = posterior.given
    factor, known = given.factor(factor.label), posterior.known_beside(factor)
    G = at_centre(known.G[given.factors.index(factor)], factor.T)
    sigma = np.ones(len(G)) if known.sigma is None else known.sigma
    are_known = _ranks(factor) == len(factor.T)
    return partial(_of_sums, group_sums(given, factor, known), G, sigma, factor.T, are_known, is_root)


def _of_sums(
    sums: GroupSums, G: Array, sigma: Array, T: Array, are_known: NDArray[np.bool_], is_root: bool,
    places: Places, samples: Samples,
) -> Factors:  # fmt: skip
    draws = np.arange(len(G))[samples]
    to_formula, from_formula = T[:, :, None, None], np.linalg.inv(T)[:, :, None, None]
    found, known = _nothing(len(T), len(draws), len(places)), are_known[places]
    for part in batches(len(draws), T.size * len(places)):
        some = draws[part]
        precision = 1 / sigma[some, None] ** 2
        M = np.moveaxis(sums.information[places], 0, -1)[:, :, None, :] * precision
        score = sums.score(places, some) * precision
        factors = _factors(G[some], M, is_root)
        own = np.full(score.shape, np.nan)
        own[..., known] = _applied(inverse(M[..., known]), score[..., known])
        expected = _applied(factors, own) if is_root else _applied(posterior_covariance(G[some], M), score)
        found.shrinkage[:, part] = _diagonal(times(times(to_formula, factors), from_formula))
        found.own[:, part] = np.tensordot(T, own, 1)
        found.pooled[:, part] = np.tensordot(T, expected, 1)
    return found


def factors_of_rows(posterior: Posterior, factor: Factor, is_root: bool) -> tuple[Factors, Array]:
    """The same of all groups in all draws, from all rows; beside it (sample,), the mean weight of a row."""
    design, draws = posterior.design, posterior.draws
    place, q = design.factors.index(factor), len(factor.effects)
    found = _nothing(q, len(draws.beta), len(factor.levels))
    are_known = _ranks(factor) == q
    weight = np.empty(len(draws.beta))

    def fill(part: slice, M: Array) -> None:
        """The factors of some draws, once `own` and `pooled` are there."""
        factors = _factors(draws.G[place][part], M, is_root)
        if is_root:
            found.pooled[:, part] = _applied(factors, found.own[:, part])
        found.shrinkage[:, part] = _diagonal(factors)
        weight[part] = M[0, 0].sum(axis=1) / design.outcome.trials_of_each.sum()

    if design.family.is_linear:
        for part, M, score in information_and_score(design, draws, factor):
            u = np.moveaxis(draws.u[place][part], -1, 0)
            found.own[:, part], found.pooled[:, part] = _linear_estimates(u, draws.G[place][part], M, score, are_known)
            fill(part, M)
        return found, np.asarray(1 / draws.latent_variance)
    _fill_estimates(posterior, factor, are_known, found, fill)
    return found, weight


def _nothing(effects: int, samples: int, groups: int) -> Factors:
    return Factors(*(np.full((effects, samples, groups), np.nan) for _ in range(3)))


def _linear_estimates(u: Array, G: Array, M: Array, score: Array, are_known: NDArray[np.bool_]) -> tuple[Array, Array]:
    """(effect, sample, group) twice, for a Gaussian outcome: each group's own deviation, and Λ times it."""
    own = np.full(u.shape, np.nan)
    some = slice(None) if are_known.all() else are_known  # a slice copies nothing
    own[..., some] = u[..., some] + _applied(inverse(M[..., some]), score[..., some])
    return own, _applied(posterior_covariance(G, M), _applied(M, u) + score)


def _fill_estimates(
    posterior: Posterior, factor: Factor, are_known: NDArray[np.bool_], found: Factors,
    fill: Callable[[slice, Array], None],
) -> None:  # fmt: skip
    """The same for other outcomes, put into `found`; then what is left to fill."""
    # imports what compiles, which Gaussian outcomes do not need
    from hierkit.posterior.own_estimates import group_rows, have_own, own_estimates

    rows = group_rows(posterior.design, posterior.draws, factor)
    estimable = have_own(rows, are_known)

    def estimate(part: slice) -> None:
        found.own[:, part], found.pooled[:, part], M = own_estimates(rows, part, estimable)
        fill(part, M)

    in_batches(estimate, posterior.size, len(posterior.design.offset), "shrinkage")


def _factors(G: Array, M: Array, is_root: bool) -> Array:
    """(effect, effect, sample, group), Λ = (G^-1 + M)^-1 M, or its square root."""
    return square_root(G, M) if is_root else times(posterior_covariance(G, M), M)


def _applied(matrices: Array, vectors: Array) -> Array:
    """(effect, sample, group), matrices (effect, effect, sample, group) times vectors."""
    return times(matrices, vectors[:, None])[:, 0]


def _diagonal(matrices: Array) -> Array:
    return np.stack([matrices[k, k] for k in range(len(matrices))])


def square_root(G: Array, M: Array) -> Array:
    """(effect, effect, sample, group), the root of Λ = L S L^-1, S = I - (I + L'M L)^-1."""
    L = cholesky(G)
    inner = np.moveaxis(times(times(np.swapaxes(L, 0, 1), M), L), (0, 1), (-2, -1))
    values, vectors = np.linalg.eigh(inner)
    roots = np.sqrt(values.clip(0) / (1 + values.clip(0)))
    root = np.moveaxis((vectors * roots[..., None, :]) @ np.swapaxes(vectors, -1, -2), (-2, -1), (0, 1))
    L_inverse = np.moveaxis(np.linalg.inv(np.moveaxis(L, (0, 1), (-2, -1))), (-2, -1), (0, 1))
    return times(times(L, root), L_inverse)


def _ranks(factor: Factor) -> Array:
    """(group,), how many effects each group's rows can distinguish, whatever the units of what they multiply."""
    products = factor.sums(factor.Z)
    sizes = np.sqrt(np.diagonal(products, axis1=1, axis2=2))
    sizes = np.where(sizes > 0, sizes, 1.0)
    return np.array(np.linalg.matrix_rank(products / (sizes[:, :, None] * sizes[:, None, :]), hermitian=True))
