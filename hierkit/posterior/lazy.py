"""Draws that are computed when they are asked for, so that those of a million rows or groups never exist at once."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from hierkit.arrays import SAMPLE_DIMS, Array
from hierkit.cores import on_all_cores, usable_cores
from hierkit.errors import refusal
from hierkit.memory import MOST_BYTES

AT_ONCE = 2000  # rows or groups
FEW_PARTS = 4
SMALL = 2_000_000  # numbers of a block that is remembered: 16 MB

Places = NDArray[np.intp]
Samples = slice | Places
Compute = Callable[[Places, Samples], Array]


class LazyDraws(BackendArray):
    """(chain, draw, place, ...), an array that xarray reads as it would a file.

    Parameters
    ----------
    dim : str
        What a place is, a row or a group.
    shape : tuple of int
        Chains, draws, places, and more.
    compute : callable
        From places (place,), and samples (all, or these), to their draws (place, ..., sample).
    """

    def __init__(self, dim: str, shape: tuple[int, ...], compute: Compute) -> None:
        self.shape = shape
        self.dtype = np.dtype(np.float64)
        self._dim = dim
        self._compute = compute

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        outer = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, outer, self._read)

    def _read(self, key: tuple[Any, ...]) -> Array:
        chains, draws, places = (
            np.atleast_1d(np.arange(size)[own]) for size, own in zip(self.shape[:3], key[:3], strict=True)
        )
        n_chains, n_draws, *beside = self.shape[:2] + self.shape[3:]
        shape = (len(places), *beside, len(chains), len(draws))
        self._check(shape)
        whole = len(chains) == n_chains and len(draws) == n_draws and _in_order(chains) and _in_order(draws)
        samples: Samples = slice(None) if whole else (chains[:, None] * n_draws + draws).ravel()
        values = np.empty(shape)

        def fill(part: slice) -> None:
            values[part] = self._compute(places[part], samples).reshape(values[part].shape)

        _in_parts(fill, len(places))
        # places stay outermost in memory, where their draws are sorted and averaged fastest
        ordered = np.moveaxis(values, (-2, -1), (0, 1))
        kept = tuple(0 if np.ndim(own) == 0 and not isinstance(own, slice) else slice(None) for own in key[:3])
        rest = tuple(zip(key[3:], range(3, len(key)), strict=True))
        for own, axis in reversed(rest):
            ordered = ordered[(slice(None),) * axis + (own,)]
        found: Array = ordered[kept]
        return found

    def _check(self, shape: tuple[int, ...]) -> None:
        if (size := 8 * int(np.prod(shape, dtype=object))) > MOST_BYTES:
            raise refusal(
                f"The draws of {shape[0]:,} {self._dim}s would take {size / 1e9:.1f} GB",
                "The limit is 2 GB; a table of any number is computed in parts",
                f"Ask for .table(), or for some of them with .draws.isel({self._dim}=slice(0, 1000))",
            )


def _in_parts(work: Callable[[slice], None], count: int) -> None:
    """The work for all of so many places; a few parts by the thread that asks, which is often one of several."""
    parts = [slice(start, start + AT_ONCE) for start in range(0, count, AT_ONCE)]
    if len(parts) > FEW_PARTS:
        on_all_cores(work, parts)
    else:
        for part in parts:
            work(part)


def _in_order(places: Places) -> bool:
    return bool((np.diff(places) == 1).all())


def lazily(compute: Compute, coords: Mapping[str, Sequence[Any] | NDArray[Any]]) -> xr.DataArray:
    """An array whose values are computed when they are used.

    Parameters
    ----------
    compute : callable
        As of `LazyDraws`.
    coords : mapping
        The labels of chain, draw, what a place is, and what each place has more than one of.
    """
    dim = next(name for name in coords if name not in SAMPLE_DIMS)
    backend = LazyDraws(dim, tuple(len(labels) for labels in coords.values()), compute)
    variable = xr.Variable(tuple(coords), indexing.LazilyIndexedArray(backend))
    return xr.DataArray(variable, coords=dict(coords))


class Remembered[Result]:
    """A function of places and samples that remembers its last results for few places.

    Tables ask for each block several times, every thread for its own. It can be pickled; what it remembers is not.

    Parameters
    ----------
    compute : callable
        From places and samples to what is found there, which is not changed afterwards.
    most : int
        Places of a result that is remembered.
    """

    def __init__(self, compute: Callable[[Places, Samples], Result], most: int) -> None:
        self._compute = compute
        self._most = most
        self._block = lru_cache(maxsize=2 * usable_cores())(self._of_bytes)

    def __call__(self, places: Places, samples: Samples) -> Result:
        """What is found in these places and samples."""
        if len(places) > self._most:
            return self._compute(places, samples)
        return self._block(places.tobytes(), None if isinstance(samples, slice) else samples.tobytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return Remembered, (self._compute, self._most)

    def _of_bytes(self, places: bytes, samples: bytes | None) -> Result:
        return self._compute(_read(places), slice(None) if samples is None else _read(samples))


def _read(places: bytes) -> Places:
    return np.frombuffer(places, dtype=np.intp)
