"""A term that was evaluated: its values, and the columns that they are."""

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hierkit.arrays import Array
from hierkit.model.columns import Column, weighted_mean, weighted_sd


@dataclass(frozen=True, eq=False)
class Evaluated:
    """One term: formulae's object, the user's words for its components, values (row, column) and trials (row,).

    `as_formulae` says whether formulae, and so Bambi, codes it as it is coded here.
    """

    term: Any
    words: dict[str, str]
    values: Array
    weights: Array
    as_formulae: bool

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

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns as Bambi will hold them: with a dimension of their own if they are several or categorical."""
        if self.kind == "intercept":
            return (Column("Intercept", "Intercept", "Intercept", is_intercept=True),)
        labels = self.labels
        name = self.term.name
        parts = self._parts
        spreads = self._spreads
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
                spread=spreads[i],
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


def component_values(component: Any) -> Array:
    """(row, column), the values of one of formulae's components."""
    values = np.asarray(component.value, dtype=np.float64)
    return values.reshape(len(values), -1)
