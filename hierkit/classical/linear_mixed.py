"""REML and maximum likelihood estimates of a Gaussian model, searched for from several starts, boundary included."""

import contextlib
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from hierkit.arrays import Array
from hierkit.classical.profiled import Sums, profile, sums_of
from hierkit.cores import one_blas_thread
from hierkit.errors import refusal
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.names import RESIDUAL_SD, correlation, sd

MOST_EFFECTS = 2000  # of all factors but the largest: their information is a dense matrix
MOST_COVARIANCES = 60  # variances and covariances: ten effects have 55, which take a quarter of a minute
STARTS = (1.0, 0.2, 4.0)  # of the sds of effects, in units of the rows'
LEAST = 1e-3  # in searches, because zero is a point without slope whether the minimum is there or not
LARGEST = 1e4  # of the same: beyond, the rows leave no residual variance
SAME = 1e-3  # of the minima that searches end in
NO_WORSE = 1e-6  # where a variance is zero, not nearly so
COLLINEAR = 1e-9
LARGE = 500  # rows of a matrix
EDGE = 1e-6  # of a correlation from one
RESTARTS = 5
WORST = 1e100  # of a criterion where there is none; differences of infinities would be no numbers
# sds of rows in units of known ones, from which variances of several effects, and of several factors, lose digits
MOST_PRECISE, MOST_PRECISE_OF_FACTORS = 1e6, 1e4
PRECISE: Any = {"ftol": 1e-13, "gtol": 1e-6, "maxiter": 500}

Values = dict[str, tuple[float, float]]
Criterion = Callable[[Array], float]


def linear_mixed(design: Design, reml: bool) -> tuple[Values, str]:
    """REML or maximum likelihood estimates, and what to know of them.

    Coefficients have the standard errors (X'V^-1X)^-1; sds and correlations have none.

    Raises
    ------
    HierkitError
        For collinear columns, more effects than a dense matrix can hold, too many covariances of effects, rows that
        leave no residual variance, and known sds that are next to nothing.
    """
    root = np.sqrt(design.row_weights)
    X, y = root[:, None] * design.X, root * (design.outcome.y - design.offset)
    if design.outcome.has_sigma and design.outcome.n_rows <= X.shape[1]:
        raise refusal(
            f"There are {design.outcome.n_rows:,.0f} rows and {X.shape[1]} coefficients",
            "A residual variance is estimated from more rows than coefficients",
            "Leave predictors out, or see the posterior",
        )
    sizes = np.sqrt(np.mean(X**2, axis=0))
    Q, R = np.linalg.qr(X / sizes)
    if X.shape[1] and np.abs(np.diagonal(R)).min() < COLLINEAR * np.abs(np.diagonal(R)).max():
        raise refusal("A column can be computed from others", "Estimates need columns that differ", "Leave one out")
    factors = sorted(design.factors, key=lambda factor: -len(factor.levels) * len(factor.effects))
    _check_size(factors[1:])
    if (numbers := sum(_covariances(factor) for factor in factors)) > MOST_COVARIANCES:
        raise refusal(
            f"The group effects have {numbers:,} variances and covariances",
            f"At most {MOST_COVARIANCES} can be estimated",
            "See the posterior",
        )
    alone = Q.T @ y
    left = y - Q @ alone
    unit = _unit(design, left / root)
    _check_known_sds(factors, unit)
    sums = sums_of(left, Q, factors, design.outcome, unit * np.sqrt(design.row_variance))
    # threads cost more than small matrices do
    with one_blas_thread() if len(sums.OC) < LARGE else contextlib.nullcontext():
        theta, note = _minimum(sums, reml, unit)
    found = profile(sums, theta, reml)
    back = np.linalg.inv(R) / sizes[:, None]
    errors = np.sqrt((back @ found.covariance @ back.T).diagonal())
    columns = zip(design.columns, back @ (alone + found.coefficients), errors, strict=True)
    values = {column.label: (float(estimate), float(error)) for column, estimate, error in columns}
    components: dict[str, float] = {}
    for factor in design.factors:
        template = sums.templates[factors.index(factor)]
        components |= _components(factor, found.sigma * template.factor(theta) / template.sizes[:, None])
    notes = [note, *_notes(design, components)]
    if design.outcome.has_sigma:
        components[RESIDUAL_SD] = found.sigma
    return values | {name: (value, np.nan) for name, value in components.items()}, "; ".join(filter(None, notes))


def _check_size(others: list[Factor]) -> None:
    effects = sum(len(factor.levels) * len(factor.effects) for factor in others)
    if effects > MOST_EFFECTS:
        raise refusal(
            f"The factors beside the largest one have {effects:,} effects",
            f"The limit is {MOST_EFFECTS:,}",
            "See the posterior",
        )


