"""Formula + rows -> Design: the outcome, X, and one Factor with its Z per grouping."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model import outcome as outcomes
from hierkit.model.columns import Column, weighted_mean
from hierkit.model.common_part import make_common_part
from hierkit.model.families import Family, family_of
from hierkit.model.formula import Formula
from hierkit.model.functions import namespace_of
from hierkit.model.groups import Factor, make_factors
from hierkit.model.number_types import as_formulae_needs
from hierkit.model.outcome import Outcome
from hierkit.model.precision import typical_variance
from hierkit.model.rows import Rows
from hierkit.model.spelling import safe_names, slash_namespace
from hierkit.model.syntax import (
    Node,
    column_of,
    columns_in,
    is_column,
    is_literal,
    render,
)
from hierkit.model.terms import Evaluator, check_magnitude
from hierkit.model.weighed import weighed

if TYPE_CHECKING:
    from hierkit.model.points import Points


@dataclass(frozen=True, eq=False)
class Design:
    """All that a model knows of the data.

    Attributes
    ----------
    formula : Formula
        What was asked for.
    rows : Rows
        The rows used and what was left out.
    outcome : Outcome
        The outcome of each row, and its family.
    columns, X : tuple of Column, ndarray
        (row, column), the common part without offsets.
    column_means : ndarray
        (column,), what centring subtracts: the columns' means over trials if there is an intercept, else zeros.
    offset : ndarray
        (row,), the sum of all `offset()` terms; zero where there is none.
    factors : tuple of Factor
        One per grouping factor, in the order of the formula.
    dropped : tuple of str
        Labels of columns of interactions that are left out, because no row has the combination or others determine it.
    text, frame, namespace : str, pandas.DataFrame, dict
        The same model for Bambi: a formula in safe names, the columns it uses, and the functions it calls.
    sample, points : Design, Points, optional
        Where the rows of the design are points with the sums of more rows, a design of some of those rows, and what
        the points were made of; see `hierkit.model.points`.
    """

    formula: Formula
    rows: Rows
    outcome: Outcome
    columns: tuple[Column, ...]
    X: Array
    column_means: Array
    offset: Array
    factors: tuple[Factor, ...]
    dropped: tuple[str, ...]
    text: str
    frame: pd.DataFrame = field(repr=False)
    namespace: dict[str, Any] = field(repr=False)
    sample: "Design | None" = field(default=None, repr=False)
    points: "Points | None" = field(default=None, repr=False)

    @property
    def has_intercept(self) -> bool:
        """Whether the common part has an intercept."""
        return any(column.is_intercept for column in self.columns)

    @property
    def family(self) -> Family:
        """The family of the outcome."""
        return self.outcome.family

    @property
    def of_rows(self) -> "Design":
        """The design of rows that were given: itself, or that of a sample of them where only sums are kept."""
        return self if self.sample is None else self.sample

    @property
    def counted_by(self) -> str | None:
        """The column of how many rows are alike, where that was counted and not given."""
        return self.formula.precision.weights if self.points is None and self.rows.not_kept else None

    @property
    def link_unit(self) -> str:
        """The unit of the linear predictor: "units of csat", or "log odds"."""
        return self.family.link_unit.format(outcome=self.outcome.label)

    @property
    def response_unit(self) -> str:
        """The unit of means: "units of csat", or "probability"."""
        return self.family.response_unit.format(outcome=self.outcome.label)

    @property
    def row_weights(self) -> Array:
        """(row,), what a row's product with itself is multiplied by in a likelihood; see `Outcome.row_weights`."""
        return self.outcome.row_weights

    @property
    def row_variance(self) -> float:
        """The residual variance of a typical row, over σ²; σ is 1 where the sds of rows are known."""
        return 1.0 if self.outcome.precision is None else typical_variance(self.outcome.precision, self.X)

    @property
    def trials(self) -> Array:
        """(row,), how often a row counts in averages: see `Outcome.trials_of_each`."""
        return self.outcome.trials_of_each

    @property
    def unit(self) -> str:
        """What averages are over: "rows", or "trials" for counts."""
        return "trials" if self.outcome.is_counts and self.counted_by is None else "rows"

    def sizes(self, factor: Factor) -> NDArray[np.intp]:
        """(group,), the rows of each group of a factor; its trials for counts."""
        return np.rint(np.bincount(factor.codes, self.trials, len(factor.levels))).astype(np.intp)

    @property
    def outcome_name(self) -> str:
        """The outcome's name in the draws, where PyMC and xarray accept no slash."""
        return self.text.split(" ~ ")[0]

    def factor(self, label: str | None = None) -> Factor:
        """The factor of that label; without a label, the only one.

        Raises
        ------
        HierkitError
            For an unknown label, and for none where there are no factors or several.
        """
        labels = [factor.label for factor in self.factors]
        if label is None and len(labels) == 1:
            return self.factors[0]
        if label in labels:
            return self.factors[labels.index(label)]
        raise refusal(
            "No factor was named" if label is None else f"The model has no factor {label!r}",
            f"Its factors are {', '.join(map(repr, labels))}" if labels else "It has no grouping factor",
            "Name one of them" if labels else "Add a group term such as (1 | g)",
        )


