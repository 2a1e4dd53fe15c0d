"""Save and load: one file, Zarr arrays and JSON in a zip, written whole or not at all.

Arrays are called by numbers, so that every name is safe on every file system; what they are called in the fit stands
in `hierkit.json`, with everything that is not an array. Nothing is pickled, and nothing is unpickled.
"""

import contextlib
import json
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xarray as xr

from hierkit.errors import HierkitError, refusal
from hierkit.model.design import Design
from hierkit.model.distributions import checked_prior
from hierkit.model.formula import Formula
from hierkit.model.labels import shortened
from hierkit.model.names import with_intercepts
from hierkit.model.points import Points
from hierkit.model.precision import Precision
from hierkit.model.priors import Priors
from hierkit.model.rows import Rows
from hierkit.replacing import replacing, writable
from hierkit.storage.arrays import Reader, Writer
from hierkit.storage.tables import pack, pack_points, pack_rows, unpack, unpack_points, unpack_rows

# Format 1 did not say where priors hold: all of them at zero, but for the intercept's. Up to format 2 the intercept of
# a group was called 1 in the names of priors, and up to format 3 scale() divided by the sd with n, not n - 1. Up to
# format 4 rows had neither weights nor known sds, and up to format 5 all rows and all effects were kept. Up to format 6
# chunks of zeros were left out.
FORMAT = 7
ALL_CHUNKS = 7
SCALE_AS_R = 4
MANIFEST = "hierkit.json"
DAMAGE = (LookupError, TypeError, ValueError, AttributeError, RuntimeError, MemoryError, ArithmeticError)


def write(path: str | Path, formula: Formula, design: Design, priors: Priors, draws: xr.DataTree) -> Path:
    """Write a fit into one file that `hierkit.load` reads: rows, priors and draws, and nothing that runs.

    Parameters
    ----------
    path : str or Path
        The file; one that is there is replaced in a single step, when the new one is complete. After a kill, a hidden
        file that ends in `.part` may be left beside it.
    formula, design, priors, draws
        The parts: the formula, the design with the rows used, the priors and the draws.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    HierkitError
        For a folder, a folder that does not exist, and what is no file.
    OSError
        Where the file cannot be written; an older one is left as it was.
    """
    path = Path(path)
    writable(path)
    arrays = Writer()
    manifest = {
        "format": FORMAT,
        "formula": formula.text,
        "family": design.family.name,
        "precision": asdict(formula.precision),
        "rows": pack_rows(design.rows, arrays),
        "points": pack_points(design.points, arrays),
        "priors": [[name, prior.name, dict(prior.args), name in priors.from_user] for name, prior in priors.items()],
        "holds": dict(priors.holds),
        "draws": {
            "attrs": draws.attrs,
            "groups": {name: pack(group.to_dataset(), arrays) for name, group in draws.children.items()},
        },
    }
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(MANIFEST, json.dumps(manifest))
        for key, content in arrays.contents():
            archive.writestr(key, content)
    return path


Parts = tuple[str, str, dict[str, str | None], Rows, Points | None, Priors, xr.DataTree]


def read(path: str | Path) -> Parts:
    """Read the parts of a fit: the formula's text, family, `weights` and `known_sd`, rows, points, priors and draws.

    The `holds` of the priors of a file of format 1 are empty; the design says what they are.

    Raises
    ------
    HierkitError
        For a file that is not there, is no fit, is damaged or truncated, or was written by a newer hierkit.
    """
    if not isinstance(path, str | Path):
        raise refusal(f"The path is of type {type(path).__name__}", "A saved fit is one file", "Pass its path")
    path = Path(path)
    if not os.path.isfile(path):
        raise refusal(f"There is no file {shortened(str(path))!r}", "A saved fit is one file", "Check the path")
    try:
        with zipfile.ZipFile(path) as archive, refusing_damage(path):
            if MANIFEST not in archive.namelist():
                raise _foreign(path)
            _check_entries(archive)
            manifest = json.loads(archive.read(MANIFEST), parse_constant=_no_number)
            _check_format(path, manifest)
            content = {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}
            arrays = Reader(content, zeros_are_left_out=manifest["format"] < ALL_CHUNKS)
            return _unpack_parts(manifest, arrays)
    except zipfile.BadZipFile as error:
        raise (damaged(path, str(error)) if _starts_as_zip(path) else _foreign(path)) from None


@contextlib.contextmanager
def refusing_damage(path: str | Path) -> Iterator[None]:
    """Turn whatever a file that is no fit makes Python raise into a refusal of the file."""
    try:
        yield
    except HierkitError:
        raise
    except DAMAGE as error:
        reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise damaged(path, shortened(reason)) from error


def _check_entries(archive: zipfile.ZipFile) -> None:
    """Entries are stored as they are, so that a file takes no more memory than its size says."""
    if len(set(archive.namelist())) < len(archive.namelist()):
        raise ValueError("it has an entry twice")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
        raise ValueError("its entries are compressed")


def _no_number(word: str) -> None:
    raise ValueError(f"it has {word} for a number")


def damaged(path: str | Path, reason: str) -> HierkitError:
    """The error for a file that was a fit once, or pretends to be one."""
    return refusal(
        f"{Path(path).name} is damaged: {reason}", "A saved fit is read whole or not at all", "Save it again"
    )


def _unpack_parts(manifest: dict[str, Any], arrays: "Reader") -> Parts:
    rows = [(with_intercepts(name), *rest) for name, *rest in manifest["priors"]]
    priors = {name: checked_prior(name, distribution, args) for name, distribution, args, _ in rows}
    from_user = frozenset(name for name, _, _, chosen in rows if chosen)
    groups = {name: unpack(packed, arrays) for name, packed in manifest["draws"]["groups"].items()}
    draws = xr.DataTree.from_dict(groups)
    draws.attrs = dict(manifest["draws"]["attrs"])
    holds = {with_intercepts(name): place for name, place in manifest.get("holds", {}).items()}
    used = unpack_rows(manifest["rows"], arrays)
    precision = asdict(Precision(**manifest.get("precision", {})))
    points = unpack_points(manifest.get("points"), arrays)
    return manifest["formula"], manifest["family"], precision, used, points, Priors(priors, from_user, holds), draws


def _check_format(path: Path, manifest: Any) -> None:
    form = manifest.get("format") if isinstance(manifest, dict) else None
    if not isinstance(form, int) or isinstance(form, bool) or form < 1:
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
