"""Arrays by number in a Zarr store in memory, with no other codecs than those that are written here."""

import json
import math
from typing import Any

import numpy as np

from hierkit.memory import at_least_memory

CODECS = frozenset({"bytes", "zstd"})  # what is written here; others are not read
TYPES = frozenset({"bool", *(f"{kind}{8 * size}" for kind in ("int", "uint") for size in (1, 2, 4, 8))})
TYPES |= {"float16", "float32", "float64"}
SHARE = 0.5  # of memory


class Writer:
    """Arrays in the order in which they come, in a Zarr store in memory."""

    def __init__(self) -> None:
        import zarr  # takes a third of a second

        self._content: dict[str, Any] = {}
        self._group = zarr.open_group(zarr.storage.MemoryStore(self._content), mode="w", zarr_format=3)
        self._count = 0

    def add(self, values: np.ndarray[Any, Any]) -> str:
        """Keep an array, and say by which key."""
        key = f"a{self._count}"
        self._count += 1
        self._group.create_array(key, data=np.ascontiguousarray(values), config={"write_empty_chunks": True})
        return key

    def contents(self) -> list[tuple[str, bytes]]:
        """All entries of the store."""
        return [(key, buffer.to_bytes()) for key, buffer in self._content.items()]


class Reader:
    """The arrays of a file by key, each with its codecs, size and chunks looked at before it is decoded.

    What the arrays of a file take together is limited, because a few bytes can stand for very many zeros. Chunks of
    zeros may be missing where `zeros_are_left_out`.
    """

    def __init__(self, content: dict[str, bytes], zeros_are_left_out: bool = False) -> None:
        import zarr  # takes a third of a second

        self._raw = content
        prototype = zarr.core.buffer.default_buffer_prototype()
        buffers = {key: prototype.buffer.from_bytes(value) for key, value in content.items()}
        self._group = zarr.open_group(zarr.storage.MemoryStore(buffers), mode="r", zarr_format=3)
        self._zeros_are_left_out = zeros_are_left_out
        self._bytes = 0

    def get(self, key: str) -> np.ndarray[Any, Any]:
        """The array of a key.

        Raises
        ------
        ValueError
            For unknown codecs, for values that are no numbers, for a chunk that is missing, which Zarr would fill, and
            for more than memory holds.
        """
        about = json.loads(self._raw[f"{key}/zarr.json"])
        codecs = {codec["name"] for codec in about["codecs"]}
        if not codecs <= CODECS:
            raise ValueError(f"array {key} uses the codecs {sorted(codecs - CODECS)}")
        if about["data_type"] not in TYPES:
            raise ValueError(f"array {key} has values of type {about['data_type']!r}")
        if self._zeros_are_left_out:
            if about["fill_value"]:
                raise ValueError(f"array {key} is filled with {about['fill_value']!r}")
        else:
            self._check_chunks(key, about["shape"], about["chunk_grid"]["configuration"]["chunk_shape"])
        self._bytes += math.prod(about["shape"]) * np.dtype(about["data_type"]).itemsize
        if self._bytes > SHARE * at_least_memory():
            raise ValueError(f"its arrays take {self._bytes / 1e9:,.0f} GB, more than the machine has memory for")
        return np.asarray(self._group[key][...])  # type: ignore[index]

    def _check_chunks(self, key: str, shape: list[int], chunk: list[int]) -> None:
        counts = [-(-size // step) for size, step in zip(shape, chunk, strict=True)]
        there = sum(name.startswith(f"{key}/c") for name in self._raw)
        if there != math.prod(counts):
            raise ValueError(f"array {key} has {there} of {math.prod(counts)} chunks")
