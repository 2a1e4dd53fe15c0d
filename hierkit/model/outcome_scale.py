"""The middle and the spread of an outcome, which scale default priors."""

from dataclasses import dataclass

import numpy as np

from hierkit.arrays import Array
from hierkit.model.columns import weighted_mean, weighted_sd
from hierkit.model.design import Design

STEPS, STILL = 100, 1e-9


@dataclass(frozen=True)
class OutcomeScale:
    """Of a Gaussian outcome less its offset: mean, sd, root mean square, and the residual sd of a row of weight 1.

    Rows count equally if they are equally precise, and otherwise as they would in a meta-analysis.
    """

    mean: float
    sd: float
    root_mean_square: float
    residual_sd: float


def outcome_scale(design: Design) -> OutcomeScale:
    """The scale of a Gaussian outcome.

    With weights or known sds a row counts ∝ 1/(T² + v), v its residual variance and T² the variance of the rows so
    weighted, so that one that hardly says anything hardly counts, and one that is known exactly counts no more than
    others that are known well. With known sds the sd is no less than that of a typical row, which rows that are alike
    by chance would fall below.
    """
    y, outcome = design.outcome.y - design.offset, design.outcome
    residual_sd = 1.0
    if outcome.has_sigma:
        residual_sd = weighted_sd(y, outcome.row_weights) * float(np.sqrt(outcome.mean_precision))
    counts = outcome.trials_of_each
    if not outcome.rows_are_alike:
        counts = counts_of_rows(y, residual_sd**2 / outcome.row_weights)
    mean = float(weighted_mean(y, counts))
    spread, size = (float(np.sqrt(weighted_mean(squares, counts))) for squares in ((y - mean) ** 2, y**2))
    least = float(np.sqrt(design.row_variance)) if outcome.sd_is_known else 0.0
    return OutcomeScale(mean, max(spread, least), max(size, least), residual_sd)


def counts_of_rows(y: Array, variances: Array) -> Array:
    """(row,), what rows of known variances v count in their mean: 1/(T² + v), T² being their variance so counted."""
    spread = float(np.var(y))
    for _ in range(STEPS):
        before, counts = spread, 1 / (spread + variances)
        spread = float(weighted_mean((y - weighted_mean(y, counts)) ** 2, counts))
        if abs(spread - before) <= STILL * before:
            break
    return 1 / (spread + variances)
