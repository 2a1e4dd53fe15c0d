"""Cells: the observed combinations of all grouping factors, and where each row's cell is among them."""

import threading
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.errors import refusal
from hierkit.model.rows import read_rows
from hierkit.streaming.exact_sums import Longs

LARGEST = 2**62  # of a number of a cell
_LOOKING_UP = threading.Lock()


@dataclass(frozen=True, eq=False)
class Cells:
    """How the values of grouping columns make cells.

    Attributes
    ----------
    given : dict of str to pandas.Index
        The values of each grouping column as they were given.
    clean : dict of str to Series
        The same values as labels of groups, see `read_rows`.
    """

    given: dict[str, pd.Index]
    clean: dict[str, pd.Series]

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each column has."""
        return tuple(map(len, self.given.values()))

    def numbers(self, frame: pd.DataFrame) -> Longs:
        """(row,), the number of each row's cell: its place among all combinations, observed or not."""
        places = [_places(values, frame[name]) for name, values in self.given.items()]
        if not places:
            return np.zeros(len(frame), dtype=np.int64)
        return np.ravel_multi_index(places, self.shape).astype(np.int64)

    def labels(self, numbers: Longs) -> pd.DataFrame:
        """(cell, column), the labels of the groups of cells, by grouping column."""
        places = np.unravel_index(numbers, self.shape) if self.given else ()
        columns = {
            name: clean.iloc[own].reset_index(drop=True)
            for (name, clean), own in zip(self.clean.items(), places, strict=True)
        }
        return pd.DataFrame(columns, index=range(len(numbers)))


def make_cells(levels: dict[str, pd.Series]) -> Cells:
    """Cells of the values of each grouping column.

    Raises
    ------
    HierkitError
        For labels that cannot be told apart, and for too many combinations.
    """
    cells = Cells(
        {name: pd.Index(_plain(values)) for name, values in levels.items()},
        {name: read_rows(values.to_frame(name), [name]).frame[name] for name, values in levels.items()},
    )
    if np.prod([float(size) for size in cells.shape]) > LARGEST:
        raise refusal(
            f"The factors {', '.join(map(repr, levels))} have {' times '.join(map('{:,}'.format, cells.shape))} levels",
            "Of rows that are read in chunks the combinations of groups are numbered, up to 4e18 of them",
            "Make one column of the combinations that occur",
        )
    return cells


def _plain(values: pd.Series) -> pd.Series:
    """Labels as such, whichever categories a chunk knows."""
    return values.astype(object) if isinstance(values.dtype, pd.CategoricalDtype) else values


def _places(known: pd.Index, values: pd.Series) -> NDArray[np.intp]:
    """(row,), where each value is among those that are known; threads of a cluster's worker share these.

    An Index makes its table when something is first looked up, in pandas 3.0 unsafely where several threads do so.
    """
    with _LOOKING_UP:
        known.get_indexer(known[:1])
    if values.dtype.kind in "iuf":
        return np.asarray(known.get_indexer(pd.Index(values)))
    codes, distinct = pd.factorize(_plain(values))
    return np.asarray(known.get_indexer(pd.Index(distinct)))[codes]
