"""Pieces of a formula -> evaluated terms: labelled columns of numbers.

formulae evaluates the terms and codes the categories. Two spellings meet here: the user's, in every label, and the
one that Bambi and PyMC accept, in every name.
"""

import contextlib
import copy
import io
import itertools
import types
from collections.abc import Iterator
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
from formulae.terms.terms import Model

from hierkit.arrays import Array
from hierkit.errors import HierkitError, refusal
from hierkit.model.columns import Column, weighted_mean, weighted_sd
from hierkit.model.spelling import without_slash
from hierkit.model.syntax import Node, deep_recursion, outer_calls, render

LARGEST = 1e100
NUMPY_FUNCTIONS = ("abs", "exp", "expm1", "log", "log10", "log1p", "log2", "sqrt")


@dataclass(frozen=True)
class Evaluated:
    """One term: formulae's object, the user's words for its components, values (row, column) and trials (row,)."""

    term: Any
    words: dict[str, str]
    values: Array
    weights: Array

    @property
    def labels(self) -> tuple[str, ...]:
        """The user's names of the columns: each combination of the components' levels."""
        return tuple(":".join(parts) for parts in self._parts)

    @property
    def _parts(self) -> list[tuple[str, ...]]:
        """For each column the user's names of the components, or of their levels."""
        if self.kind == "intercept":
            return [("Intercept",)]
        names = []
        for component in self.term.components:
            labels = [component.name] if component.kind == "offset" else component.labels
            names.append([self.words[component.name] + label[len(component.name) :] for label in labels])
        return list(itertools.product(*names))

    @property
    def kind(self) -> str:
        """Formulae's word: intercept, numeric, categoric, interaction or offset."""
        return str(self.term.kind)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as Bambi will hold them: with a dimension of their own if they are several or categorical."""
        if self.kind == "intercept":
            return (Column("Intercept", "Intercept", "Intercept", is_intercept=True),)
        labels, name, parts = self.labels, self.term.name, self._parts
        term_label = ":".join(self.words[component.name] for component in self.term.components)
        vector = len(labels) > 1 or bool(self.codings)
        levels = list(range(len(labels))) if self.term.levels is None else self.term.levels
        return tuple(
            Column(
                label,
                term_label,
                name,
                i if vector else None,
                level=levels[i] if vector else None,
                spread=self._spreads[i],
                in_full=True in self.codings,
                variables=self.variables,
                parts=frozenset(parts[i]),
            )
            for i, label in enumerate(labels)
        )

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns of the data that the term is made of, in safe names."""
        components = getattr(self.term, "components", [])
        return tuple(sorted({name for c in components for name in c.var_names if name}))

    @property
    def is_level(self) -> bool:
        """Whether the term's columns sum to one in every row: an intercept, or that of each level."""
        if self.kind == "intercept":
            return True
        return self.kind == "categoric" and bool((self.values.sum(axis=1) == 1).all())

    @property
    def _spreads(self) -> list[float | None]:
        product = np.ones((len(self.values), 1))
        for component in self.term.components:
            values = component_values(component)
            if component.kind == "numeric":
                values = values - weighted_mean(values, self.weights)
            elif component.spans_intercept:
                values = np.ones_like(values)
            product = (product[:, :, None] * values[:, None, :]).reshape(len(values), -1)
        sds = [weighted_sd(column, self.weights) for column in product.T]
        return [sd if sd > 0 else None for sd in sds]

    @property
    def codings(self) -> set[bool]:
        """For each categorical component, whether it spans the intercept."""
        components = getattr(self.term, "components", [])
        return {bool(c.spans_intercept) for c in components if c.kind == "categoric"}


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
            return render(without_slash(node), lambda name: self.names.get(name, name))

    def text(self, node: Node) -> str:
        """A common part as text in safe names for Bambi, without terms that it has in another order already."""
        with deep_recursion():
            spelled = self.spell(node)
            terms = model_description(spelled).common_terms
        kept = _once(terms)
        if len(kept) == len(terms):
            return spelled
        names = [term.name for term in kept]
        return " + ".join(["0" if "Intercept" not in names else "1", *(n for n in names if n != "Intercept")])

    def outcome(self, node: Node, label: str) -> Array:
        """(row,), the values of a computed outcome."""
        with self._refusing(label):
            design = DesignMatrices(model_description(f"{self.spell(node)} ~ 1"), self.frame, self._environment)
            values = np.asarray(design.response.design_matrix, dtype=np.float64).reshape(len(self.frame))
        check_finite(label, values)
        return values

    def terms(self, node: Node, label: str, apart: bool = False) -> Iterator[Evaluated]:
        """Each term of a common part; `apart` codes every term as if it stood alone, without an intercept."""
        with self._refusing(label):
            words = self._words(node)
            terms = _once(model_description(self.spell(node)).common_terms)
            _check_names(terms)
            parts = [[term] for term in terms] if apart else [terms] if terms else []
            # terms share their components, and each must keep its own coding
            own = [[copy.deepcopy(term) for term in part] for part in parts]
            designs = [DesignMatrices(Model(*part), self.frame, self._environment) for part in own]
        for design in designs:
            for term in design.common.terms.values():
                values = np.asarray(term.data, dtype=np.float64).reshape(len(self.frame), -1)
                weights = np.ones(len(values)) if self.weights is None else self.weights
                evaluated = Evaluated(term, words, values, weights)
                _check_columns(evaluated)
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

    @property
    def _environment(self) -> Environment:
        return Environment([self.namespace])

    def _words(self, node: Node) -> dict[str, str]:
        """The user's spelling of each component that formulae may name."""
        calls = {}
        for call in outer_calls(node):
            safe = model_description(self.spell(call)).common_terms[-1].components[0].name
            calls[safe] = render(call)
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


