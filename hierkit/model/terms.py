"""Pieces of a formula -> evaluated terms: labelled columns of numbers.

formulae evaluates the terms and codes the categories. Two spellings meet here: the user's, in every label, and the
one that Bambi and PyMC accept, in every name.
"""

import contextlib
import copy
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulae.environment import Environment
from formulae.matrices import DesignMatrices
from formulae.model_description import model_description
from formulae.parser import ParseError
from formulae.resolver import ResolverError
from formulae.scanner import ScanError
from formulae.terms.call_resolver import CallResolverError
from formulae.terms.terms import Intercept, Term

from hierkit.arrays import Array
from hierkit.errors import HierkitError, refusal
from hierkit.model.coding import code
from hierkit.model.evaluated import Evaluated
from hierkit.model.expansion import expand
from hierkit.model.size import check_bases
from hierkit.model.spelling import for_formulae, of_outcome
from hierkit.model.syntax import Node, column_of, deep_recursion, is_column, outer_calls, outside_calls, quoted, render

LARGEST = 1e100


@dataclass(frozen=True)
class Evaluator:
    """What is needed to evaluate pieces of one formula.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows, columns under their safe names.
    names : dict of str to str
        The safe name of each of the user's columns.
    namespace : dict
        What a formula may refer to besides columns.
    weights : ndarray, optional
        (row,), the trials of each row; one each if not given.
    """

    frame: pd.DataFrame
    names: dict[str, str]
    namespace: dict[str, Any]
    weights: Array | None = None

    def spell(self, node: Node) -> str:
        """A piece of the formula as text in safe names."""
        with deep_recursion():
            return render(for_formulae(node), lambda name: self.names.get(name, name))

    def spell_outcome(self, node: Node) -> str:
        """What is left of `~` as text in safe names."""
        with deep_recursion():
            return render(of_outcome(node), lambda name: self.names.get(name, name))

    def text(self, node: Node, items: Sequence[Evaluated], others: Sequence[str] = ()) -> str:
        """Evaluated terms of a part, and other columns, as text in safe names for Bambi."""
        calls = {str(_component_of(spelled).name): spelled for spelled in map(self.spell, outer_calls(node))}
        terms = ["1" if any(item.kind == "intercept" for item in items) else "0"]
        for item in items:
            if item.kind != "intercept":
                names = [component.name for component in item.term.components]
                terms.append(":".join(calls.get(name, quoted(name)) for name in names))
        return " + ".join([*terms, *others])

    def outcome(self, node: Node, label: str) -> Array:
        """(row,), the values of a computed outcome."""
        with self._refusing(label):
            whole = self.frame.select_dtypes("integer").columns
            frame = self.frame.astype(dict.fromkeys(whole, np.float64))  # powers of whole numbers would wrap around
            design = DesignMatrices(model_description(f"{self.spell_outcome(node)} ~ 1"), frame, self._environment)
            if design.response.kind == "categoric":
                raise refusal(
                    f"The outcome {label!r} makes a category",
                    "A computed outcome is a number or a comparison",
                    'Name the column itself, and its event as in answer["yes"]',
                )
            values = np.asarray(design.response.design_matrix, dtype=np.float64).reshape(len(self.frame))
        check_finite(label, values)
        return values

    def terms(self, node: Node, label: str, apart: bool = False) -> Iterator[Evaluated]:
        """Each term of a common part; `apart` codes every term as if it stood alone, without an intercept."""
        check_bases(node, len(self.frame))
        with self._refusing(label):
            words = self._words(node)
            own = self._described(node)
            _check_names(own)
            parts = [[term] for term in own] if apart else [own]
            usual = [alike for part in parts for alike in code(part, self.frame, self._environment, words)]
        for term, as_formulae in zip(own, usual, strict=True):
            values = np.asarray(term.data, dtype=np.float64).reshape(len(self.frame), -1)
            weights = np.ones(len(values)) if self.weights is None else self.weights
            evaluated = Evaluated(term, words, values, weights, as_formulae)
            _check_columns(evaluated, may_be_constant=not apart and own[0].kind != "intercept")
            yield evaluated

    def on(self, frame: pd.DataFrame, item: Evaluated, skipped: int) -> Array:
        """(row, column), a term on other rows than the first ones, coded and centred as those that were fitted."""
        if item.kind == "intercept":
            return np.ones((len(frame) - skipped, 1))
        with self._refusing(item.labels[0] if item.kind == "offset" else item.columns[0].term_label):
            values = np.asarray(item.term.eval_new_data(frame), dtype=np.float64).reshape(len(frame), -1)[skipped:]
        for label, column in zip(item.labels, values.T, strict=True):
            check_finite(label, column)
        return values

    def _described(self, node: Node) -> list[Any]:
        """Formulae's terms of a part, in R's order, each with components of its own."""
        expansion = expand(node)
        spelled = {column_of(one): self.spell(one) for one in outside_calls(node) if is_column(one)}
        spelled |= {render(call): self.spell(call) for call in outer_calls(node)}
        terms = [Intercept()] if expansion.intercept else []
        for texts in sorted(expansion.terms.values(), key=len):
            components = [copy.deepcopy(_component_of(spelled[text])) for text in texts]
            term = Term(components[0])
            # formulae cannot compare two calls of which one has a call and the other a column as its argument
            term.components = components
            term.name = ":".join(str(one.name) for one in components)
            terms.append(term)
        return terms

    @property
    def _environment(self) -> Environment:
        return Environment([self.namespace])

    def _words(self, node: Node) -> dict[str, str]:
        """The user's spelling of each component that formulae may name."""
        calls = {}
        for call in outer_calls(node):
            calls[str(_component_of(self.spell(call)).name)] = render(call)
        return {safe: name for name, safe in self.names.items()} | calls

    @contextlib.contextmanager
    def _refusing(self, label: str) -> Iterator[None]:
        """Turn what formulae raises into a refusal, and swallow what it prints before that."""
        wrong = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, NameError, RuntimeError)
        try:
            with deep_recursion(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
                yield
        except HierkitError:
            raise
        except (*wrong, ResolverError, CallResolverError, ParseError, ScanError) as error:
            raise refusal(
                f"{label!r} cannot be computed: {error}",
                "Terms are numbers, labels and functions of them",
                "Compute the column in the data first",
            ) from error


def is_readable(text: str) -> bool:
    """Whether formulae can read a part, and so Bambi: it cannot compare f(x) with f(g(x))."""
    try:
        with deep_recursion():
            model_description(text)
    except (AttributeError, RecursionError):
        return False
    return True


def _component_of(call: str) -> Any:
    """The component that formulae makes of a call."""
    return model_description(call).common_terms[-1].components[0]


def _check_names(terms: list[Any]) -> None:
    names = [term.name for term in terms]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise refusal(
            f"Two terms are both called {', '.join(sorted(doubled))}",
            "Terms need names of their own, and parentheses inside I() are not part of a name",
            "Compute one of the columns in the data first",
        )


def _check_columns(evaluated: Evaluated, may_be_constant: bool) -> None:
    """Refuse what is no predictor: a constant one is none beside an intercept."""
    if not evaluated.values.shape[1]:
        raise refusal(
            f"{evaluated.term.name!r} has a single level and adds no column",
            "A predictor must vary",
            "Leave it out",
        )
    for label, column in zip(evaluated.labels, evaluated.values.T, strict=True):
        check_finite(label, column)
        check_magnitude(label, column)
        constant = (column == column[0]).all() and not (may_be_constant and column[0])
        if evaluated.kind not in ("intercept", "offset", "interaction") and constant:
            if evaluated.codings and not column[0]:
                raise refusal(
                    f"No used row has the level of {label!r}",
                    "Every level of a category needs rows",
                    "Leave that level, or that break of cut(), out",
                )
            raise refusal(
                f"{label!r} is constant ({column[0]:g} in every used row)",
                "A predictor must vary; the intercept is added by itself",
                "Leave the term out, and check the filter and the missing values",
            )


def check_finite(label: str, column: Array) -> None:
    """Refuse a column with a value that is missing or infinite, which transformations can make."""
    if not (finite := np.isfinite(column)).all():
        raise refusal(
            f"{label!r} is not finite in {int((~finite).sum())} rows, first in used row {int(finite.argmin())}",
            "Every term must be finite in every row",
            "Check the transformation's domain, or set those rows missing",
        )


def check_magnitude(label: str, column: Array) -> None:
    """Refuse numbers whose squares, or the squares of whose differences, a computer cannot hold."""
    if np.abs(column).max() > LARGEST or 0 < np.ptp(column) < 1 / LARGEST:
        raise refusal(
            f"{label!r} ranges from {column.min():g} to {column.max():g}, beyond what double precision can square",
            f"Values and their differences must have sizes from {1 / LARGEST:g} to {LARGEST:g}",
            "Rescale the column",
        )
