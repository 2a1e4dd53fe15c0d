"""Save and load: one file, Zarr arrays and JSON in a zip, written whole or not at all.

Arrays are called by numbers, so that every name is safe on every file system; what they are called in the fit stands
in `hierkit.json`, with everything that is not an array. Nothing is pickled, and nothing is unpickled.
"""

import json
import os
import re
import tempfile
import threading
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from hierkit.errors import HierkitError, refusal
from hierkit.model.distributions import checked_prior
from hierkit.model.formula import Formula
from hierkit.model.names import with_intercepts
from hierkit.model.precision import Precision
from hierkit.model.priors import Priors
from hierkit.model.rows import Rows

# Format 1 did not say where priors hold: all of them at zero, but for the intercept's. Up to format 2 the intercept of
# a group was called 1 in the names of priors, and up to format 3 scale() divided by the sd with n, not n - 1. Up to
# format 4 rows had neither weights nor known sds.
FORMAT = 5
SCALE_AS_R = 4
MANIFEST = "hierkit.json"
CODECS = frozenset({"bytes", "zstd"})  # what this file writes; others are not read


def write(path: str | Path, formula: Formula, family: str, rows: Rows, priors: Priors, draws: xr.DataTree) -> Path:
    """Write a fit into one file that `hierkit.load` reads: rows, priors and draws, and nothing that runs.

    Parameters
    ----------
    path : str or Path
        The file; one that is there is replaced in a single step, when the new one is complete. After a kill, a hidden
        file that ends in `.part` may be left beside it.
    formula, family, rows, priors, draws
        The parts: the formula, the family as passed to `fit`, the rows used, the priors and the draws.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    HierkitError
        For a folder that does not exist.
    OSError
        Where the file cannot be written; an older one is left as it was.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise refusal(
            f"There is no folder {str(path.parent)!r}", "A fit is saved in a folder that exists", "Make it first"
        )
    arrays = _Writer()
    manifest = {
        "format": FORMAT,
        "formula": formula.text,
        "family": family,
        "precision": asdict(formula.precision),
        "rows": _pack_rows(rows, arrays),
        "priors": [[name, prior.name, dict(prior.args), name in priors.from_user] for name, prior in priors.items()],
        "holds": dict(priors.holds),
        "draws": {
            "attrs": draws.attrs,
            "groups": {name: _pack(group.to_dataset(), arrays) for name, group in draws.children.items()},
        },
    }
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(MANIFEST, json.dumps(manifest))
                for key, content in arrays.contents():
                    archive.writestr(key, content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(path))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


Parts = tuple[str, str, dict[str, str | None], Rows, Priors, xr.DataTree]


def read(path: str | Path) -> Parts:
    """Read the parts of a fit: the formula's text, the family, `weights` and `known_sd`, rows, priors and draws.

    The `holds` of the priors of a file of format 1 are empty; the design says what they are.

    Raises
    ------
    HierkitError
        For a file that is not there, is no fit, is damaged or truncated, or was written by a newer hierkit.
    """
    path = Path(path)
    if not path.is_file():
        raise refusal(f"There is no file {str(path)!r}", "A saved fit is one file", "Check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            if MANIFEST not in archive.namelist():
                raise _foreign(path)
            manifest = json.loads(archive.read(MANIFEST))
            _check_format(path, manifest)
            arrays = _Reader({name: archive.read(name) for name in archive.namelist() if name != MANIFEST})
            return _unpack_parts(manifest, arrays)
    except zipfile.BadZipFile as error:
        raise (damaged(path, str(error)) if _starts_as_zip(path) else _foreign(path)) from None
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, MemoryError) as error:
        if isinstance(error, HierkitError):
            raise
        raise damaged(path, f"{type(error).__name__}: {error}") from error


def damaged(path: str | Path, reason: str) -> HierkitError:
    """The error for a file that was a fit once, or pretends to be one."""
    return refusal(
        f"{Path(path).name} is damaged: {reason}", "A saved fit is read whole or not at all", "Save it again"
    )


def _unpack_parts(manifest: dict[str, Any], arrays: "_Reader") -> Parts:
    rows = [(with_intercepts(name), *rest) for name, *rest in manifest["priors"]]
    priors = {name: checked_prior(name, distribution, args) for name, distribution, args, _ in rows}
    from_user = frozenset(name for name, _, _, chosen in rows if chosen)
    groups = {name: _unpack(packed, arrays) for name, packed in manifest["draws"]["groups"].items()}
    draws = xr.DataTree.from_dict(groups)
    draws.attrs = dict(manifest["draws"]["attrs"])
    holds = {with_intercepts(name): place for name, place in manifest.get("holds", {}).items()}
    used = _unpack_rows(manifest["rows"], arrays)
    precision = asdict(Precision(**manifest.get("precision", {})))
    return manifest["formula"], manifest["family"], precision, used, Priors(priors, from_user, holds), draws


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced; of a new one, those that any new file beside it gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        beside.touch()
        return beside.stat().st_mode & 0o777
    finally:
        beside.unlink(missing_ok=True)


class _Writer:
    """Arrays in the order in which they come, in a Zarr store in memory."""

    def __init__(self) -> None:
        import zarr  # takes a third of a second

        self._content: dict[str, Any] = {}
        self._group = zarr.open_group(zarr.storage.MemoryStore(self._content), mode="w", zarr_format=3)
        self._count = 0

    def add(self, values: np.ndarray[Any, Any]) -> str:
        key = f"a{self._count}"
        self._count += 1
        self._group.create_array(key, data=np.ascontiguousarray(values))
        return key

    def contents(self) -> list[tuple[str, bytes]]:
        return [(key, buffer.to_bytes()) for key, buffer in self._content.items()]


class _Reader:
    """The arrays of a file by key, each with its codecs looked at before it is decoded."""

    def __init__(self, content: dict[str, bytes]) -> None:
        import zarr  # takes a third of a second

        self._raw = content
        prototype = zarr.core.buffer.default_buffer_prototype()
        buffers = {key: prototype.buffer.from_bytes(value) for key, value in content.items()}
        self._group = zarr.open_group(zarr.storage.MemoryStore(buffers), mode="r", zarr_format=3)

    def get(self, key: str) -> np.ndarray[Any, Any]:
        codecs = {codec["name"] for codec in json.loads(self._raw[f"{key}/zarr.json"])["codecs"]}
        if not codecs <= CODECS:
            raise ValueError(f"array {key} uses the codecs {sorted(codecs - CODECS)}")
        return np.asarray(self._group[key][...])  # type: ignore[index]


def _pack(dataset: xr.Dataset, arrays: _Writer) -> dict[str, Any]:
    return {
        "variables": [[str(k), list(v.dims), arrays.add(v.values)] for k, v in dataset.items()],
        "coords": [[str(k), list(v.dims), _pack_labels(v.values)] for k, v in dataset.coords.items()],
    }


def _unpack(packed: dict[str, Any], arrays: _Reader) -> xr.Dataset:
    variables = {name: (dims, arrays.get(key)) for name, dims, key in packed["variables"]}
    coords = {name: (dims, _unpack_labels(labels)) for name, dims, labels in packed["coords"]}
    return xr.Dataset(variables, coords=coords)


def _pack_labels(labels: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Labels as JSON: numbers and booleans as they are, dates as numbers, objects one by one."""
    if labels.dtype.kind == "M":
        return {"dtype": str(labels.dtype), "values": labels.astype("int64").tolist()}
    if labels.dtype.kind in "iufb":
        return {"dtype": str(labels.dtype), "values": labels.tolist()}
    return {"dtype": "object", "values": [_pack_label(label) for label in labels.tolist()]}


