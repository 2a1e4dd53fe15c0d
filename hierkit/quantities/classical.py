"""The same rows without a hierarchy, by statsmodels: one regression for all, and one for each group."""

import warnings
from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from statsmodels.tools.sm_exceptions import PerfectSeparationError, PerfectSeparationWarning

from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.terms import Array

ESTIMATED, RANK_DEFICIENT, SEPARATED = "estimated", "rank-deficient", "separated"
LARGEST_SE = 100.0  # log odds per sd of the column: such a standard error is that of a separated fit


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
    return _stack([_regression(design, np.arange(len(design.offset)), np.arange(design.X.shape[1]))])


def no_pooling(design: Design, factor: Factor, columns: NDArray[np.intp]) -> Regressions:
    """The same for each group's rows alone, on some columns of X."""
    order = np.argsort(factor.codes, kind="stable")
    ends = np.cumsum(factor.counts)
    rows = [order[end - n : end] for end, n in zip(ends, factor.counts, strict=True)]
    return _stack([_regression(design, own, columns) for own in rows])


def _stack(fits: list[tuple[Array, Array, str]]) -> Regressions:
    return Regressions(np.array([f[0] for f in fits]), np.array([f[1] for f in fits]), [f[2] for f in fits])


def _regression(design: Design, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[Array, Array, str]:
    X, offset, outcome = design.X[np.ix_(rows, columns)], design.offset[rows], design.outcome
    y, missing = outcome.y[rows], np.full(len(columns), np.nan)
    if np.linalg.matrix_rank(X) < X.shape[1] or (outcome.family == "gaussian" and len(rows) <= X.shape[1]):
        return missing, missing, RANK_DEFICIENT
    if outcome.family == "gaussian":
        fit = sm.OLS(y - offset, X).fit()
        return np.asarray(fit.params), np.asarray(fit.bse), ESTIMATED
    trials = np.ones_like(y) if outcome.trials is None else outcome.trials[rows]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", PerfectSeparationWarning)
            fit = sm.GLM(np.column_stack([y, trials - y]), X, family=sm.families.Binomial(), offset=offset).fit()
    except (PerfectSeparationError, PerfectSeparationWarning, np.linalg.LinAlgError):
        return missing, missing, SEPARATED
    scale = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    if not fit.converged or not np.all(np.asarray(fit.bse) * scale < LARGEST_SE):
        return missing, missing, SEPARATED
    return np.asarray(fit.params), np.asarray(fit.bse), ESTIMATED
