"""Reference rows: one predictor moves, other numbers are at their means, and categories at all their levels.

What is computed from reference rows is averaged over the combinations of levels, each with its share of the rows, or of
the trials of counts. So 0 and 1, False and True, and two labels are the same predictor.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.columns import weighted_mean
from hierkit.model.design import Design
from hierkit.model.matrices import Matrices, changed_matrices
from hierkit.model.syntax import columns_in, outer_calls, render

POINTS = 50
MOST_COMBINATIONS = 200  # of levels, the commonest ones
CATEGORY_CALLS = tuple(
    f"{name}(" for name in ("C", "T", "S", "binary", "B", "factor", "as.factor", "as.character", "ordered", "relevel")
)
# names of dims and columns of results, which a dim called after a column of the data must not have
DIMS = (
    *("chain", "draw", "group", "effect", "factor", "term", "contrast", "row", "cell"),
    *("n", "mean", "outcome", "quantity", "estimate", "sd", "ci_lower", "ci_upper"),
)


@dataclass(frozen=True, eq=False)
class ReferenceRows:
    """Rows in one combination of the categories' levels.

    Attributes
    ----------
    share : float
        The share of the fitted rows, or trials, with these levels.
    matrices : Matrices
        (place,), a row for each value of the predictor that moves.
    """

    share: float
    matrices: Matrices


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
    """Whether a predictor is a number of more values than 0 and 1 that no term uses as a category."""
    values = design.rows.frame[name]
    formula = design.formula
    trees = [formula.common_tree, *(term.effects_tree for term in formula.group_terms)]
    calls = [call for tree in trees for call in outer_calls(tree) if render(call).startswith(CATEGORY_CALLS)]
    coded = any(name in columns_in(call) for call in calls)
    return is_numeric(values) and not coded and not bool(values.isin((0, 1)).all())


def levels_of(design: Design, name: str) -> list[Any]:
    """The levels of a predictor that is not measured, in their order."""
    values = design.rows.frame[name]
    return list(values.cat.categories) if hasattr(values, "cat") else sorted(values.unique())


def dim_of(name: str) -> str:
    """The dim for values of a column: its name, with an underscore where hierkit has a dim of that name."""
    return f"{name}_" if name in DIMS else name


def grid_of(design: Design, name: str) -> Array:
    """Evenly spaced values over the range of a numeric predictor."""
    values = predictor(design, name)
    if not is_measured(design, name):
        raise refusal(
            f"{name!r} is a category: it has labels, or only the values 0 and 1",
            "A curve needs a predictor that is a number",
            "Use slopes() for a category",
        )
    return np.linspace(float(values.min()), float(values.max()), POINTS)


def reference_rows(design: Design, changes: Mapping[str, Any] | None = None) -> list[ReferenceRows]:
    """Rows with a predictor at each of the values it is changed to, for every combination of the categories' levels.

    Parameters
    ----------
    design : Design
        Of the fit.
    changes : mapping of str to sequence, optional
        One predictor and its values; without it there is one row, the mean row.

    Returns
    -------
    list of ReferenceRows
        Numbers are at their means over rows, or trials. Shares sum to one; of more than 200 combinations those are the
        200 commonest.
    """
    means = {column.label: float(mean) for column, mean in zip(design.columns, _means(design), strict=True)}
    design = design.of_rows
    moved = dict(changes or {})
    places = max((len(values) for values in moved.values()), default=1)
    others = [name for name in design.formula.predictors if name not in moved]
    categories = [name for name in others if not is_measured(design, name)]
    first, shares = _combinations(design, categories)
    trials, frame = design.outcome.trials_of_each, design.rows.frame
    numbers = [name for name in others if name not in categories]
    columns: dict[str, Any] = {
        name: means[name] if name in means else float(weighted_mean(frame[name].to_numpy(dtype=np.float64), trials))
        for name in numbers
    }
    columns |= {name: np.tile(np.asarray(values), len(first)) for name, values in moved.items()}
    whole = changed_matrices(design, columns, np.repeat(first, places))
    return [
        ReferenceRows(share, whole.at(np.arange(i * places, (i + 1) * places)))
        for i, share in enumerate(shares.tolist())
    ]


def _means(design: Design) -> Array:
    """(column,), the means of the common columns over all rows, or trials."""
    return weighted_mean(design.X, design.outcome.trials_of_each)


def averaged(rows: Sequence[ReferenceRows], values: Iterable[Array]) -> Array:
    """(...), the average of one array for each of the rows, by their shares."""
    return np.asarray(sum(one.share * found for one, found in zip(rows, values, strict=True)))


def _combinations(design: Design, categories: list[str]) -> tuple[NDArray[np.intp], Array]:
    """For each combination of levels, the commonest first, the place of a row that has them, and its share."""
    trials = design.outcome.trials_of_each
    codes = np.zeros((len(trials), len(categories)), dtype=np.intp)
    for k, name in enumerate(categories):
        codes[:, k] = pd.factorize(design.rows.frame[name], sort=True)[0]
    _, first, places = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    weights = np.bincount(places.ravel(), trials)
    kept = np.argsort(-weights, kind="stable")[:MOST_COMBINATIONS]
    kept = kept[weights[kept] > 0]
    return first[kept], weights[kept] / weights[kept].sum()
