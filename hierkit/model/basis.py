"""Coefficients in coordinates of their own: whatever the columns' units and correlations, none is far from another.

`x`, `year` and `x:year` with years from 2008 to 2020 are nearly the same column thrice. With X the centred columns and
R from the QR decomposition of X over the diagonal matrix of the priors' precisions, gamma = R beta are coefficients of
X R^-1, whose columns are nearly orthonormal in units of the residuals. The map is exact, whatever it is made from.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import qr, solve_triangular

from hierkit.arrays import Array
from hierkit.model.columns import weighted_sd
from hierkit.model.design import Design
from hierkit.model.distributions import Prior
from hierkit.model.priors import Priors

RIDGE = 1e-8  # of a column's length, where a flat prior says nothing


class Basis(NamedTuple):
    """Columns of which the coefficients are gamma, and the way back.

    Attributes
    ----------
    X : ndarray
        (row, column), the columns.
    inverse : ndarray
        (column, column), R^-1: the coefficients of the centred columns are R^-1 gamma.
    """

    X: Array
    inverse: Array


def make_basis(design: Design, priors: Priors) -> Basis:
    """The basis of a model's common columns.

    Parameters
    ----------
    design, priors
        The model; the scales of the coefficients' priors keep columns apart that the rows do not.
    """
    X = design.X - design.column_means
    p = X.shape[1]
    y, weights = design.outcome.y, design.row_weights
    if design.family.has_residual:
        unit = weighted_sd(y - design.offset, weights) * np.sqrt(design.outcome.mean_precision)
    else:
        share = float(y.sum() / weights.sum())
        unit, weights = 1.0, weights * share * (1 - share)
    penalties = [unit / scale if (scale := _scale(priors[column.label])) else 0.0 for column in design.columns]
    weighted = X * np.sqrt(weights)[:, None]
    ridge = RIDGE * np.sqrt((weighted**2).sum(axis=0))
    stacked = np.vstack([weighted, np.diag(np.hypot(penalties, ridge))]) / unit
    R = qr(stacked, mode="r", check_finite=False)[0][:p] if p else np.empty((0, 0))
    return Basis(solve_triangular(R, X.T, trans="T").T if p else X, solve_triangular(R, np.eye(p)) if p else R)


def prior_in_basis(design: Design, priors: Priors, basis: Basis) -> tuple[Array, Array]:
    """Precision (column, column) of gamma's prior, and that times its mean (column,).

    Exact for normal and flat priors; of others the location and the scale are taken for mean and sd.
    """
    locations = [_location(priors[column.label]) for column in design.columns]
    scales = np.array([_scale(priors[column.label]) or np.inf for column in design.columns])
    weighted = basis.inverse / scales[:, None] ** 2
    return basis.inverse.T @ weighted, weighted.T @ np.array(locations).reshape(-1)


def _location(prior: Prior) -> float:
    values = list(prior.args.values())
    return float(values[-2]) if values else 0.0


def _scale(prior: Prior) -> float:
    """The last number of a coefficient's prior, which is its scale; 0 for a flat one."""
    values = list(prior.args.values())
    return float(values[-1]) if values else 0.0