def make_design(formula: Formula, rows: Rows, family: str = "gaussian", in_place_of: Array | None = None) -> Design:
    """Evaluate a formula on rows.

    Parameters
    ----------
    formula : Formula
        From `parse`.
    rows : Rows
        From `read_rows` with the formula's columns.
    family : {"gaussian", "bernoulli"}
        Of the outcome; counts are "bernoulli" outcomes.
    in_place_of : ndarray, optional
        (row,), how many rows each is in place of, for a sample of rows with a Gaussian outcome.

    Returns
    -------
    Design

    Raises
    ------
    HierkitError
        For an outcome that does not fit the family, a term that cannot be computed, is not finite or does not vary,
        and a grouping factor of one level or of measured numbers.
    """
    formula = formula.for_family(family)
    chosen = family_of(family, formula.counts is not None)
    names = safe_names(formula.columns)
    trees = [formula.outcome_tree, formula.common_tree, *(term.effects_tree for term in formula.group_terms)]
    namespace = namespace_of(formula.trusted) | slash_namespace(trees)
    _refuse_dates(rows, [name for tree in trees for name in columns_in(tree)])
    predictors = [formula.common_tree, *(term.effects_tree for term in formula.group_terms)]
    frame = as_formulae_needs(rows.frame, predictors).rename(columns=names)
    evaluator = Evaluator(frame, names, namespace)
    outcome = replace(_outcome(formula, rows.frame, evaluator, chosen), in_place_of=in_place_of)
    evaluator = replace(evaluator, weights=outcome.trials_of_each)
    common = make_common_part(evaluator, formula.common_tree, formula.common)
    evaluator = replace(evaluator, frame=evaluator.frame.assign(**common.for_bambi))
    if chosen.has_residual:
        check_magnitude(outcome.label, outcome.y)
        outcomes.check_varies(f"{outcome.label} less its offset", outcome.y - common.offset)
    factors, group_terms = make_factors(evaluator, rows.frame, formula.group_terms)
    if not common.columns and not factors:
        raise refusal(f"{formula.text!r} has no terms", "A model needs an intercept or a predictor", "Add one")
    left, of_outcome = _outcome_for_bambi(formula, evaluator, outcome)
    text = " + ".join([f"{left} ~ {common.text}", *group_terms.texts])
    frame = evaluator.frame.assign(**(group_terms.columns | of_outcome))
    return Design(
        formula,
        rows,
        outcome,
        common.columns,
        common.X,
        _column_means(common.columns, common.X, outcome.trials_of_each),
        common.offset,
        factors,
        common.dropped,
        text,
        frame,
        namespace,
    )


