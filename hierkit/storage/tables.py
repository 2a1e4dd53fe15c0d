"""Datasets and tables as lists of arrays with names and labels, in JSON."""

import re
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from hierkit.model.points import Points
from hierkit.model.rows import Rows
from hierkit.storage.arrays import Reader, Writer

LABELS = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)|datetime64\[(s|ms|us|ns)\]")
SHOWN = 20  # letters
POINTS = ("values", "places", "rows", "cell_of_row", "in_place_of")


def pack(dataset: xr.Dataset, arrays: Writer) -> dict[str, Any]:
    """A dataset: names, dims, arrays and labels."""
    return {
        "variables": [[str(k), list(v.dims), arrays.add(v.values)] for k, v in dataset.items()],
        "coords": [[str(k), list(v.dims), _pack_labels(v.values)] for k, v in dataset.coords.items()],
        "attrs": dict(dataset.attrs),
    }


def unpack(packed: dict[str, Any], arrays: Reader) -> xr.Dataset:
    """The dataset that was packed."""
    variables = {name: (dims, arrays.get(key)) for name, dims, key in packed["variables"]}
    coords = {name: (dims, _unpack_labels(labels)) for name, dims, labels in packed["coords"]}
    return xr.Dataset(variables, coords=coords, attrs=packed.get("attrs"))


def _pack_labels(labels: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Labels as JSON: numbers and booleans as they are, dates as numbers, objects one by one."""
    if labels.dtype.kind == "M":
        return {"dtype": str(labels.dtype), "values": labels.astype("int64").tolist()}
    if labels.dtype.kind in "iufb":
        return {"dtype": str(labels.dtype), "values": labels.tolist()}
    return {"dtype": "object", "values": [_pack_label(label) for label in labels.tolist()]}


def _unpack_labels(packed: dict[str, Any]) -> np.ndarray[Any, Any]:
    if packed["dtype"] != "object":
        if not LABELS.fullmatch(packed["dtype"]):
            raise ValueError(f"its labels are of type {packed['dtype'][:SHOWN]!r}")
        dtype = np.dtype(packed["dtype"])
        return np.array(packed["values"], dtype="int64" if dtype.kind == "M" else dtype).astype(dtype)
    labels = np.empty(len(packed["values"]), dtype=object)
    labels[:] = [_unpack_label(label) for label in packed["values"]]
    return labels


def _pack_label(label: Any) -> Any:
    return {"timestamp": label.isoformat()} if isinstance(label, pd.Timestamp) else label


def _unpack_label(label: Any) -> Any:
    return pd.Timestamp(label["timestamp"]) if isinstance(label, dict) else label


def pack_rows(rows: Rows, arrays: Writer) -> dict[str, Any]:
    """The rows of a fit, and what is known of those left out."""
    unused = {name: [_pack_label(label) for label in labels] for name, labels in rows.unused_levels.items()}
    return {
        "columns": pack_frame(rows.frame, arrays),
        "positions": arrays.add(rows.positions),
        "given": rows.given,
        "not_kept": rows.not_kept,
        "missing": rows.missing,
        "unused": unused,
    }


def unpack_rows(packed: dict[str, Any], arrays: Reader) -> Rows:
    """The rows that were packed."""
    unused = {name: [_unpack_label(label) for label in labels] for name, labels in packed["unused"].items()}
    positions = arrays.get(packed["positions"]).astype(np.intp)
    frame = unpack_frame(packed["columns"], arrays)
    not_kept = packed.get("not_kept", 0)
    return Rows(frame, positions, packed["given"], packed["missing"], unused, not_kept=not_kept)


def pack_frame(frame: pd.DataFrame, arrays: Writer) -> list[Any]:
    """The columns of a table: name, array, and labels where it holds their codes."""
    columns = []
    for name, values in frame.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            labels = [_pack_label(label) for label in values.cat.categories.tolist()]
            columns.append([name, arrays.add(values.cat.codes.to_numpy()), labels])
        else:
            columns.append([name, arrays.add(values.to_numpy()), None])
    return columns


def unpack_frame(packed: list[Any], arrays: Reader) -> pd.DataFrame:
    """The table whose columns were packed."""
    frame = {}
    for name, key, labels in packed:
        values = arrays.get(key)
        if labels is None:
            frame[name] = pd.Series(values)
        else:
            categories: Any = [_unpack_label(label) for label in labels]
            frame[name] = pd.Series(pd.Categorical.from_codes(values, categories=categories, ordered=True))
    return pd.DataFrame(frame)


def pack_points(points: Points | None, arrays: Writer) -> dict[str, Any] | None:
    """What is kept beside a sample of rows; nothing where all rows are kept."""
    if points is None:
        return None
    numbers = {name: arrays.add(getattr(points, name)) for name in POINTS}
    return {**numbers, "cells": pack_frame(points.cells, arrays)}


def unpack_points(packed: dict[str, Any] | None, arrays: Reader) -> Points | None:
    """What was packed."""
    if packed is None:
        return None
    numbers = {name: arrays.get(packed[name]) for name in POINTS}
    cells = unpack_frame(packed["cells"], arrays)
    return Points(cells=cells.reindex(range(len(numbers["rows"]))), **numbers)
