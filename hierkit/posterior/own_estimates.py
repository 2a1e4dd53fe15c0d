"""A group's own estimate, and what is expected of its effects given all else, where neither has a closed form.

For Bernoulli outcomes and counts both are found in each draw by Newton's method: the maximum of the likelihood of the
group's rows, and the mode of that likelihood times the effects' distribution. From the mode, the expectation is a step
by the skewness of the log density there: E u ≈ û + H^-1 Σ_i z_i l'''_i z_i'H^-1 z_i / 2.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.compiled import group_sums
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
    Z, y, trials : ndarray
        (effect, row), of this factor; and (row,).
    starts : ndarray of int
        (group + 1,), where the rows of each group begin, and how many rows there are.
    reach : ndarray
        (effect, group), the largest |z| of each group.
    """

    draws: Draws
    place: int
    matrices: Matrices
    Z: Array
    y: Array
    trials: Array
    starts: NDArray[np.int64]
    reach: Array

    def rest(self, part: slice) -> Array:
        """(sample, row), the linear predictor without the factor's effects."""
        draws = self.draws
        rows = self.matrices
        own = self.place
        without = replace(draws, u=draws.u[:own] + draws.u[own + 1 :])
        Z, codes = rows.Z[:own] + rows.Z[own + 1 :], rows.codes[:own] + rows.codes[own + 1 :]
        return linear_predictor(without, replace(rows, Z=Z, codes=codes), part)

    def effects(self, part: slice) -> Array:
        """(effect, sample, group), the draws of the factor's effects."""
        return np.ascontiguousarray(np.moveaxis(self.draws.u[self.place][part], -1, 0))

    def derivatives(self, rest: Array, u: Array) -> tuple[Array, Array]:
        """(effect, effect, sample, group) and (effect, sample, group), the information and the score of each group."""
        M, score = np.empty((len(u), *u.shape)), np.empty(u.shape)
        group_sums.sum_derivatives(rest, u, self.Z, self.y, self.trials, self.starts, M, score)
        return M, score

    def largest_change(self, step: Array) -> Array:
        """(sample, group), a bound on the change of a linear predictor by a step (effect, sample, group)."""
        return np.asarray(sum(np.abs(one) * reach for one, reach in zip(step, self.reach, strict=True)))


def group_rows(design: Design, draws: Draws, factor: Factor) -> GroupRows:
    """The rows of a design, sorted by the groups of a factor."""
    order = np.argsort(factor.codes, kind="stable")
    Z = np.ascontiguousarray(factor.Z[order].T)
    starts = np.concatenate([[0], np.cumsum(factor.counts)]).astype(np.int64)
    return GroupRows(
        draws,
        design.factors.index(factor),
        fitted_matrices(design).at(order),
        Z,
        np.asarray(design.outcome.y[order], dtype=np.float64),
        np.asarray(design.row_weights[order], dtype=np.float64),
        starts,
        np.maximum.reduceat(np.abs(Z), starts[:-1], axis=1),
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


def own_estimates(rows: GroupRows, part: slice, known: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Each group's own deviation, what is expected of it given all else, and the information at the draw.

    The first two are (effect, sample, group), the last (effect, effect, sample, group).

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
    M, score = rows.derivatives(rest, u)
    expectation = _expectation(rows, rest, u, M, score, rows.draws.G[rows.place][part])
    return _maximum(rows, rest, u, known), expectation, M


def _maximum(rows: GroupRows, rest: Array, start: Array, known: NDArray[np.bool_]) -> Array:
    """The maximum of each group's likelihood, by Newton's method; missing where it has none."""
    u = np.where(known, start, 0.0)
    steps = np.where(known, np.inf, 0.0)
    for _ in range(NEWTON_STEPS):
        M, score = rows.derivatives(rest, u)
        M = np.where(known, M, np.eye(len(u))[:, :, None, None])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = np.where(known, times(inverse(M), score[:, None])[:, 0], 0.0)
        step, steps = _bounded(rows, step)
        u = u + step
        if not (steps > STILL).any():
            break
    return np.where(known & (steps <= STILL), u, np.nan)


def _expectation(rows: GroupRows, rest: Array, start: Array, M: Array, score: Array, G: Array) -> Array:
    """The mode of each group's likelihood times the effects' distribution, and the step from it to the mean.

    M and score are the information and the score at the start.
    """
    u = start
    for _ in range(NEWTON_STEPS):
        covariance = posterior_covariance(G, M)
        target = times(covariance, times(M, u[:, None]) + score[:, None])[:, 0]
        step, steps = _bounded(rows, target - u)
        u = u + step
        M, score = rows.derivatives(rest, u)
        if not (steps > STILL).any():
            break
    covariance = posterior_covariance(G, M)
    pull = np.empty(u.shape)
    group_sums.sum_bends(rest, u, rows.Z, rows.trials, rows.starts, covariance, pull)
    return np.asarray(u - 0.5 * times(covariance, pull[:, None])[:, 0])


def _bounded(rows: GroupRows, step: Array) -> tuple[Array, Array]:
    """The step of each group, shortened where it is long, and its largest change of a linear predictor."""
    step = np.nan_to_num(step, nan=0.0, posinf=0.0, neginf=0.0)
    change = rows.largest_change(step)
    return step / np.maximum(1.0, change / FARTHEST), change