def _column_means(columns: tuple[Column, ...], X: Array, trials: Array) -> Array:
    has_intercept = any(column.is_intercept for column in columns)
    fixed = np.array([column.is_intercept or not has_intercept for column in columns], dtype=bool)
    return np.where(fixed, 0.0, weighted_mean(X, trials))


def _refuse_dates(rows: Rows, columns: list[str]) -> None:
    for name in columns:
        if name in rows.dates:
            raise refusal(
                f"{name!r} holds dates or times and is no grouping factor",
                "Outcomes and predictors are numbers or labels",
                "Make it a number in the data, such as days since the first, or text if each date is a category",
            )


def _outcome(formula: Formula, frame: pd.DataFrame, evaluator: Evaluator, family: Family) -> Outcome:
    values, trials = outcome_values(formula, frame, evaluator)
    return weighed(_unweighed(formula, values, trials, family), frame, formula.precision)


def _unweighed(formula: Formula, values: pd.Series, trials: pd.Series | None, family: Family) -> Outcome:
    if trials is not None:
        return outcomes.binomial(formula.outcome, values, trials)
    if family.has_residual:
        if formula.event is not None:
            raise refusal(
                f"The outcome names an event, {formula.event!r}",
                "A Gaussian outcome has none",
                "Leave the brackets out",
            )
        return outcomes.gaussian(formula.outcome, values)
    if formula.precision.weights is not None and values.dtype.kind in "iuf" and formula.event is None:
        return Outcome(formula.outcome, family, values.to_numpy(dtype=np.float64))
    return outcomes.bernoulli(formula.outcome, values, formula.event)


def outcome_values(formula: Formula, frame: pd.DataFrame, evaluator: Evaluator) -> tuple[pd.Series, pd.Series | None]:
    """What is left of `~`, and the trials of counts; `frame` under the user's names, the evaluator's under safe."""
    if (counts := formula.counts) is not None:
        return _of_each_row(counts.successes, frame, evaluator), _of_each_row(counts.trials, frame, evaluator)
    return _of_each_row(formula.outcome_tree, frame, evaluator), None


def trials_in(formula: Formula, frame: pd.DataFrame, evaluator: Evaluator) -> pd.Series | None:
    """The trials of counts; None for another outcome."""
    return None if formula.counts is None else _of_each_row(formula.counts.trials, frame, evaluator)


def _of_each_row(node: Node, frame: pd.DataFrame, evaluator: Evaluator) -> pd.Series:
    """(row,), a column, a number, or what is computed from columns."""
    if is_column(node):
        return frame[column_of(node)]
    values = np.full(len(frame), node.value) if is_literal(node) else evaluator.outcome(node, render(node))
    return pd.Series(values, index=frame.index, name=render(node))


def _outcome_for_bambi(formula: Formula, evaluator: Evaluator, outcome: Outcome) -> tuple[str, dict[str, Any]]:
    """What is left of `~` as Bambi takes it, and the columns that it needs: events as 0 and 1, counts computed."""
    counts, y = formula.counts, outcome.y
    if not outcome.is_counts:
        text = evaluator.spell_outcome(formula.outcome_tree)
        is_events = formula.outcome_is_column and not outcome.family.has_residual
        return text, {evaluator.names[formula.outcome_columns[0]]: y.astype(np.int64)} if is_events else {}
    words = []
    columns: dict[str, Any] = {}
    nodes = (None, None) if counts is None else (counts.successes, counts.trials)
    for node, name, values in zip(nodes, ("successes", "trials"), (y, outcome.trials_of_each), strict=True):
        if node is not None and (is_column(node) or is_literal(node)):
            words.append(evaluator.spell(node))
            continue
        while name in evaluator.frame:
            name += "_"
        words.append(name)
        columns[name] = values.astype(np.int64)
    return f"p({', '.join(words)})", columns
