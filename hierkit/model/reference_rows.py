"""Reference rows: one predictor moves, the others are at their means or their commonest level."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.design import Design
from hierkit.model.matrices import Matrices, changed_matrices
from hierkit.model.syntax import columns_in, outer_calls, render

POINTS = 50
CATEGORY_CALLS = ("C(", "T(", "S(", "binary(", "B(")
DIMS = ("chain", "draw", "group", "effect", "factor", "term", "contrast")


def predictor(design: Design, name: str) -> pd.Series:
    """A predictor's values.

    Raises
    ------
    HierkitError
        For a name that is no predictor.
    """
    known = design.formula.predictors
    if name not in known:
        allowed = f"The predictors are {', '.join(map(repr, known))}" if known else "It has no predictors"
        raise refusal(f"The model has no predictor {name!r}", allowed, "Name one of them" if known else "Add one")
    return design.rows.frame[name]


def is_numeric(values: pd.Series) -> bool:
    """Whether a predictor is a number that is more than a yes or no."""
    return pd.api.types.is_numeric_dtype(values) and values.dtype != bool


def is_measured(design: Design, name: str) -> bool:
    """Whether a predictor is a number that no term uses as a category."""
    formula = design.formula
    trees = [formula.common_tree, *(term.effects_tree for term in formula.group_terms)]
    calls = [call for tree in trees for call in outer_calls(tree) if render(call).startswith(CATEGORY_CALLS)]
    return is_numeric(design.rows.frame[name]) and not any(name in columns_in(call) for call in calls)


def dim_of(name: str) -> str:
    """The dim for values of a column: its name, with an underscore where hierkit has a dim of that name."""
    return f"{name}_" if name in DIMS else name


def grid_of(design: Design, name: str) -> Array:
    """Evenly spaced values over the range of a numeric predictor."""
    values = predictor(design, name)
    if not is_measured(design, name):
        raise refusal(f"{name!r} is not a number", "A curve needs a numeric predictor", "Use slopes() for a category")
    return np.linspace(float(values.min()), float(values.max()), POINTS)


def typical_rows(design: Design, changes: Mapping[str, Any]) -> Matrices:
    """A row for each value of the changes, other predictors at their mean or commonest level."""
    size = max(len(values) for values in changes.values())
    others = {name: _centre(design, name) for name in design.formula.predictors if name not in changes}
    return changed_matrices(design, {**others, **changes}, np.zeros(size, dtype=np.intp))


def mean_row(design: Design) -> Matrices:
    """One row with every predictor at its mean or commonest level."""
    others = {name: _centre(design, name) for name in design.formula.predictors}
    return changed_matrices(design, others, np.zeros(1, dtype=np.intp))


def _centre(design: Design, name: str) -> Any:
    values = design.rows.frame[name]
    return float(values.mean()) if is_measured(design, name) else values.mode()[0]