def _covariances(factor: Factor) -> int:
    correlated = {i for block in factor.blocks for i in block}
    return sum(len(b) * (len(b) + 1) // 2 for b in factor.blocks) + len(factor.effects) - len(correlated)


def _check_known_sds(factors: list[Factor], unit: float) -> None:
    largest = MOST_PRECISE if len(factors) == 1 else MOST_PRECISE_OF_FACTORS
    if sum(len(factor.effects) for factor in factors) > 1 and unit > largest:
        raise refusal(
            f"The known sds are about {1 / unit:.0e} of the spread of the outcomes",
            "Estimates need known sds that are not so small beside what the effects add",
            "Leave known_sd out, which is nearly the same model with a factor less, or see the posterior",
        )


def _unit(design: Design, residuals: Array) -> float:
    """The sd of rows in units of a typical row's known one, which may be small; 1 where σ is estimated."""
    if design.outcome.has_sigma:
        return 1.0
    return max(1.0, float(np.sqrt(np.mean(residuals**2) / design.row_variance)))


def _minimum(sums: Sums, reml: bool, unit: float) -> tuple[Array, str]:
    """The best θ of several searches, and a note where they end at different values."""
    diagonal = np.concatenate([template.rows == template.columns for template in sums.templates])
    row = np.concatenate([template.start + template.rows for template in sums.templates])
    bounds = [(LEAST / unit if own else -LARGEST, LARGEST) for own in diagonal]

    def criterion(theta: Array) -> float:
        try:
            return profile(sums, theta, reml).value
        except np.linalg.LinAlgError:
            return WORST

    ends = [_search(criterion, np.where(diagonal, start, 0.0), bounds, row, diagonal) for start in STARTS]
    values = np.array([criterion(theta) for theta in ends])
    best = ends[int(values.argmin())]
    if np.abs(best).max() > 0.9 * LARGEST:
        raise refusal("The groups explain all", "Estimates need a residual variance", "See the posterior")
    return best, "" if np.ptp(values) < SAME else "the best of several optima"


def _search(
    criterion: Criterion, start: Array, bounds: list[tuple[float, float]], row: Array, diagonal: NDArray[np.bool_]
) -> Array:
    """A minimum, with variances at zero and correlations at one where that is no worse."""
    theta = _descent(criterion, start, bounds)
    for own in np.unique(row):
        for zero in (row == own, (row == own) & diagonal):
            without = np.where(zero, 0.0, theta)
            if theta[zero].any() and criterion(without) <= criterion(theta) + NO_WORSE:
                theta = without
    return theta


def _descent(criterion: Criterion, start: Array, bounds: list[tuple[float, float]]) -> Array:
    """A quasi-Newton search, begun again where it ends until nothing is gained."""
    theta, value = start, criterion(start)
    for _ in range(RESTARTS):
        found = minimize(criterion, theta, jac="3-point", method="L-BFGS-B", bounds=bounds, options=PRECISE)
        gained = value - float(found.fun)
        if gained > 0:
            theta, value = np.asarray(found.x), float(found.fun)
        if gained < NO_WORSE:
            break
    return theta


def _components(factor: Factor, L: Array) -> dict[str, float]:
    """Sds and correlations of a factor's effects, where predictors are zero, from a root of their covariance."""
    root = factor.T @ L
    G = root @ root.T
    sds, labels = np.sqrt(G.diagonal()), [effect.label for effect in factor.effects]
    components = {sd(label, factor.label): float(size) for label, size in zip(labels, sds, strict=True)}
    for block in factor.blocks:
        for i, j in combinations(block, 2):
            r = float(G[i, j] / (sds[i] * sds[j])) if sds[i] * sds[j] else np.nan
            components[correlation(labels[i], labels[j], factor.label)] = r
    return components


def _notes(design: Design, components: dict[str, float]) -> list[str]:
    zero = [name for name, value in components.items() if name.startswith("sd(") and value == 0]
    edges = [name for name, value in components.items() if name.startswith("cor(") and abs(value) > 1 - EDGE]
    notes = [f"{', '.join(zero)} is zero"] if zero else []
    notes += [f"{name} is {components[name]:.0f}" for name in edges]
    for factor in design.factors:
        single = (design.sizes(factor) == 1).all() and design.outcome.has_sigma and design.outcome.rows_are_alike
        if single and any(effect.is_intercept for effect in factor.effects):
            notes.append(f"one row for each group of {factor.label}: its sd and sigma are one number split in two")
    return notes
