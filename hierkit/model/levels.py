"""The observed groups of a factor: their labels, and each row's place among them."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.errors import refusal
from hierkit.model.formula import GroupTerm


def observed_groups(rows: pd.DataFrame, term: GroupTerm) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The observed groups of a factor: their labels, and each row's place among them."""
    parts = [_column_groups(column, rows[column]) for column in term.factor]
    levels, codes = parts[0]
    if len(parts) > 1:
        shape = tuple(len(part[0]) for part in parts)
        cells, codes = np.unique(np.ravel_multi_index([part[1] for part in parts], shape), return_inverse=True)
        places = np.unravel_index(cells, shape)
        levels = _cell_labels([list(pd.Index(part[0][at]).astype(str)) for part, at in zip(parts, places, strict=True)])
    if len(levels) < 2:
        raise refusal(
            f"The grouping factor {term.factor_label!r} has one level, {str(levels[0])!r}",
            "Groups differ only where there are at least two",
            "Leave the group term out, and check the filter and the missing values",
        )
    return levels, codes.astype(np.intp)


def _cell_labels(columns: list[list[str]]) -> NDArray[Any]:
    """`"A:a"` for each cell; quoted where labels that hold a colon would make two cells look the same."""
    labels = [":".join(cell) for cell in zip(*columns, strict=True)]
    if len(set(labels)) < len(labels):
        labels = [":".join(map(repr, cell)) for cell in zip(*columns, strict=True)]
    return np.array(labels, dtype=object)


def _column_groups(name: str, values: pd.Series) -> tuple[NDArray[Any], NDArray[np.intp]]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _as_array(values.cat.categories), values.cat.codes.to_numpy().astype(np.intp)
    levels, codes = np.unique(values.to_numpy(), return_inverse=True)
    if np.issubdtype(levels.dtype, np.floating) and (levels % 1 != 0).any():
        raise refusal(
            f"The grouping factor {name!r} holds {len(levels)} measured numbers such as {levels[0]:g}",
            "Groups are labels: text, categories, whole numbers, booleans or dates",
            "Use the column as a predictor; if its numbers are labels, convert them to text first",
        )
    return levels, codes


def _as_array(levels: pd.Index) -> NDArray[Any]:
    return levels.to_numpy() if levels.dtype.kind in "iufbM" else np.array(levels.tolist(), dtype=object)
