"""Rows that were not fitted, read as the fitted ones were: same types, same levels, same transformations."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model import outcome as outcomes
from hierkit.model.design import Design, outcome_values, trials_in
from hierkit.model.formula import GroupTerm
from hierkit.model.groups import Factor
from hierkit.model.labels import in_text, some
from hierkit.model.levels import observed_groups
from hierkit.model.matrices import Matrices, evaluated
from hierkit.model.outcome import Outcome
from hierkit.model.precision import precisions
from hierkit.model.rows import count_rows, plain_table, read_rows
from hierkit.model.spelling import safe_names
from hierkit.model.syntax import columns_in
from hierkit.model.terms import Evaluator
from hierkit.model.weighed import check_trials, weighed


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
    labels : dict of str to ndarray
        (row,) for each factor that was asked for, by its label: each row's group, spelled as it was fitted.
    """

    frame: pd.DataFrame
    matrices: Matrices
    unseen: tuple[tuple[str, ...], ...]
    labels: dict[str, NDArray[Any]]


def read_new_rows(
    design: Design, data: Any, factors: Collection[str], others: Collection[str] = (), argument: str = "new_rows"
) -> NewRows:
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
    argument : str
        The name of the argument that holds the table, for errors.

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
    if argument == "new_rows":
        _check_grouping(data, grouping - {*formula.predictors})
    given = read_rows(data, columns, "error", argument).frame if columns else _rows_alone(data, argument)
    typed = {name: _as_fitted(fitted[name], given[name]) for name in columns if name in {*formula.predictors, *others}}
    bools = {
        name: given[name].astype(bool) for name in columns if fitted[name].dtype == bool and _is_0_or_1(given[name])
    }
    frame = given.assign(**bools).assign(**typed)
    X, offset, Z = evaluated(design, frame)
    codes = []
    unseen = []
    labels = {}
    for factor in design.factors:
        if factor.label in factors:
            places, new = _groups(design, factor, frame)
            labels[factor.label] = np.array([*factor.levels, *new], dtype=object)[places]
        else:
            places, new = np.zeros(len(frame), dtype=np.intp), ()
        codes.append(places)
        unseen.append(new)
    return NewRows(frame, Matrices(X, offset, Z, tuple(codes)), tuple(unseen), labels)


def _check_grouping(data: Any, grouping: Collection[str]) -> None:
    """Refuse new rows without their groups, in words that name what needs none."""
    known = plain_table(data, "new_rows").collect_schema().names()
    if lacking := sorted(set(grouping) - set(known)):
        raise refusal(
            f"new_rows has no column {' and no column '.join(map(repr, lacking))}: the group effects of its rows are "
            "not known",
            f"Its columns are {some(known, 20)}",
            'Add it, or pass groups="typical" or "marginal", which need no groups',
        )


def _rows_alone(data: Any, argument: str) -> pd.DataFrame:
    if not (rows := count_rows(data, argument)):
        raise refusal(f"{argument} has no rows", "At least one is needed", "Check how the table was read or filtered")
    return pd.DataFrame(index=range(rows))


def new_outcome(design: Design, rows: NewRows) -> Outcome:
    """The outcome of new rows that were read with the outcome's columns, computed and coded as the fitted one.

    Raises
    ------
    HierkitError
        For an outcome that was scaled by the rows that were fitted, and for values that it cannot have.
    """
    formula, names = design.formula, safe_names(design.formula.columns)
    check_outcome_of_each_row(design)
    if design.outcome.event is not None:
        _check_values(formula.outcome, design.rows.frame[formula.outcome_columns[0]], rows.frame)
    evaluator = Evaluator(rows.frame.rename(columns=names), names, design.namespace)
    made = outcomes.like(design.outcome, *outcome_values(formula, rows.frame, evaluator))
    # trials of counts are in the formula, weights only repeat them
    return made if formula.counts is not None else weighed(made, rows.frame, formula.precision)


def check_outcome_of_each_row(design: Design) -> None:
    """Refuse an outcome whose value in a row depends on the other rows, as that of scale() does."""
    formula = design.formula
    if remembering := formula.outcome_scaled_by:
        raise refusal(
            f"The outcome {formula.outcome} uses {remembering}(), which depends on all fitted rows, and so has no "
            "value for new rows",
            "The outcome of new rows is a column, counts, or a function of single values such as log()",
            "Compute the outcome in the data first",
        )


