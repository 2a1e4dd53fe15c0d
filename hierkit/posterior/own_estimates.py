"""A group's own estimate, and what is expected of its effects given all else, where neither has a closed form.

For an outcome that is not Gaussian both are found in each draw by Newton's method: the maximum of the likelihood of the
group's rows, and the mode of that likelihood times the effects' distribution. From the mode, the expectation is a step
by the skewness of the log density there: E u ≈ û + H^-1 Σ_i z_i l'''_i z_i'H^-1 z_i / 2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.matrices import Matrices, fitted_matrices
from hierkit.posterior.draws import Draws, linear_predictor
from hierkit.posterior.information import inverse, posterior_covariance, times

NEWTON_STEPS = 25
STILL = 1e-3  # of the linear predictor; what is left after such a step is of the order of its square
FARTHEST = 4.0  # of a step, on the linear predictor: Newton's method may overshoot


@dataclass(frozen=True, eq=False)
class GroupRows:
    """The rows of a factor's groups, one group after the other, without the factor's own part of the predictor.

    Attributes
    ----------
    draws : Draws
        Of the fit.
    place : int
        The factor's, in the draws.
    matrices : Matrices
        (row,), of all factors.
    Z, y, weights : ndarray
        (row, effect), of this factor; and (row,).
    starts, counts : ndarray of int
        (group,), the place of each group's first row, and how many rows it has.
    """

    draws: Draws
    place: int
    matrices: Matrices
    Z: Array
    y: Array
    weights: Array
    starts: NDArray[np.intp]
    counts: NDArray[np.intp]

    def rest(self, part: slice) -> Array:
        """(sample, row), the linear predictor without the factor's effects."""
        eta = linear_predictor(self.draws, self.matrices, part)
        return eta - self.of_rows(self.effects(part))

    def effects(self, part: slice) -> Array:
        """(effect, sample, group), the draws of the factor's effects."""
        return np.moveaxis(self.draws.u[self.place][part], -1, 0)

    def sums(self, values: Array) -> Array:
        """(sample, group), of (sample, row)."""
        return np.add.reduceat(values, self.starts, axis=1)

    def of_rows(self, u: Array) -> Array:
        """(sample, row), z'u for u (effect, sample, group)."""
        return np.asarray(sum(np.repeat(one, self.counts, axis=1) * z for one, z in zip(u, self.Z.T, strict=True)))

    def derivatives(self, eta: Array) -> tuple[Array, Array]:
        """(effect, effect, sample, group) and (effect, sample, group), the information and the score of each group."""
        W, residual = self.draws.family.derivatives(self.y, self.weights, eta, None)
        q = self.Z.shape[1]
        M = np.array([[self.sums(W * (self.Z[:, a] * self.Z[:, b])) for b in range(q)] for a in range(q)])
        return M, np.array([self.sums(residual * z) for z in self.Z.T])


def group_rows(design: Design, draws: Draws, factor: Factor) -> GroupRows:
    """The rows of a design, sorted by the groups of a factor."""
    order = np.argsort(factor.codes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(factor.counts)[:-1]])
    return GroupRows(
        draws,
        design.factors.index(factor),
        fitted_matrices(design).at(order),
        factor.Z[order],
        design.outcome.y[order],
        design.row_weights[order],
        starts,
        factor.counts,
    )


def have_own(rows: GroupRows, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(group,), whether a group's rows have an estimate of their own: those of separated rows have no maximum.

    Separation does not depend on what else is in the linear predictor: one draw shows it.

    Parameters
    ----------
    rows : GroupRows
        From `group_rows`.
    known : ndarray of bool
        (group,), whether the group's rows can tell its effects apart.
    """
    first = slice(0, 1)
    return np.asarray(np.isfinite(_maximum(rows, rows.rest(first), rows.effects(first), known)).all(axis=(0, 1)))


def own_estimates(rows: GroupRows, part: slice, known: NDArray[np.bool_]) -> tuple[Array, Array]:
    """(effect, sample, group) twice: each group's own deviation, and what is expected of it given all else.

    Parameters
    ----------
    rows : GroupRows
        From `group_rows`.
    part : slice
        Of the draws.
    known : ndarray of bool
        (group,), from `have_own`. The own deviation is missing for others.
    """
    rest, u = rows.rest(part), rows.effects(part)
    return _maximum(rows, rest, u, known), _expectation(rows, rest, u, rows.draws.G[rows.place][part])


def _maximum(rows: GroupRows, rest: Array, start: Array, known: NDArray[np.bool_]) -> Array:
    """The maximum of each group's likelihood, by Newton's method; missing where it has none."""
    u = np.where(known, start, 0.0)
    steps = np.where(known, np.inf, 0.0)
    for _ in range(NEWTON_STEPS):
        M, score = rows.derivatives(rest + rows.of_rows(u))
        M = np.where(known, M, np.eye(len(u))[:, :, None, None])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = np.where(known, times(inverse(M), score[:, None])[:, 0], 0.0)
        step, steps = _bounded(rows, step)
        u = u + step
        if not (steps > STILL).any():
            break
    return np.where(known & (steps <= STILL), u, np.nan)


def _expectation(rows: GroupRows, rest: Array, start: Array, G: Array) -> Array:
    """The mode of each group's likelihood times the effects' distribution, and the step from it to the mean."""
    u = start
    for _ in range(NEWTON_STEPS):
        M, score = rows.derivatives(rest + rows.of_rows(u))
        covariance = posterior_covariance(G, M)
        target = times(covariance, times(M, u[:, None]) + score[:, None])[:, 0]
        step, steps = _bounded(rows, target - u)
        u = u + step
        if not (steps > STILL).any():
            break
    eta = rest + rows.of_rows(u)
    M, _ = rows.derivatives(eta)
    covariance = posterior_covariance(G, M)
    q = len(u)
    spread = np.asarray(
        sum(
            np.repeat(covariance[a, b], rows.counts, axis=1) * (rows.Z[:, a] * rows.Z[:, b])
            for a in range(q)
            for b in range(q)
        )
    )
    bend = rows.draws.family.weight_slope(rows.weights, eta) * spread
    pull = np.array([rows.sums(bend * z) for z in rows.Z.T])
    return np.asarray(u - 0.5 * times(covariance, pull[:, None])[:, 0])


def _bounded(rows: GroupRows, step: Array) -> tuple[Array, Array]:
    """The step of each group, shortened where it is long, and its largest change of a linear predictor."""
    step = np.nan_to_num(step, nan=0.0, posinf=0.0, neginf=0.0)
    change = np.maximum.reduceat(np.abs(rows.of_rows(step)), rows.starts, axis=1)
    return step / np.maximum(1.0, change / FARTHEST), change
