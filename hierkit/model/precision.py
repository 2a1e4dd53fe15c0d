"""How precise rows are: weights, or sampling sds that are known.

A Gaussian row has the residual variance σ²/w with `weights`, and s² with `known_sd`, where there is no σ to estimate:
then w = 1/s² and σ = 1. An event has w trials with `weights`.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierkit.arrays import Array
from hierkit.errors import HierkitError, refusal

COLLINEAR = 1e-10  # of singular values
DECISIVE = 0.99  # of leverages
LARGEST = 1e60  # of weights, and of one over the smallest: powers of them must be numbers


@dataclass(frozen=True)
class Precision:
    """What a user says of the precision of rows: the column of weights or that of known sds, or neither."""

    weights: str | None = None
    known_sd: str | None = None

    def __str__(self) -> str:
        return ", ".join(f"{name}={column!r}" for name, column in self.given.items())

    @property
    def given(self) -> dict[str, Any]:
        """The arguments of `fit` that were given."""
        return {name: column for name, column in asdict(self).items() if column is not None}

    @property
    def column(self) -> str | None:
        """The column, if any."""
        return self.weights if self.known_sd is None else self.known_sd

    @property
    def columns(self) -> tuple[str, ...]:
        """The same as a tuple, empty where there is none."""
        return () if self.column is None else (self.column,)


def make_precision(weights: str | None, known_sd: str | None, family: str) -> Precision:
    """What `fit` was given, checked.

    Raises
    ------
    HierkitError
        For both at once, for what is no name, and for known sds of events.
    """
    found = Precision(weights, known_sd)
    for name, value in found.given.items():
        if not isinstance(value, str):
            raise refusal(
                f"{name}= is a {type(value).__name__}",
                f"{name}= is the name of a column",
                "Put the numbers into a column",
            )
    if len(found.given) > 1:
        raise refusal(
            f"Both {str(found).replace(', ', ' and ')} were given",
            "With known_sd each row's sd is known; weights share out a residual sd that is estimated",
            "Pass one of them",
        )
    if known_sd is not None and family != "gaussian":
        raise refusal(
            f"known_sd={known_sd!r} was given with family={family!r}",
            "Only a Gaussian outcome has sampling sds",
            "Leave known_sd out, or fit estimates with their standard errors by family='gaussian'",
        )
    return found


def precisions(precision: Precision, frame: pd.DataFrame) -> Array:
    """(row,), the w of each row.

    Raises
    ------
    HierkitError
        For labels, and for numbers that are not positive.
    """
    column = precision.columns[0]
    values = frame[column]
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == bool:
        raise refusal(f"{precision}: the column is not of numbers", _allowed(precision), "Convert the column")
    numbers = values.to_numpy(dtype=np.float64)
    if (numbers <= 0).any():
        raise _not_positive(precision, numbers)
    with np.errstate(all="ignore"):  # what is beyond floats is refused below
        w = numbers if precision.known_sd is None else 1 / numbers**2
    if w.min() < 1 / LARGEST or w.max() > LARGEST:
        raise _out_of_range(precision, numbers)
    return w


def _allowed(precision: Precision) -> str:
    return "Weights are positive numbers" if precision.known_sd is None else "Sds are positive numbers"


def _not_positive(precision: Precision, numbers: Array) -> HierkitError:
    row = int((numbers <= 0).argmax())
    return refusal(
        f"{precision}: the column is {numbers[row]:g} in used row {row} ({int((numbers <= 0).sum())} such rows)",
        _allowed(precision),
        "Leave these rows out, or set the column missing there",
    )


def _out_of_range(precision: Precision, numbers: Array) -> HierkitError:
    found = f"{precision}: the column runs from {numbers.min():g} to {numbers.max():g}"
    if precision.known_sd is None:
        allowed = f"Weights between {1 / LARGEST:g} and {LARGEST:g} can be computed with"
        return refusal(found, allowed, "Divide them by their mean, which changes nothing but the unit of sigma")
    allowed = f"Sds between {LARGEST**-0.5:g} and {LARGEST**0.5:g} can be computed with"
    return refusal(found, allowed, "Give the outcome and its sds in another unit")


def typical_variance(w: Array, X: Array) -> float:
    """The typical variance of rows whose variances are 1/w, s̃² = (n - p) / Σ w (1 - h).

    h are the leverages of the p columns of X (row, column) in the weighted regression. For a mean alone it is
    (n - 1) Σw / ((Σw)² - Σw²), that of Higgins and Thompson (2002), with which τ²/(τ² + s̃²) is I²; s² where all sds
    are the same.
    """
    U, sizes, _ = np.linalg.svd(np.sqrt(w)[:, None] * X, full_matrices=False)
    leverages = np.sum(U[:, sizes > COLLINEAR * sizes.max(initial=0)] ** 2, axis=1)
    left = len(w) - leverages.sum()
    if left < 0.5:
        return float(1 / w.mean())
    unexplained = w * (1 - leverages)
    for row in np.flatnonzero(leverages > DECISIVE).tolist():
        unexplained[row] = _unexplained(w, X, row)
    return float(left / unexplained.sum())


def _unexplained(w: Array, X: Array, row: int) -> float:
    """The w (1 - h) of a row whose leverage is near 1, from the other rows: 1 - h would lose its digits."""
    others = np.arange(len(w)) != row
    _, sizes, V = np.linalg.svd(np.sqrt(w[others])[:, None] * X[others], full_matrices=False)
    kept = sizes > COLLINEAR * sizes.max(initial=0)
    inside = V[kept] @ X[row]
    size = X[row] @ X[row]
    if size - inside @ inside > COLLINEAR * size:  # no other row says anything of it
        return 0.0
    return float(w[row] / (1 + w[row] * np.sum((inside / sizes[kept]) ** 2)))
