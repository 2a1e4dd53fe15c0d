"""Coefficients of the population: group effects integrated out, not set to zero."""

from typing import Literal, NamedTuple, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import check_word, refusal
from hierkit.integration.marginal_means import marginal_links
from hierkit.intervals import beside, without_mean
from hierkit.model.design import Design
from hierkit.model.families import Family
from hierkit.model.matrices import Matrices, fitted_matrices
from hierkit.posterior.draws import Draws, in_batches
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.coefficients import odds_ratios
from hierkit.quantities.icc import average_variances

Projection = Literal["likelihood", "logit"]
ATTENUATION = (16 * np.sqrt(3) / (15 * np.pi)) ** 2  # c² of Zeger, Liang and Albert
NEWTON_STEPS = 25
STILL = 1e-6  # what is left after such a step is of the order of its square
NO_INFORMATION = 1e-200  # of a row
RANK, ROUNDING = 1e-9, 1e-6  # of the largest singular value; of a direction in which nothing changes


def marginal_coefficients(posterior: Posterior, projection: Projection = "likelihood") -> Quantity:
    """The coefficients γ of the regression that the marginal means obey best.

    Each draw gives every row its marginal mean, E_u g^-1(xβ + z'u) with z'u ~ N(0, Σ_f z'Gz). "likelihood": γ is the
    maximum likelihood fit of those means on X, what GEE and pooled logistic regression estimate; "logit": least squares
    of their logits (Hedeker et al. 2018).

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    projection : {"likelihood", "logit"}
        How the means are projected on X.

    Returns
    -------
    Quantity
        `marginal` (chain, draw, term) on the link scale, missing for a column that others explain, whose coefficient
        the rows do not determine; `odds_ratio`, its exponential, missing for the intercept; `attenuation` = marginal /
        conditional coefficient, whose estimate is the median, because the ratio has no mean where the conditional
        coefficient may be zero; and `closed_form` (chain, draw), 1 / sqrt(1 + 0.346 s²) with s² the groups'
        variance averaged over rows (Zeger, Liang and Albert 1988), a check that errs by 1 to 7%; `residual` (chain,
        draw), the largest distance on the logit scale between the means of a row and their regression: how far the
        population is from following a logistic curve of its own. Gaussian: γ = β, exactly.

    Raises
    ------
    HierkitError
        For an unknown projection, and for a model without coefficients.
    """
    posterior = posterior.of_rows
    design = posterior.design
    check_word("projection", projection, get_args(Projection))
    if not design.columns:
        raise refusal(
            "The model has no coefficients", "The formula has no common terms", "Add an intercept or a predictor"
        )
    draws = posterior.parameters
    rows, weights = _distinct(design)
    columns = _coordinates(design, rows.X, weights)
    averages = average_variances(design, draws.covariances).sum(axis=1) if design.factors else np.zeros(len(draws.beta))
    gamma, residual = np.empty(draws.beta.shape), np.empty(len(draws.beta))

    def project(part: slice) -> None:
        gamma[part], residual[part] = _project(draws, rows, weights, columns, part, projection)

    in_batches(project, len(gamma), len(rows.offset), "marginal_coefficients")
    own = np.full(gamma.shape[1], True) if draws.family.is_linear else columns.are_determined
    gamma[:, ~own] = np.nan
    labels = {"term": [column.label for column in design.columns]}
    arrays = {"marginal": draws.labelled(gamma, labels)}
    if not draws.family.is_linear:
        arrays[str(draws.family.ratio)] = beside(odds_ratios(arrays["marginal"], design.columns), "interval")
        with np.errstate(divide="ignore", invalid="ignore"):
            arrays["attenuation"] = beside(without_mean(draws.labelled(gamma / draws.beta, labels)), "interval")
        arrays["closed_form"] = beside(draws.labelled(1 / np.sqrt(1 + ATTENUATION * averages)))
        arrays["residual"] = beside(draws.labelled(residual))
    missing = [column.label for column, known in zip(design.columns, own, strict=True) if not known]
    return Quantity(xr.Dataset(arrays), _definition(design, projection, missing))


class _Coordinates(NamedTuple):
    """Orthonormal columns of the rows, of which coefficients are found without loss of digits.

    Attributes
    ----------
    U : ndarray
        (row, direction), X = U R with the directions that the rows have; U'WU is the identity, W the rows' shares.
    back : ndarray
        (column, direction), from coefficients of U to those of X.
    are_determined : ndarray
        (column,), whether the rows determine a coefficient: those of columns that others explain are free to move.
    """

    U: Array
    back: Array
    are_determined: NDArray[np.bool_]


