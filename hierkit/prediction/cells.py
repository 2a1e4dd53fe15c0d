"""Averages of predictions over the rows of a table, weighted by a column of it: poststratification."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.reference_rows import dim_of
from hierkit.model.rows import count_rows, read_rows
from hierkit.posterior.draws import Draws, averaging

ROWS = 2000  # predicted at once


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows that are averaged together.

    Attributes
    ----------
    places : ndarray of int
        (row,), the cell of each row.
    weights : ndarray
        (row,), how much each row counts.
    labels : dict of str to ndarray
        (cell,), the values of each column that was averaged by.
    weighted_by : str or None
        The column of the weights.
    """

    places: NDArray[np.intp]
    weights: Array
    labels: dict[str, NDArray[Any]]
    weighted_by: str | None

    @property
    def dims(self) -> dict[str, Any]:
        """The dim of the cells and its labels: a column's name and values, numbers for several, none for one cell."""
        if not self.labels:
            return {}
        name, values = next(iter(self.labels.items()))
        return {dim_of(name): values} if len(self.labels) == 1 else {"cell": np.arange(len(values))}

    @property
    def beside(self) -> dict[str, xr.DataArray]:
        """The sum of the weights, `n`, and the labels of cells of several columns."""
        dims = self.dims
        sums = np.bincount(self.places, self.weights)
        found = {"n": xr.DataArray(sums if dims else sums[0], coords=dims, dims=tuple(dims))}
        if len(self.labels) > 1:
            found |= {name: xr.DataArray(values, coords=dims, dims="cell") for name, values in self.labels.items()}
        return found

    @property
    def in_words(self) -> str:
        """What was averaged, for a definition."""
        weighted = f", weighted by {self.weighted_by}" if self.weighted_by else ""
        by = f" for each {', '.join(self.labels)}" if self.labels else ""
        return f" Averaged over rows{weighted}{by}, within each draw."

    def averages(self, compute: Callable[[Any], Array], draws: Draws) -> xr.DataArray:
        """(chain, draw, cell), averages of what is computed for places of rows as (row, sample)."""
        shares = averaging(self.places, int(self.places.max()) + 1, self.weights)
        totals = np.zeros((len(draws.beta), shares.shape[1]))
        for start in range(0, len(self.places), ROWS):
            rows = np.arange(start, min(start + ROWS, len(self.places)))
            totals += compute(rows).T @ shares[rows]
        dims = self.dims
        return draws.labelled(totals if dims else totals[:, 0], dims)


def read_cells(data: Any, weights: str | None, by: str | Sequence[str] | None) -> Cells:
    """The cells of a table of new rows.

    Raises
    ------
    HierkitError
        For columns that the table does not have, and weights that are missing, no numbers, negative, or all zero.
    """
    columns = [by] if isinstance(by, str) else list(by or ())
    asked = list(dict.fromkeys([*columns, *([weights] if weights else [])]))
    frame = read_rows(data, asked, "error", "new_rows").frame if asked else pd.DataFrame()
    rows = len(frame) if asked else count_rows(data, "new_rows")
    own = np.ones(rows) if weights is None else _checked(frame[weights])
    places: NDArray[np.intp] = np.zeros(rows, dtype=np.intp)
    labels = {}
    if columns:
        # in the order of categories
        groups = frame.groupby(columns, sort=True, observed=True)
        places = np.asarray(groups.ngroup(), dtype=np.intp)
        first = np.unique(places, return_index=True)[1]
        labels = {name: frame[name].iloc[first].to_numpy(dtype=object) for name in columns}
    if (np.bincount(places, own) <= 0).any():
        raise refusal(f"The weights {weights!r} of a cell are all zero", "An average needs a weight", "Leave it out")
    return Cells(places, own, labels, weights)


def _checked(values: pd.Series) -> Array:
    if not pd.api.types.is_numeric_dtype(values) or (values < 0).any():
        raise refusal(
            f"The weights {values.name!r} are not all numbers of 0 or more",
            "A weight says how much a row counts, such as how many people it represents",
            "Check the column",
        )
    return values.to_numpy(dtype=np.float64)