def _check_values(label: str, fitted: pd.Series, frame: pd.DataFrame) -> None:
    """Refuse an outcome's values that are neither the event nor the other one that was fitted."""
    known = list(fitted.unique())
    if unseen := [value for value in frame[str(fitted.name)].unique() if value not in known]:
        raise refusal(
            f"The outcome {label!r} has the value {some(unseen)}",
            f"When the model was fitted it was {some(known)}",
            "Check these rows",
        )


def weight_columns(design: Design) -> tuple[str, ...]:
    """The columns that say how precise rows are: trials of counts, weights, or known sds."""
    counts = design.formula.counts
    if counts is None:
        return () if design.counted_by else design.formula.precision.columns
    return tuple(dict.fromkeys(columns_in(counts.trials)))


def row_weights(design: Design, frame: pd.DataFrame) -> Array:
    """(row,), what weight each row has in the functions of the family; see `Outcome.row_weights`."""
    formula, names = design.formula, safe_names(design.formula.columns)
    if design.family.has_residual:
        return precisions(formula.precision, frame) if formula.precision.columns else np.ones(len(frame))
    trials = trials_in(formula, frame, Evaluator(frame.rename(columns=names), names, design.namespace))
    if trials is None and (formula.precision.weights is None or design.counted_by not in (None, *frame)):
        return np.ones(len(frame))
    if trials is None:
        return check_trials(frame[formula.precision.weights], formula.precision)
    return outcomes.check_counts(design.outcome.label, 0 * trials, trials)[1]


def _term(design: Design, factor: str) -> GroupTerm:
    return next(term for term in design.formula.group_terms if term.factor_label == factor)


def _as_fitted(fitted: pd.Series, new: pd.Series) -> pd.Series:
    """A column in the type of the fitted one: numbers, booleans, or a categorical of the same levels."""
    if isinstance(fitted.dtype, pd.CategoricalDtype):
        return _known_levels(fitted.cat.categories, new)
    kind = "True and False" if fitted.dtype == bool else "numbers"
    if isinstance(new.dtype, pd.CategoricalDtype):
        raise refusal(
            f"{new.name!r} holds labels such as {some([new.iloc[0]])}",
            f"It held {kind} when it was fitted",
            "Convert the column",
        )
    if fitted.dtype == bool and _is_0_or_1(new):
        return new.astype(bool)
    if fitted.dtype == bool:
        raise refusal(f"{new.name!r} holds numbers", f"It held {kind} when it was fitted", "Convert the column")
    return new.astype(np.int64) if new.dtype == bool else new


def _known_levels(levels: pd.Index, new: pd.Series) -> pd.Series:
    places = {in_text(level): place for place, level in enumerate(levels)}
    codes, given = pd.factorize(new)
    if unseen := [label for label in given if in_text(label) not in places]:
        raise refusal(
            f"{new.name!r} has unseen levels: {some(unseen)}",
            f"The levels in the fitted rows are {some(list(levels))}",
            "Leave those rows out, or fit again with rows of the new levels",
        )
    at = np.array([places[in_text(label)] for label in given], dtype=np.intp)[codes]
    return pd.Series(pd.Categorical.from_codes(at, categories=levels, ordered=True), index=new.index, name=new.name)


def _groups(design: Design, factor: Factor, frame: pd.DataFrame) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Each row's place among the fitted levels and the unseen ones, and the labels of the latter."""
    columns = list(_term(design, factor.label).factor)
    frames, codes = design.rows.frame, factor.codes
    if design.points is not None:
        frames, codes = design.points.cells, observed_groups(design.points.cells, _term(design, factor.label))[1]
    first = np.unique(codes, return_index=True)[1]
    fitted = frames[columns].iloc[first].itertuples(index=False, name=None)
    places = {tuple(map(in_text, cell)): place for place, cell in enumerate(fitted)}
    codes, given = pd.MultiIndex.from_frame(frame[columns]).factorize()
    cells = [tuple(map(in_text, cell)) for cell in given]
    unseen = sorted({cell for cell in cells if cell not in places})
    places |= {cell: len(places) + i for i, cell in enumerate(unseen)}
    return np.array([places[cell] for cell in cells], dtype=np.intp)[codes], tuple(":".join(cell) for cell in unseen)


def _is_0_or_1(values: pd.Series) -> bool:
    return values.dtype.kind in "iufb" and bool(values.isin((0, 1)).all())
