"""The outcome with what a column says of its rows: their trials, weights or known sds."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.errors import refusal
from hierkit.model.outcome import Outcome, constant
from hierkit.model.precision import Precision, precisions

ROUNDED = 0.05  # of a count that is a share times trials
MOST_DECIMALS = 12  # of shares that were rounded


def weighed(outcome: Outcome, frame: pd.DataFrame, precision: Precision) -> Outcome:
    """The outcome with what a column says of its rows.

    Parameters
    ----------
    outcome : Outcome
        Gaussian; events, 0 or 1, or their shares; or counts already, whose trials the column must repeat.
    frame : DataFrame
        (row, column), with the column.
    precision : Precision
        Names it, or none: then the outcome stays as it is.
    """
    if precision.column is None:
        return outcome
    if outcome.family.has_residual:
        return replace(outcome, precision=precisions(precision, frame), sd_is_known=precision.known_sd is not None)
    trials = frame[precision.column]
    if outcome.is_counts:
        _check_same_trials(outcome, trials, precision)
        return outcome
    s, n = _counts_of_shares(outcome, trials, precision)
    return replace(outcome, y=s, trials=n, is_frequencies=bool(np.isin(outcome.y, (0, 1)).all()))


def check_trials(trials: pd.Series, precision: Precision) -> NDArray[np.float64]:
    """(row,), the trials of events; refused unless they are whole numbers, 0 or more."""
    if isinstance(trials.dtype, pd.CategoricalDtype):
        raise refusal(
            f"{precision}: the column is not of numbers",
            "The weights of events are their numbers of trials",
            "Convert the column",
        )
    n = trials.to_numpy(dtype=np.float64)
    wrong = (n < 0) | (n % 1 != 0)
    if wrong.any():
        row = int(wrong.argmax())
        raise refusal(
            f"{precision}: the column is {n[row]:g} in used row {row} ({int(wrong.sum())} such rows)",
            "The weights of events are their numbers of trials: whole numbers, 0 or more",
            "Check these rows, or leave them out",
        )
    return n


def _check_same_trials(outcome: Outcome, trials: pd.Series, precision: Precision) -> None:
    if isinstance(trials.dtype, pd.CategoricalDtype) or not np.array_equal(trials, outcome.trials_of_each):
        raise refusal(
            f"{precision} are other numbers than the trials of {outcome.label}",
            "The weights of counts are their trials",
            "Leave weights out",
        )


def _counts_of_shares(
    outcome: Outcome, trials: pd.Series, precision: Precision
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n = check_trials(trials, precision)
    shares = outcome.y
    if not ((shares >= 0) & (shares <= 1)).all():
        raise refusal(
            f"The outcome {outcome.label!r} runs from {shares.min():g} to {shares.max():g}",
            "With weights an outcome of events is their share among the trials, from 0 to 1",
            "Divide by the trials, or write cbind(events, others) ~ ... without weights",
        )
    s = np.round(shares * n)
    if len(s) > 1 and ((s == 0).all() or (s == n).all()):
        raise constant(outcome.label, "no event" if (s == 0).all() else "nothing but events")
    wrong = (np.abs(s - shares * n) > ROUNDED) & ~_rounds_to(shares, s, n)
    if wrong.any():
        row = int(wrong.argmax())
        raise refusal(
            f"A share of {shares[row]:g} in {n[row]:g} trials is {shares[row] * n[row]:g} events, in used row {row} "
            f"({int(wrong.sum())} such rows)",
            "Shares times trials are whole numbers, up to rounding",
            "Check the trials, or give the counts: cbind(events, others) ~ ...",
        )
    return s, n


def _rounds_to(shares: NDArray[np.float64], s: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(row,), whether s events in n trials, and no other number of events, have this share in the column's decimals."""
    decimals = next((d for d in range(MOST_DECIMALS) if np.allclose(shares, shares.round(d), 0, 1e-15)), MOST_DECIMALS)
    unit = 10.0**-decimals
    exact = np.divide(s, n, out=np.zeros_like(s), where=n > 0)
    return np.asarray((np.abs(exact - shares) <= 0.5000001 * unit) & (n * unit < 1))
