"""Files that were damaged or changed on purpose are refused when they are read, at once and without much memory."""

import json
import re
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from synthetic import synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError
from hierkit.storage import files

Entries = dict[str, bytes]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return synthetic_fit("y ~ x + h + (x | g)", table()).save(tmp_path / "fit.hierkit")


def entries_of(path: Path) -> Entries:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, entries: Entries, kind: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def with_manifest(path: Path, change: Callable[[Any], Any]) -> None:
    entries = entries_of(path)
    manifest = json.loads(entries[files.MANIFEST])
    change(manifest)
    write(path, entries | {files.MANIFEST: json.dumps(manifest).encode()})


def key_of(entries: Entries, variable: str) -> str:
    packed = json.loads(entries[files.MANIFEST])["draws"]["groups"]["posterior"]["variables"]
    return str(next(key for name, _, key in packed if name == variable))


def with_array(path: Path, variable: str, change: Callable[[Any], Any]) -> None:
    """The draws of a variable changed and written again."""
    entries = entries_of(path)
    key = key_of(entries, variable)
    store: dict[str, Any] = {}
    source = {name: zarr.core.buffer.default_buffer_prototype().buffer.from_bytes(c) for name, c in entries.items()}
    values = np.asarray(zarr.open_group(zarr.storage.MemoryStore(source), mode="r")[key][...])  # type: ignore[index]
    group = zarr.open_group(zarr.storage.MemoryStore(store), mode="w", zarr_format=3)
    group.create_array(key, data=np.ascontiguousarray(change(values)), config={"write_empty_chunks": True})
    kept = {name: content for name, content in entries.items() if not name.startswith(f"{key}/")}
    write(path, kept | {name: buffer.to_bytes() for name, buffer in store.items() if name.startswith(f"{key}/")})


def set_one(values: Any, number: float) -> Any:
    changed = values.copy()
    changed.flat[0] = number
    return changed


ARRAYS: list[tuple[str, Callable[[Any], Any], str]] = [
    ("x", lambda v: set_one(v, np.nan), "the draws of 'x' are not all finite"),
    ("x", lambda v: v * np.inf, "the draws of 'x' are not all finite"),
    ("x", lambda v: v.astype(int), "the draws of 'x' are no numbers"),
    ("x", lambda v: v.astype(complex), "has values of type 'complex128'"),
    ("x", lambda v: v[:, :10], "x"),
    ("x|g", lambda v: v[..., :3], "g"),
    ("sigma", lambda v: -v, "the draws of 'sigma' are negative"),
    ("x|g_sigma", lambda v: -v, r"the draws of 'x\|g_sigma' are negative"),
    ("g_corr", lambda v: v * 0 + 5, "the draws of 'g_corr' are no correlations"),
    ("g_corr", lambda v: v + np.triu(np.ones(v.shape[-2:]), 1) * 0.1, "the draws of 'g_corr' are no correlations"),
]


@pytest.mark.parametrize(("variable", "change", "message"), ARRAYS)
def test_draws_that_cannot_be(saved: Path, variable: str, change: Any, message: str) -> None:
    with_array(saved, variable, change)
    with pytest.raises(HierkitError, match=f"is damaged: .*{message}"):
        hierkit.load(saved)


@pytest.mark.parametrize("variable", ["x", "h", "sigma", "x|g", "x|g_sigma", "g_corr"])
def test_a_variable_that_is_missing(saved: Path, variable: str) -> None:
    def leave_out(manifest: Any) -> None:
        packed = manifest["draws"]["groups"]["posterior"]
        packed["variables"] = [one for one in packed["variables"] if one[0] != variable]

    with_manifest(saved, leave_out)
    with pytest.raises(HierkitError, match=re.escape(f"its draws have no '{variable}'")):
        hierkit.load(saved)


def set_coords(name: str, change: Callable[[Any], Any]) -> Callable[[Any], None]:
    def edit(manifest: Any) -> None:
        for coord in manifest["draws"]["groups"]["posterior"]["coords"]:
            if coord[0] == name:
                coord[2]["values"] = change(coord[2]["values"])

    return edit


def attrs(**values: Any) -> Callable[[Any], None]:
    return lambda manifest: manifest["draws"]["attrs"].update(values)


