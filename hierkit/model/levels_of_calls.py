"""Functions of a formula that make categories, or numbers of them; the levels of the fitted rows hold for new ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.labels import in_text, some
from hierkit.model.remembering import WithMemory, plain


class Levels(WithMemory):
    """factor(x), ordered(x): of the levels given, or those of the column, or its values in order.

    `ordered` changes no coding.
    """

    def __init__(self) -> None:
        self.levels: list[Any] | None = None

    def __call__(
        self,
        x: Any,
        levels: Sequence[Any] | None = None,
        labels: Sequence[Any] | None = None,
        ordered: bool = False,
    ) -> pd.Series:
        """(row,), the category."""
        values = pd.Series(x)
        if self.levels is None:
            self.levels = levels_in(values) if levels is None else _as_values(values, levels)
        coded = coded_as(values, self.levels)
        if labels is not None:
            coded = pd.Categorical.from_codes(coded.codes, pd.Index(list(labels)), ordered=True)
        return pd.Series(coded)


class Relevel(WithMemory):
    """relevel(x, ref): with that level first, with which the others are compared."""

    def __init__(self) -> None:
        self.levels: list[Any] | None = None

    def __call__(self, x: Any, ref: Any) -> pd.Series:
        """(row,), the category."""
        values = pd.Series(x)
        if self.levels is None:
            known = levels_in(values)
            first = next((level for level in known if in_text(level) == in_text(ref)), None)
            if first is None:
                raise ValueError(f"{ref!r} is no level of it; its levels are {', '.join(map(str, known))}")
            self.levels = [first, *(level for level in known if level != first)]
        return pd.Series(coded_as(values, self.levels))


class AsCharacter(WithMemory):
    """as.character(x): the values as text, in the order of text."""

    def __init__(self) -> None:
        self.levels: list[str] | None = None

    def __call__(self, x: Any) -> pd.Series:
        """(row,), the category."""
        texts = pd.Series([in_text(value) for value in plain(pd.Series(x))])
        if self.levels is None:
            self.levels = sorted(texts.unique())
        return pd.Series(coded_as(texts, self.levels))


class Codes(WithMemory):
    """as.numeric(factor(x)): places among the levels, from 1."""

    def __init__(self) -> None:
        self.levels: list[Any] | None = None

    def __call__(self, x: Any) -> Array:
        """(row,), the places."""
        values = pd.Series(x)
        if self.levels is None:
            self.levels = levels_in(values)
        return np.asarray(coded_as(values, self.levels).codes + 1.0)


class AsNumeric(WithMemory):
    """as.numeric(x): labels that are numbers as these, others as their places among the levels, from 1."""

    def __init__(self) -> None:
        self.codes: Codes | None = None

    def __call__(self, x: Any) -> Any:
        """(row,), the numbers."""
        values = pd.Series(x)
        if pd.api.types.is_numeric_dtype(values):
            return values.astype(float)
        levels = pd.Series(levels_in(values))
        is_number = pd.to_numeric(levels, errors="coerce").notna()
        if self.codes is None and is_number.all():
            return pd.to_numeric(pd.Series(plain(values))).to_numpy(dtype=float)
        if self.codes is None and is_number.any():
            column = values.name if isinstance(values.name, str) else "Its column"
            raise refusal(
                f"as.numeric(): {column} has labels that are no numbers: {some(list(levels[~is_number]))}",
                "Either all labels are numbers, or none is",
                "Correct these cells, or set them missing",
            )
        self.codes = self.codes or Codes()
        return self.codes(values)


class Binary(WithMemory):
    """binary(x, success): 1 where x is the success, or its first value in order, and 0 elsewhere."""

    def __init__(self) -> None:
        self.success: Any = None

    def __call__(self, x: Any, success: Any = None) -> Array:
        """(row,), 0 and 1."""
        values = pd.Series(x)
        if self.success is None:
            self.success = levels_in(values)[0] if success is None else success
        return np.asarray(plain(values) == self.success, dtype=float)


def levels_in(values: pd.Series) -> list[Any]:
    """The levels of a category, or the values of another column in order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.categories)
    return sorted(values.unique().tolist())


def _as_values(values: pd.Series, levels: Sequence[Any]) -> list[Any]:
    """Levels as the values that print alike, for numbers that are named as text."""
    known = {in_text(value): value for value in levels_in(values)}
    return [known.get(in_text(level), level) for level in levels]


def coded_as(values: pd.Series, levels: list[Any]) -> pd.Categorical:
    """A category of the given levels; refused where a value is none of them."""
    places = {in_text(level): place for place, level in enumerate(levels)}
    codes, given = pd.factorize(pd.Series(plain(values)))
    if unknown := [value for value in given if in_text(value) not in places]:
        column = values.name if isinstance(values.name, str) else "A category"
        raise refusal(
            f"{column} has values that are none of its levels: {some(unknown)}",
            f"The levels are {some(levels)}",
            "Leave those rows out, or fit with rows of these levels",
        )
    # the last is that of missing values, whose code is -1
    found = np.array([*(places[in_text(value)] for value in given), -1], dtype=np.int64)[codes]
    coded: pd.Categorical = pd.Categorical.from_codes(found, pd.Index(levels), ordered=True)
    return coded
