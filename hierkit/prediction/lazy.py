"""Draws of rows that are computed when they are asked for, so that those of a million rows never exist at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from hierkit.arrays import Array
from hierkit.errors import refusal

MOST_BYTES = 2e9
ROWS = 2000  # computed at once


class RowDraws(BackendArray):
    """(chain, draw, row), an array that xarray reads as it would a file.

    Parameters
    ----------
    shape : tuple of int
        Chains, draws and rows.
    compute : callable
        From places of rows (row,) to their draws (row, sample).
    """

    def __init__(self, shape: tuple[int, int, int], compute: Callable[[Any], Array]) -> None:
        self.shape = shape
        self.dtype = np.dtype(np.float64)
        self._compute = compute

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        outer = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, outer, self._read)

    def _read(self, key: tuple[Any, ...]) -> Array:
        chains, draws, places = key
        rows = np.atleast_1d(np.arange(self.shape[2])[places])
        kept = np.size(np.arange(self.shape[0])[chains]) * np.size(np.arange(self.shape[1])[draws])
        if (size := 8 * len(rows) * kept) > MOST_BYTES:
            raise refusal(
                f"The draws of {len(rows):,} rows would take {size / 1e9:.1f} GB",
                "The limit is 2 GB; a table of any number of rows is computed in parts",
                "Ask for .table(), or for some of the rows with .draws.isel(row=slice(0, 1000))",
            )
        parts = [self._some(rows[start : start + ROWS], chains, draws) for start in range(0, max(1, len(rows)), ROWS)]
        values = parts[0] if len(parts) == 1 else np.concatenate(parts)
        # rows stay outermost in memory, where their draws are sorted and averaged fastest
        return np.moveaxis(values, 0, -1) if np.ndim(places) or isinstance(places, slice) else values[0]

    def _some(self, rows: Any, chains: Any, draws: Any) -> Array:
        values = self._compute(rows).reshape(len(rows), *self.shape[:2])
        some: Array = values[:, :, draws][:, chains]
        return some


def lazily(compute: Callable[[Any], Array], chains: Sequence[Any], draws: Sequence[Any], rows: int) -> xr.DataArray:
    """(chain, draw, row), computed when its values are used; `row` counts from 0."""
    coords: Mapping[str, Any] = {"chain": chains, "draw": draws, "row": np.arange(rows)}
    backend = RowDraws((len(chains), len(draws), rows), compute)
    variable = xr.Variable(tuple(coords), indexing.LazilyIndexedArray(backend))
    return xr.DataArray(variable, coords=coords)