MANIFESTS: list[tuple[Callable[[Any], Any], str]] = [
    (set_coords("g__factor_dim", lambda v: list(range(len(v)))), "are not those of the rows"),
    (set_coords("g__factor_dim", lambda v: v[::-1]), "are not those of the rows"),
    (set_coords("g__factor_dim", lambda v: [v[0]] * len(v)), "are not those of the rows"),
    (set_coords("g_effect", lambda v: v[::-1]), "are not those of the rows"),
    (lambda m: m["draws"]["groups"].pop("sample_stats"), "its groups of draws are"),
    (lambda m: m["draws"]["groups"].update(other=m["draws"]["groups"]["sample_stats"]), "its groups of draws are"),
    (lambda m: m["draws"]["groups"]["posterior"]["variables"].append(["g_nu", ["chain", "draw"], "a6"]), "an unknown"),
    (lambda m: m["draws"]["groups"]["posterior"]["coords"][0][2].update(dtype="U500000000"), "labels are of type"),
    (set_coords("chain", lambda v: [10**30 for _ in v]), "OverflowError"),
    (attrs(engine="x"), "its engine is 'x'"),
    (attrs(effects="x"), "its effects is 'x'"),
    (attrs(random_seed="a"), "its random_seed is 'a'"),
    (attrs(random_seed=-1), "its random_seed is -1"),
    (attrs(random_seed=True), "its random_seed is True"),
    (attrs(chains=-1), "its chains is -1"),
    (attrs(draws="many"), "its draws is 'many'"),
    (attrs(draws=49), "other dims or sizes"),
    (attrs(thin=0), "its thin is 0"),
    (attrs(target_accept=None), "its target_accept is None"),
    (attrs(sampling_seconds="x"), "its sampling_seconds is 'x'"),
    (attrs(versions=[]), "its versions"),
    (attrs(engine_reason=3), "its engine_reason is no text"),
    (lambda m: m["draws"]["attrs"].pop("engine"), "its engine is None"),
    (lambda m: m["rows"].update(given=-5), "its counts of rows are no counts"),
    (lambda m: m["rows"].update(given="x"), "its counts of rows are no counts"),
    (lambda m: m["rows"].update(given=float("inf")), "it has Infinity for a number"),
    (lambda m: m["rows"].update(missing=["x"]), "is damaged"),
    (lambda m: m.update(family=[]), "is damaged"),
    (lambda m: m.update(format=True), "is not a saved fit"),
    (lambda m: m.update(format=-5), "is not a saved fit"),
    (lambda m: m["priors"][0].__setitem__(1, "Exponential"), "is damaged|cannot be used|does not fit"),
    (lambda m: m.update(formula="y ~ x + h + I(x * 9**9**9) + (x | g)"), "is larger than any number"),
]


@pytest.mark.parametrize(("change", "message"), MANIFESTS, ids=range(len(MANIFESTS)))
def test_manifests_that_cannot_be(saved: Path, change: Any, message: str) -> None:
    with_manifest(saved, change)
    with pytest.raises(HierkitError, match=message):
        hierkit.load(saved)


def test_a_chunk_that_is_missing_is_not_filled(saved: Path) -> None:
    entries = entries_of(saved)
    key = key_of(entries, "x")
    chunk = next(name for name in entries if name.startswith(f"{key}/c"))
    del entries[chunk]
    write(saved, entries)
    with pytest.raises(HierkitError, match=r"is damaged: array \w+ has 0 of 1 chunks"):
        hierkit.load(saved)


def test_zeros_are_written_out(tmp_path: Path) -> None:
    fit = synthetic_fit("y ~ x", table())
    posterior = fit.draws["posterior"].to_dataset()
    fit.draws["posterior"] = posterior.assign(x=xr.zeros_like(posterior["x"]))
    again = hierkit.load(fit.save(tmp_path / "zeros.hierkit"))
    assert not again.draws["posterior"]["x"].any()


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_entries_are_not_read(saved: Path, kind: int) -> None:
    write(saved, entries_of(saved) | {"junk": b"0" * 10**8}, kind)
    with pytest.raises(HierkitError, match="is damaged: its entries are compressed"):
        hierkit.load(saved)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_that_is_there_twice(saved: Path) -> None:
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("a0/zarr.json", b"{}")
    with pytest.raises(HierkitError, match="is damaged: it has an entry twice"):
        hierkit.load(saved)


@pytest.mark.parametrize("shape", [[10**12], [10**6, 10**6], [2**62]])
def test_arrays_of_more_than_memory_holds_are_refused_before_they_are_made(saved: Path, shape: list[int]) -> None:
    entries = entries_of(saved)
    about = json.loads(entries["a0/zarr.json"])
    about["shape"] = shape
    about["chunk_grid"]["configuration"]["chunk_shape"] = shape
    name = next(name for name in entries if name.startswith("a0/c"))
    parts = {"a0/zarr.json": json.dumps(about).encode(), f"a0/c{'/0' * len(shape)}": entries.pop(name)}
    write(saved, entries | parts)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(HierkitError, match="more than the machine has memory for"):
        hierkit.load(saved)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


@pytest.mark.parametrize(("path", "message"), [(None, "of type NoneType"), (3, "of type int"), ("n" * 5000, "no file")])
def test_what_is_no_path(path: Any, message: str) -> None:
    with pytest.raises(HierkitError, match=message):
        hierkit.load(path)
