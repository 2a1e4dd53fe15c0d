"""Columns of X and Z with their labels, and means and sds over weighted rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hierkit.arrays import Array


@dataclass(frozen=True)
class Column:
    """One column of X or Z, and where its coefficient is in the draws.

    Attributes
    ----------
    label : str
        As the user reads it: `wait`, `period[2]`; `Intercept` or, for a group effect, `1`.
    term_label : str
        The term that it belongs to, `period`.
    term : str
        Bambi's name of the term.
    index : int or None
        Place along the term's own dimension; None for a term of one column.
    is_intercept : bool
        Whether the column is the constant 1.
    level : Any
        Its coordinate along that dimension, as Bambi has it.
    spread : float or None
        The sd that scales its default prior, the same wherever predictors have their zero: that of the column with the
        numeric parts of an interaction centred, and with indicators of a category coded in full taken as 1. None for
        what is an intercept: of all rows, or of those of one level.
    in_full : bool
        Whether a category in it has an indicator for every level.
    variables : tuple of str
        The columns of the data that it is made of, in safe names.
    parts : frozenset of str
        The user's names of the factors of a product, `h[q]` and `x`, in no order: x:h[q] is h[q]:x.
    """

    label: str
    term_label: str
    term: str
    index: int | None = None
    is_intercept: bool = False
    level: Any = None
    spread: float | None = None
    in_full: bool = False
    variables: tuple[str, ...] = ()
    parts: frozenset[str] = frozenset()


def by_term(columns: Sequence[Column]) -> dict[str, list[Column]]:
    """The columns of each of Bambi's terms."""
    terms: dict[str, list[Column]] = {}
    for column in columns:
        terms.setdefault(column.term, []).append(column)
    return terms


def weighted_mean(values: Array, weights: Array) -> Array:
    """The mean over rows (row, ...), each counted as often as its weight says."""
    return np.asarray(np.tensordot(weights, values, axes=1) / weights.sum())


def weighted_sd(values: Array, weights: Array) -> float:
    """The sd over rows; unweighted where all rows that have a weight are alike."""
    sd = float(np.sqrt(weighted_mean((values - weighted_mean(values, weights)) ** 2, weights)))
    rounding = 4 * np.finfo(float).eps * float(np.abs(values).max(initial=0.0))
    return sd if sd > rounding else float(np.std(values))
