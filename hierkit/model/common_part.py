"""The common part of a model: its columns, its offset, and the same for Bambi."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.columns import Column
from hierkit.model.evaluated import Evaluated
from hierkit.model.names import INTERCEPT, check_coefficients
from hierkit.model.spelling import free_name
from hierkit.model.syntax import Node, quoted
from hierkit.model.terms import Evaluator, is_readable

DEPENDENT = 1e-7  # of a column's size, what other columns leave of it; lme4's tolerance
CLEAR = 1e-4


@dataclass(frozen=True, eq=False)
class CommonPart:
    """What the common part of a formula is on some rows.

    Attributes
    ----------
    columns, X : tuple of Column, ndarray
        (row, column), without offsets and without the columns that were dropped.
    offset : ndarray
        (row,), the sum of all `offset()` terms; zero where there is none.
    dropped : tuple of str
        Labels of columns of interactions that are left out, as R leaves them out: no row has the combination, or other
        columns determine it.
    text : str
        The part as Bambi takes it.
    for_bambi : dict
        Columns that Bambi has to find in the frame.
    """

    columns: tuple[Column, ...]
    X: Array
    offset: Array
    dropped: tuple[str, ...]
    text: str
    for_bambi: dict[str, Any]


def make_common_part(evaluator: Evaluator, node: Node, label: str) -> CommonPart:
    """Evaluate the common part of a formula.

    Parameters
    ----------
    evaluator : Evaluator
        Of the formula.
    node : Node
        The part.
    label : str
        The part as text, for messages.
    """
    items = list(evaluator.terms(node, label))
    terms = [item for item in items if item.kind != "offset"]
    rows = len(evaluator.frame)
    offset = sum((item.values[:, 0] for item in items if item.kind == "offset"), np.zeros(rows))
    kept = _kept(terms)
    numbers = _for_bambi_as_numbers(evaluator, node, terms, kept)
    for_bambi: dict[str, Any] = {}
    columns: list[Column] = []
    words: list[str] = []
    for item, known in zip(terms, kept, strict=True):
        own = [column for column, keep in zip(item.columns, known, strict=True) if keep]
        if item in numbers:
            own = _as_numbers(item, known, own, evaluator.frame, for_bambi)
            words += [quoted(column.term) for column in own]
        columns += own
    X = np.hstack([np.empty((rows, 0)), *(item.values[:, known] for item, known in zip(terms, kept, strict=True))])
    _check_names(columns, X)
    labels = zip((column.label for item in terms for column in item.columns), np.concatenate([[], *kept]), strict=True)
    dropped = tuple(label for label, known in labels if not known)
    text = evaluator.text(node, [item for item in items if item not in numbers], words)
    return CommonPart(tuple(columns), X, offset, dropped, text, for_bambi)


def _check_names(columns: list[Column], X: Array) -> None:
    """Refuse coefficients called like parameters; `Intercept` may be a column of ones, in the intercept's place."""
    alone = not any(column.is_intercept for column in columns)
    ones = {column.label for column, x in zip(columns, X.T, strict=True) if alone and (x == 1).all()} & {INTERCEPT}
    check_coefficients(column.label for column in columns if not column.is_intercept and column.label not in ones)


def _for_bambi_as_numbers(
    evaluator: Evaluator, node: Node, terms: list[Evaluated], kept: list[NDArray[np.bool_]]
) -> list[Evaluated]:
    """The terms of which Bambi gets the columns as numbers, because from their text it would make others, or none."""
    if not is_readable(evaluator.text(node, terms)):
        return [item for item in terms if item.kind != "intercept"]
    # where one term is not as Bambi would have it, the coding of others might change with it
    differs = not all(item.as_formulae and known.all() for item, known in zip(terms, kept, strict=True))
    return [item for item in terms if differs and _joins_categories(item)]


def _kept(terms: list[Evaluated]) -> list[NDArray[np.bool_]]:
    """For each term which of its columns are kept: all but those of interactions of categories that add nothing."""
    kept = [np.ones(item.values.shape[1], dtype=bool) for item in terms]
    joined = [_joins_categories(item) for item in terms]
    if not any(joined):
        return kept
    adds = _add_something(np.hstack([item.values for item in terms]))
    ends = np.cumsum([len(known) for known in kept])
    parts = np.split(adds, ends[:-1])
    return [part if join else known for part, known, join in zip(parts, kept, joined, strict=True)]


def _add_something(X: Array) -> NDArray[np.bool_]:
    """(column,), whether the columns before leave something of a column."""
    products = X.T @ X
    sizes = np.sqrt(np.diagonal(products))
    sizes = np.where(sizes > 0, sizes, 1.0)
    try:
        # quick, and less exact: its rounding is that of squares
        if np.diagonal(np.linalg.cholesky(products / np.outer(sizes, sizes))).min() > CLEAR:
            return np.ones(X.shape[1], dtype=bool)
    except np.linalg.LinAlgError:
        pass
    # column by column, those that add nothing left out, as R does
    basis = np.empty((len(X), min(X.shape)))
    adds = np.zeros(X.shape[1], dtype=bool)
    for i, x in enumerate((X / sizes).T):
        known = basis[:, : adds.sum()]
        left = x - known @ (known.T @ x)
        left -= known @ (known.T @ left)  # what rounding left of the first time
        size = np.sqrt(left @ left)
        if size > DEPENDENT and known.shape[1] < basis.shape[1]:
            basis[:, known.shape[1]] = left / size
            adds[i] = True
    return adds


def _joins_categories(item: Evaluated) -> bool:
    return item.kind == "interaction" and bool(item.codings)


def _as_numbers(
    item: Evaluated, known: NDArray[np.bool_], columns: list[Column], frame: pd.DataFrame, for_bambi: dict[str, Any]
) -> list[Column]:
    """The columns of a term as numbers that Bambi finds in its frame, put into `for_bambi`."""
    names = [name for name, keep in zip(item.term.labels, known, strict=True) if keep]
    found = []
    for column, name, values in zip(columns, names, item.values[:, known].T, strict=True):
        word = free_name(name, values, for_bambi, frame)
        for_bambi[word] = values
        found.append(replace(column, term=word, index=None))
    return found
