"""Rows that were not fitted, read as the fitted ones were: same types, same levels, same transformations."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.errors import refusal
from hierkit.model import outcome as outcomes
from hierkit.model.design import Design, outcome_values
from hierkit.model.formula import MATHEMATICS, GroupTerm
from hierkit.model.groups import Factor
from hierkit.model.matrices import Matrices, evaluated
from hierkit.model.outcome import Outcome
from hierkit.model.rows import count_rows, read_rows
from hierkit.model.spelling import safe_names
from hierkit.model.syntax import callee_of, outer_calls
from hierkit.model.terms import Array, Evaluator

SHOWN = 5


@dataclass(frozen=True, eq=False)
class NewRows:
    """Rows for a model that has been fitted.

    Attributes
    ----------
    frame : pandas.DataFrame
        (row, column), the columns that were read, in the types of the fit.
    matrices : Matrices
        X, offset and Z of the rows. Codes are places among the fitted levels followed by the unseen ones; all zero for
        a factor that was not asked for.
    unseen : tuple of tuple of str
        For each factor the labels of groups that were not fitted.
    """

    frame: pd.DataFrame
    matrices: Matrices
    unseen: tuple[tuple[str, ...], ...]


def read_new_rows(design: Design, data: Any, factors: Collection[str], others: Collection[str] = ()) -> NewRows:
    """Read rows for a fitted model.

    Parameters
    ----------
    design : Design
        Of the fit.
    data : table
        pandas, polars, pyarrow, or anything else narwhals reads; with the predictors, and nothing missing.
    factors : collection of str
        Labels of the factors whose groups are read; the columns of others are not looked at.
    others : collection of str
        Columns to read besides, such as the outcome.

    Returns
    -------
    NewRows

    Raises
    ------
    HierkitError
        For missing columns and values, labels where numbers were fitted, levels that a predictor did not have, and
        terms that cannot be computed.
    """
    formula, fitted = design.formula, design.rows.frame
    grouping = {column for factor in factors for column in _term(design, factor).factor}
    columns = [name for name in formula.columns if name in {*formula.predictors, *grouping, *others}]
    given = read_rows(data, columns, missing="error").frame if columns else pd.DataFrame(index=range(count_rows(data)))
    typed = {name: _as_fitted(fitted[name], given[name]) for name in columns if name in {*formula.predictors, *others}}
    frame = given.assign(**typed)
    X, offset, Z = evaluated(design, frame)
    codes, unseen = [], []
    for factor in design.factors:
        asked = factor.label in factors
        places, labels = _groups(design, factor, frame) if asked else (np.zeros(len(frame), dtype=np.intp), ())
        codes.append(places)
        unseen.append(labels)
    return NewRows(frame, Matrices(X, offset, Z, tuple(codes)), tuple(unseen))


def new_outcome(design: Design, rows: NewRows) -> Outcome:
    """The outcome of new rows that were read with the outcome's columns, computed and coded as the fitted one.

    Raises
    ------
    HierkitError
        For an outcome that was scaled by the rows that were fitted, and for values that it cannot have.
    """
    formula, names = design.formula, safe_names(design.formula.columns)
    calls = [] if formula.counts is not None else [callee_of(call) for call in outer_calls(formula.outcome_tree)]
    if remembering := [call for call in calls if call not in {"I", *MATHEMATICS}]:
        raise refusal(
            f"The outcome {formula.outcome} depends on the rows that were fitted, by {remembering[0]}()",
            "An outcome of new rows is a column, counts, or a function of single values such as log()",
            "Compute the outcome in the data first",
        )
    evaluator = Evaluator(rows.frame.rename(columns=names), names, design.namespace)
    return outcomes.like(design.outcome, *outcome_values(formula, rows.frame, evaluator))


def trials_column(design: Design) -> tuple[str, ...]:
    """The column of trials, where counts have one."""
    counts = design.formula.counts
    return (counts[1],) if counts is not None and isinstance(counts[1], str) else ()


def trials_of(design: Design, frame: pd.DataFrame) -> Array:
    """(row,), the trials of each row: 1 unless the outcome is counts."""
    counts = design.formula.counts
    if counts is None:
        return np.ones(len(frame))
    if isinstance(counts[1], str):
        return frame[counts[1]].to_numpy(dtype=np.float64)
    return np.full(len(frame), float(counts[1]))


def _term(design: Design, factor: str) -> GroupTerm:
    return next(term for term in design.formula.group_terms if term.factor_label == factor)


def _as_fitted(fitted: pd.Series, new: pd.Series) -> pd.Series:
    """A column in the type of the fitted one: numbers, booleans, or a categorical of the same levels."""
    if isinstance(fitted.dtype, pd.CategoricalDtype):
        return _known_levels(fitted.cat.categories, new)
    if isinstance(new.dtype, pd.CategoricalDtype):
        raise refusal(
            f"{new.name!r} holds labels such as {new.iloc[0]!r}", "It held numbers when it was fitted", "Convert it"
        )
    if fitted.dtype == bool and new.isin((0, 1)).all():
        return new.astype(bool)
    if fitted.dtype == bool:
        raise refusal(f"{new.name!r} holds numbers", "It held booleans when it was fitted", "Convert it")
    return new.astype(np.int64) if new.dtype == bool else new


def _known_levels(levels: pd.Index, new: pd.Series) -> pd.Series:
    places = {_text(level): place for place, level in enumerate(levels)}
    codes, given = pd.factorize(new)
    if unseen := [label for label in given if _text(label) not in places]:
        raise refusal(
            f"{new.name!r} has levels that were not fitted: {some(unseen)}",
            f"Its levels are {some(list(levels))}",
            "Leave those rows out, or fit again with rows of the new levels",
        )
    at = np.array([places[_text(label)] for label in given], dtype=np.intp)[codes]
    return pd.Series(pd.Categorical.from_codes(at, categories=levels, ordered=True), index=new.index, name=new.name)


def _groups(design: Design, factor: Factor, frame: pd.DataFrame) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Each row's place among the fitted levels and the unseen ones, and the labels of the latter."""
    columns = list(_term(design, factor.label).factor)
    first = np.unique(factor.codes, return_index=True)[1]
    fitted = design.rows.frame[columns].iloc[first].itertuples(index=False, name=None)
    places = {tuple(map(_text, cell)): place for place, cell in enumerate(fitted)}
    codes, given = pd.MultiIndex.from_frame(frame[columns]).factorize()
    cells = [tuple(map(_text, cell)) for cell in given]
    unseen = [cell for cell in dict.fromkeys(cells) if cell not in places]
    places |= {cell: len(places) + i for i, cell in enumerate(unseen)}
    return np.array([places[cell] for cell in cells], dtype=np.intp)[codes], tuple(":".join(cell) for cell in unseen)


def _text(label: Any) -> str:
    """A label as text, the same for 5, 5.0 and "5"."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def some(labels: Sequence[Any]) -> str:
    """The first of several labels, and how many more there are."""
    shown = ", ".join(repr(label) if isinstance(label, str) else str(label) for label in list(labels)[:SHOWN])
    return shown + (f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else "")
