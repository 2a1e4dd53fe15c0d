"""Covariate patterns: rows that are alike in all but the outcome, counted once."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.sampling.kernels.layout import Layout


class Patterns(NamedTuple):
    """Distinct rows, sorted by the group of the last factor; what is common to a predictor lies side by side.

    Attributes
    ----------
    X : ndarray
        (column, pattern), common columns.
    Z : ndarray
        (effect, pattern), effects in the order of the design.
    codes : ndarray of int
        (factor, pattern), the row's group, factors by size.
    starts : ndarray of int
        (group + 1,), where the rows of each group of the last factor begin.
    y : ndarray
        (pattern,), successes, or the mean of a Gaussian outcome, offset not taken off.
    size : ndarray
        (pattern,), trials, or rows of a Gaussian outcome, as many as their weights say.
    offset : ndarray
        (pattern,).
    within : float
        Sum of squares of a Gaussian outcome within patterns.
    """

    X: Array
    Z: Array
    codes: NDArray[np.int64]
    starts: NDArray[np.int64]
    y: Array
    size: Array
    offset: Array
    within: float


def make_patterns(design: Design, layout: Layout, columns: Array, T: Array) -> Patterns:
    """Count equal rows once.

    A Gaussian likelihood needs of n equal rows their weighted mean and sum of squares, a Bernoulli one its successes.

    Parameters
    ----------
    design : Design
        Outcome, offset and groups.
    layout : Layout
        Of its factors.
    columns : ndarray
        (row, column), the common columns as they are sampled; see `hierkit.model.basis`.
    T : ndarray
        (effect, effect), from the effects as sampled to those of the formula; see `hierkit.sampling.kernels.origin`.
    """
    outcome, gaussian = design.outcome, design.family.has_residual
    y, n = outcome.y, len(outcome.y)
    weights = outcome.row_weights
    X = columns
    Z = np.hstack([np.empty((n, 0)), *(factor.Z for factor in design.factors)]) @ T
    codes = np.array([design.factors[f].codes for f in layout.order], dtype=np.int64).reshape(-1, n)
    pattern, chosen = _distinct(codes[::-1], X, Z, design.offset)
    size, total = np.bincount(pattern, weights), np.bincount(pattern, weights * y if gaussian else y)
    mean = total / size if gaussian else total
    last = codes[-1, chosen] if len(codes) else np.zeros(0, dtype=np.int64)
    return Patterns(
        np.ascontiguousarray(X[chosen].T),
        np.ascontiguousarray(Z[chosen].T),
        np.ascontiguousarray(codes[:, chosen]),
        np.searchsorted(last, np.arange(layout.groups[-1] + 1 if len(codes) else 1)),
        mean,
        size,
        design.offset[chosen],
        float(np.sum(weights * (y - mean[pattern]) ** 2)) if gaussian else 0.0,
    )


def _distinct(codes: NDArray[np.int64], X: Array, Z: Array, offset: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each row's pattern, and a row of each pattern; patterns sorted by the first line of `codes`."""
    columns = [*codes, *X.T, *Z.T, offset]
    varying = [column for column in columns if (column != column[0]).any()]
    table = pd.DataFrame(dict(enumerate(varying)), index=range(len(offset)))
    if not varying:
        return np.zeros(len(offset), dtype=np.intp), np.zeros(1, dtype=np.intp)
    pattern = np.asarray(table.groupby(list(table.columns), sort=True).ngroup(), dtype=np.intp)
    return pattern, np.unique(pattern, return_index=True)[1]
