"""Arrays by number in a Zarr store in memory, with no other codecs than those that are written here."""

import json
from typing import Any

import numpy as np

CODECS = frozenset({"bytes", "zstd"})  # what is written here; others are not read


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
        self._group.create_array(key, data=np.ascontiguousarray(values))
        return key

    def contents(self) -> list[tuple[str, bytes]]:
        """All entries of the store."""
        return [(key, buffer.to_bytes()) for key, buffer in self._content.items()]


class Reader:
    """The arrays of a file by key, each with its codecs looked at before it is decoded."""

    def __init__(self, content: dict[str, bytes]) -> None:
        import zarr  # takes a third of a second

        self._raw = content
        prototype = zarr.core.buffer.default_buffer_prototype()
        buffers = {key: prototype.buffer.from_bytes(value) for key, value in content.items()}
        self._group = zarr.open_group(zarr.storage.MemoryStore(buffers), mode="r", zarr_format=3)

    def get(self, key: str) -> np.ndarray[Any, Any]:
        """The array of a key; refused unless its codecs are known."""
        codecs = {codec["name"] for codec in json.loads(self._raw[f"{key}/zarr.json"])["codecs"]}
        if not codecs <= CODECS:
            raise ValueError(f"array {key} uses the codecs {sorted(codecs - CODECS)}")
        return np.asarray(self._group[key][...])  # type: ignore[index]