def component_values(component: Any) -> Array:
    """(row, column), the values of one of formulae's components."""
    values = np.asarray(component.value, dtype=np.float64)
    return values.reshape(len(values), -1)


def _once(terms: list[Any]) -> list[Any]:
    """The first of the terms that are products of the same components: z:x is x:z."""
    first: dict[frozenset[str], Any] = {}
    for term in terms:
        components = getattr(term, "components", [])
        first.setdefault(frozenset(component.name for component in components), term)
    return list(first.values())


def _check_names(terms: list[Any]) -> None:
    names = [term.name for term in terms]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise refusal(
            f"Two terms are both called {', '.join(sorted(doubled))}",
            "Terms need names of their own, and parentheses inside I() are not part of a name",
            "Compute one of the columns in the data first",
        )


def _check_columns(evaluated: Evaluated) -> None:
    if not evaluated.values.shape[1]:
        raise refusal(
            f"{evaluated.term.name!r} has a single level and adds no column",
            "A predictor must vary",
            "Leave it out",
        )
    for label, column in zip(evaluated.labels, evaluated.values.T, strict=True):
        check_finite(label, column)
        check_magnitude(label, column)
        if evaluated.kind == "interaction" and not column.any():
            raise refusal(
                f"No used row has the combination {label!r}",
                "An interaction of categories needs rows in every combination of levels",
                "Make one column of the combinations that occur, or leave the interaction out",
            )
        if evaluated.kind not in ("intercept", "offset") and (column == column[0]).all():
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


def functions(trusted: bool) -> dict[str, Any]:
    """What a formula may call besides formulae's own transformations; the same that Bambi offers."""
    short = {name: getattr(np, name) for name in ("abs", "exp", "exp2", "log", "log10", "log2")}
    if trusted:
        return {"np": np, "pd": pd, **short}
    allowed = {name: getattr(np, name) for name in NUMPY_FUNCTIONS}
    return {"np": types.SimpleNamespace(**allowed), **short}