def _coordinates(design: Design, X: Array, weights: Array) -> _Coordinates:
    """Columns centred and scaled, so that neither zeros nor units matter, then their singular vectors."""
    root = np.sqrt(weights / weights.sum())[:, None]
    centred = root * (X - design.column_means)
    sizes = np.sqrt((centred**2).sum(axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)
    left, values, right = np.linalg.svd(centred / sizes, full_matrices=False)
    kept = values > RANK * values[0]
    to_columns = np.diag(1 / sizes)
    if design.has_intercept:
        first = next(i for i, column in enumerate(design.columns) if column.is_intercept)
        to_columns[first] -= design.column_means / sizes
    null = np.linalg.svd(right[kept])[2][kept.sum() :] @ to_columns.T * np.sqrt(np.mean(X**2, axis=0))
    lengths = np.linalg.norm(null, axis=1, keepdims=True)
    determined = (np.abs(null / lengths) < ROUNDING).all(axis=0)
    return _Coordinates(left[:, kept] / root, to_columns @ (right[kept].T / values[kept]), determined)


def _distinct(design: Design) -> tuple[Matrices, Array]:
    """Rows that differ in X, Z or offset, and how often each occurs; counts weigh by their trials."""
    rows = fitted_matrices(design)
    table = np.column_stack([rows.X, *rows.Z, rows.offset])
    _, first, place = np.unique(table, axis=0, return_index=True, return_inverse=True)
    weights = np.bincount(place, design.trials)
    # counts of no trials say nothing
    first, weights = first[weights > 0], weights[weights > 0]
    kept = Matrices(rows.X[first], rows.offset[first], tuple(Z[first] for Z in rows.Z), ())
    return kept, weights


def _project(
    draws: Draws, rows: Matrices, weights: Array, columns: _Coordinates, part: slice, projection: str
) -> tuple[Array, Array]:
    """Coefficients (sample, term) of the means on X, and the largest residual on the link scale (sample,)."""
    if draws.family.is_linear:
        return draws.beta[part], np.zeros(len(draws.beta[part]))
    links = marginal_links(draws, rows, part)
    U = columns.U
    delta = (links - rows.offset) @ (U * (weights / weights.sum())[:, None])
    if projection == "likelihood":
        delta = _maximum_likelihood(draws.family, delta, draws.family.mean(links), U, rows.offset, weights)
    return delta @ columns.back.T, np.abs(links - delta @ U.T - rows.offset).max(axis=1)


def _maximum_likelihood(family: Family, delta: Array, means: Array, U: Array, offset: Array, weights: Array) -> Array:
    """(sample, direction), logistic regression of means on U for each draw, by Newton's method from near by."""
    products = (U[:, :, None] * U[:, None, :]).reshape(len(U), -1)
    for _ in range(NEWTON_STEPS):
        W, residual = family.derivatives(weights * means, weights, delta @ U.T + offset, None)
        score = residual @ U
        # none where all probabilities are 0 or 1 to the last digit: the coefficients stay where they are
        known = W.max(axis=1, keepdims=True) > NO_INFORMATION
        information = np.where(known, W @ products, 0.0).reshape(-1, U.shape[1], U.shape[1])
        step = (np.linalg.pinv(information, hermitian=True) @ score[..., None])[..., 0]
        delta = delta + step
        if np.abs(step).max() < STILL:
            break
    return delta


def _definition(design: Design, projection: str, missing: list[str]) -> str:
    if design.family.is_linear:
        return "Marginal coefficients: with a Gaussian outcome those of the population are those within a group, γ = β."
    how = "the logistic regression" if projection == "likelihood" else "least squares of the logits"
    text = (
        f"Marginal coefficients γ, in log odds: {how} of the marginal probabilities E_u logit^-1(xβ + z'u) on X. The "
        "change across the population for one unit of the predictor, as GEE estimates it; the conditional coefficient "
        "is that within a group and larger. odds_ratio = exp(γ); attenuation = γ/β, whose estimate is the "
        "median, because a ratio has no mean; closed_form 1/sqrt(1 + 0.346 s²) (Zeger et al. 1988); residual: how "
        "far, in log odds, a row's marginal mean lies from this regression."
    )
    if missing:
        text += f" Other columns explain {', '.join(missing)}: the rows do not determine these coefficients."
    return text
