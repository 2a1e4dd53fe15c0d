"""The same rows without a hierarchy, by statsmodels: one regression for all, and one for each group.

The modules are imported by name, since statsmodels.api takes half a second more.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.regression.linear_model import WLS

from hierkit.arrays import Array
from hierkit.errors import without_warnings
from hierkit.model.design import Design
from hierkit.model.groups import Factor

ESTIMATED = "estimated"
RANK_DEFICIENT = "rank-deficient"
SEPARATED = "separated"
LARGEST_SE = 100.0  # log odds per column of size one: such a standard error is that of a separated fit


@dataclass(frozen=True, eq=False)
class Regressions:
    """Estimates of several regressions.

    Attributes
    ----------
    estimate, se : ndarray
        (regression, column), missing where a regression has no estimate.
    status : list of str
        (regression,), "estimated", "rank-deficient" (its rows cannot tell the columns apart) or "separated" (a line
        parts events from the rest, and no finite estimate exists).
    """

    estimate: Array
    se: Array
    status: list[str]


def complete_pooling(design: Design) -> Regressions:
    """Linear or logistic regression of all rows on X, groups ignored."""
    return _stack([_regression(design, np.arange(len(design.offset)), design.X)])


def no_pooling(design: Design, factor: Factor, X: Array) -> Regressions:
    """The same for each group's rows alone, on columns X (row, term)."""
    order = np.argsort(factor.codes, kind="stable")
    ends = np.cumsum(factor.counts)
    return _stack([_regression(design, order[end - n : end], X) for end, n in zip(ends, factor.counts, strict=True)])


def _stack(fits: list[tuple[Array, Array, str]]) -> Regressions:
    return Regressions(np.array([f[0] for f in fits]), np.array([f[1] for f in fits]), [f[2] for f in fits])


def _regression(design: Design, rows: NDArray[np.intp], columns: Array) -> tuple[Array, Array, str]:
    outcome = design.outcome
    rows = rows[outcome.trials_of_each[rows] > 0]
    X = columns[rows]
    offset = design.offset[rows]
    y = outcome.y[rows]
    missing = np.full(columns.shape[1], np.nan)
    sizes = np.sqrt(np.mean(X**2, axis=0)) if len(rows) else np.zeros(X.shape[1])
    if not X.shape[1] or not sizes.all() or np.linalg.matrix_rank(X / sizes) < X.shape[1]:
        return missing, missing, RANK_DEFICIENT
    if not outcome.family.has_residual:
        return _logistic(y, outcome.trials_of_each[rows], X, offset)
    n = round(outcome.at(rows).n_rows)
    fit, R = _linear(y - offset, outcome.row_weights[rows], X, outcome.sd_is_known)
    if n <= X.shape[1] and not outcome.sd_is_known:
        return np.linalg.solve(R, np.asarray(fit.params)), missing, ESTIMATED
    estimates, errors = _back(fit, R)
    if n != len(rows):
        # points in place of rows have their sums of squares, and other degrees of freedom
        errors = errors * np.sqrt((len(rows) - X.shape[1]) / (n - X.shape[1]))
    return estimates, errors, ESTIMATED


def _linear(y: Array, weights: Array, X: Array, sd_is_known: bool) -> tuple[Any, Array]:
    """The fit in orthonormal columns, so that nearly collinear ones cost no digits, and the way back from them."""
    Q, R = _orthonormal(X)
    return WLS(y, Q, weights=weights).fit(cov_type="fixed scale" if sd_is_known else "nonrobust"), R  # which is 1


def _orthonormal(X: Array) -> tuple[Array, Array]:
    """Columns of size one without correlation, Q, and R with X = Q R."""
    Q, R = np.linalg.qr(X)
    return Q * np.sqrt(len(X)), R / np.sqrt(len(X))


def _back(fit: Any, R: Array) -> tuple[Array, Array]:
    """Estimates and standard errors of the columns themselves."""
    back = np.linalg.inv(R)
    covariance = back @ np.asarray(fit.cov_params()) @ back.T
    return back @ np.asarray(fit.params), np.sqrt(covariance.diagonal())


def _logistic(y: Array, trials: Array, X: Array, offset: Array) -> tuple[Array, Array, str]:
    """In orthonormal columns, in which a standard error says whether the rows are separated."""
    Q, R = _orthonormal(X)
    missing = np.full(X.shape[1], np.nan)
    try:
        with without_warnings():
            fit = GLM(np.column_stack([y, trials - y]), Q, family=Binomial(), offset=offset).fit()
    except (ValueError, np.linalg.LinAlgError):
        return missing, missing, SEPARATED
    if not fit.converged or not np.all(np.asarray(fit.bse) < LARGEST_SE):
        return missing, missing, SEPARATED
    return *_back(fit, R), ESTIMATED
