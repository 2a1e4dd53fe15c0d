"""Where each factor's effects are in the vectors that kernels read, factors from the smallest to the largest."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.model.groups import Factor


class Layout(NamedTuple):
    """Where each factor's effects are, factors from the one with the fewest effects to the one with the most.

    Attributes
    ----------
    order : ndarray of int
        (factor,), places of the factors in the design.
    groups, effects : ndarray of int
        (factor,), how many.
    columns : ndarray of int
        (factor,), where the factor's effects begin among all effects in the order of the design.
    first : ndarray of int
        (factor + 1,), where its effects begin in the vector of all effects.
    """

    order: NDArray[np.int64]
    groups: NDArray[np.int64]
    effects: NDArray[np.int64]
    columns: NDArray[np.int64]
    first: NDArray[np.int64]


def make_layout(factors: tuple[Factor, ...]) -> Layout:
    """The factors by number of effects, equal ones in the order of the formula."""
    groups = np.array([len(factor.levels) for factor in factors], dtype=np.int64)
    effects = np.array([len(factor.effects) for factor in factors], dtype=np.int64)
    order = np.argsort(groups * effects, kind="stable")
    columns = np.cumsum(effects) - effects
    first = np.concatenate([[0], np.cumsum((groups * effects)[order])])
    return Layout(order, groups[order], effects[order], columns[order], first)


def without_last(layout: Layout) -> Layout:
    """The same without the factor that has most effects, if there is one."""
    order, groups, effects, columns, first = layout
    return Layout(order[:-1], groups[:-1], effects[:-1], columns[:-1], first[: max(1, len(groups))])