def _unpack_labels(packed: dict[str, Any]) -> np.ndarray[Any, Any]:
    if packed["dtype"] != "object":
        dtype = np.dtype(packed["dtype"])
        return np.array(packed["values"], dtype="int64" if dtype.kind == "M" else dtype).astype(dtype)
    labels = np.empty(len(packed["values"]), dtype=object)
    labels[:] = [_unpack_label(label) for label in packed["values"]]
    return labels


def _pack_label(label: Any) -> Any:
    return {"timestamp": label.isoformat()} if isinstance(label, pd.Timestamp) else label


def _unpack_label(label: Any) -> Any:
    return pd.Timestamp(label["timestamp"]) if isinstance(label, dict) else label


def _pack_rows(rows: Rows, arrays: _Writer) -> dict[str, Any]:
    columns = []
    for name, values in rows.frame.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            labels = [_pack_label(label) for label in values.cat.categories.tolist()]
            columns.append([name, arrays.add(values.cat.codes.to_numpy()), labels])
        else:
            columns.append([name, arrays.add(values.to_numpy()), None])
    unused = {name: [_pack_label(label) for label in labels] for name, labels in rows.unused_levels.items()}
    positions = arrays.add(rows.positions)
    return {"columns": columns, "positions": positions, "given": rows.given, "missing": rows.missing, "unused": unused}


def _unpack_rows(packed: dict[str, Any], arrays: _Reader) -> Rows:
    frame = {}
    for name, key, labels in packed["columns"]:
        values = arrays.get(key)
        if labels is None:
            frame[name] = pd.Series(values)
        else:
            categories: Any = [_unpack_label(label) for label in labels]
            frame[name] = pd.Series(pd.Categorical.from_codes(values, categories=categories, ordered=True))
    unused = {name: [_unpack_label(label) for label in labels] for name, labels in packed["unused"].items()}
    positions = arrays.get(packed["positions"]).astype(np.intp)
    return Rows(pd.DataFrame(frame), positions, packed["given"], packed["missing"], unused)


def _check_format(path: Path, manifest: Any) -> None:
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise _foreign(path)
    if manifest["format"] < SCALE_AS_R and re.search(r"\bscale\(", manifest["formula"]):
        raise refusal(
            f"{path.name} is a fit with scale() of an older hierkit, which divided by the sd with n",
            "scale() divides by the sd with n - 1, as in R",
            "Fit the model again",
        )
    if manifest["format"] > FORMAT:
        raise refusal(
            f"{path.name} has format {manifest['format']}",
            f"This hierkit reads formats up to {FORMAT}",
            "Upgrade hierkit: the file was written by a newer one",
        )


def _starts_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _foreign(path: Path) -> HierkitError:
    return refusal(f"{path.name} is not a saved fit", "Fits are saved by fit.save()", "Check the path")
