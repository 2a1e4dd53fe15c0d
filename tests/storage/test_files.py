"""One file, whole or not at all, and nothing in it that runs."""

import json
import multiprocessing
import os
import pickle
import time
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import REFERENCE, synthetic_draws, synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError
from hierkit.model.design import make_design
from hierkit.model.formula import parse
from hierkit.model.priors import make_priors
from hierkit.model.rows import read_rows
from hierkit.storage import files

FORMULAS = [
    ("y ~ x + (x | g)", "gaussian"),
    ("y ~ h + (h | k) + (1 | day) + (1 | won)", "gaussian"),
    ("y ~ `km/h` + _low + time_offset + (`km/h` | `the unit`) + (1 | g/s)", "gaussian"),
    ("flag['no'] ~ x + (1 | g)", "bernoulli"),
    ("p(hits, tries) ~ x + offset(z) + (x || g)", "bernoulli"),
]


@pytest.fixture
def saved(tmp_path: Any) -> Any:
    fit = synthetic_fit("y ~ x + (x | g)", table())
    return fit.save(tmp_path / "fit.hierkit")


@pytest.mark.parametrize(("formula", "family"), FORMULAS)
def test_round_trip(formula: Any, family: Any, tmp_path: Any) -> None:
    data = table()
    data.loc[3, ["y", "x"]] = None
    fit = synthetic_fit(formula, data, family)
    again = hierkit.load(fit.save(tmp_path / "fit.hierkit"))
    assert again.formula == fit.formula
    assert dict(again.priors) == dict(fit.priors)
    assert again.draws.attrs == fit.draws.attrs
    assert again.design.rows.missing == fit.design.rows.missing
    pd.testing.assert_frame_equal(again.design.rows.frame, fit.design.rows.frame)
    np.testing.assert_array_equal(again.design.X, fit.design.X)
    for name, group in fit.draws.children.items():
        assert again.draws[name].to_dataset().identical(group.to_dataset()), name
    assert str(again.summary()) == str(fit.summary())
    assert again.report().html == fit.report().html


def test_names_inside_are_safe_on_every_file_system(tmp_path: Any) -> None:
    fit = synthetic_fit(FORMULAS[2][0], table())
    with zipfile.ZipFile(fit.save(tmp_path / "fit.hierkit")) as archive:
        names = archive.namelist()
    assert len(names) == len({name.lower() for name in names})
    assert all(part.isascii() and part.replace(".", "").isalnum() for name in names for part in name.split("/"))


def test_same_fit_same_bytes_apart_from_time(tmp_path: Any) -> None:
    fit = synthetic_fit("y ~ x + (x | g)", table())
    contents = []
    for name in ("a", "b"):
        with zipfile.ZipFile(fit.save(tmp_path / name)) as archive:
            contents.append({entry: archive.read(entry) for entry in archive.namelist()})
    assert contents[0] == contents[1]


def test_nothing_is_left_beside_the_file(saved: Any) -> None:
    assert [path.name for path in saved.parent.iterdir()] == ["fit.hierkit"]


def test_failed_write_keeps_the_old_file(saved: Any, monkeypatch: Any) -> None:
    before = saved.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        synthetic_fit("y ~ 1", table()).save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["fit.hierkit"]


def _save_and_die(path: Any, size: Any) -> None:
    """Save again and again, until killed."""
    fit = synthetic_fit("y ~ x + (x | g)", table(), draws=size)
    while True:
        fit.save(path)


def test_kill_while_writing_leaves_a_whole_file(saved: Any) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_save_and_die, args=(saved, 20_000))
    process.start()
    deadline, writing = time.monotonic() + 60, False
    while not writing and time.monotonic() < deadline:
        writing = bool(list(saved.parent.glob(".fit.hierkit.*.part")))
        time.sleep(0.001)
    process.kill()
    assert writing
    process.join()
    assert hierkit.load(saved).draws["posterior"].sizes["draw"] in (50, 20_000)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a saved fit"),
        (b"team,wait\n1,2\n", "is not a saved fit"),
        (pickle.dumps({"a": 1}), "is not a saved fit"),
    ],
)
def test_foreign_files(content: Any, message: Any, tmp_path: Any) -> None:
    path = tmp_path / "x.hierkit"
    path.write_bytes(content)
    with pytest.raises(HierkitError, match=message):
        hierkit.load(path)


def test_foreign_zip(tmp_path: Any) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(HierkitError, match="is not a saved fit"):
        hierkit.load(path)


def test_missing_file(tmp_path: Any) -> None:
    with pytest.raises(HierkitError, match="There is no file"):
        hierkit.load(tmp_path / "none.hierkit")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_truncated_files(share: Any, saved: Any) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(HierkitError, match="is damaged: File is not a zip file"):
        hierkit.load(saved)


def test_flipped_byte(saved: Any) -> None:
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 0xFF
    saved.write_bytes(content)
    with pytest.raises(HierkitError, match="is damaged"):
        hierkit.load(saved)


def rewrite(path: Any, change: Any) -> None:
    """Write the archive again with its entries changed."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def edit_manifest(path: Any, change: Any) -> None:
    def edit(entries: Any) -> None:
        manifest = json.loads(entries[files.MANIFEST])
        change(manifest)
        entries[files.MANIFEST] = json.dumps(manifest)

    rewrite(path, edit)


def test_newer_format(saved: Any) -> None:
    edit_manifest(saved, lambda manifest: manifest.update(format=files.FORMAT + 1))
    with pytest.raises(HierkitError, match="written by a newer one"):
        hierkit.load(saved)


def test_scale_of_an_older_hierkit_is_refused(tmp_path: Any) -> None:
    """It divided by the sd with n; with n - 1 the same draws would be of another model."""
    path = synthetic_fit("y ~ scale(x) + (1 | g)", table()).save(tmp_path / "scaled.hierkit")
    assert hierkit.load(path).formula.text == "y ~ scale(x) + (1 | g)"
    edit_manifest(path, lambda manifest: manifest.update(format=3))
    with pytest.raises(HierkitError, match=r"scale\(\) of an older hierkit, which divided by the sd with n"):
        hierkit.load(path)


def test_a_fit_of_format_2_is_read_as_what_it_was() -> None:
    """Saved in November 2026: `sd(1|Subject)` is now called `sd(Intercept|Subject)`, and no number changes."""
    fit = hierkit.load(REFERENCE / "format_2.hierkit")
    components = fit.variance_components().table().set_index("component").estimate
    assert components.index.tolist() == [
        "sd(Intercept|Subject)",
        "sd(Days|Subject)",
        "cor(Intercept, Days|Subject)",
        "sigma",
    ]
    np.testing.assert_allclose(components, [21.714185, 5.655180, 0.198546, 26.207817], atol=1e-6)
    assert str(fit.priors["sd(Intercept|Subject)"]) == "Exponential(0.05)"
    assert fit.priors.from_user == {"sd(Intercept|Subject)"}
    assert fit.priors.holds["sd(Intercept|Subject)"] == "zero"


def test_permissions_are_those_of_any_file(saved: Any) -> None:
    other = saved.parent / "other"
    other.touch()
    assert saved.stat().st_mode == other.stat().st_mode
    saved.chmod(0o600)
    synthetic_fit("y ~ 1", table()).save(saved)
    assert saved.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(formula="y ~ z"),
        lambda m: m.update(formula=3),
        lambda m: m["draws"].update(groups=[]),
        lambda m: m.update(priors=m["priors"][1:]),
        lambda m: m["priors"].__setitem__(0, ["Intercept", "get_data", {"filename": "x"}, True]),
        lambda m: m["priors"].__setitem__(0, ["Intercept", "Normal", {"mu": 0, "sigma": -5}, True]),
        lambda m: m["rows"]["columns"].pop(),
    ],
)
def test_tampered_manifest(change: Any, saved: Any) -> None:
    edit_manifest(saved, change)
    with pytest.raises(HierkitError):
        hierkit.load(saved)


@pytest.mark.parametrize("key", ["formula", "rows", "priors", "draws"])
def test_missing_part(saved: Any, key: Any) -> None:
    edit_manifest(saved, lambda manifest: manifest.pop(key))
    with pytest.raises(HierkitError, match=f"is damaged: KeyError: '{key}'"):
        hierkit.load(saved)


def test_formula_passes_the_allowlist_again(saved: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    call = "pd.io.common.os.system('touch evil')"
    edit_manifest(saved, lambda manifest: manifest.update(formula=f"y ~ x + {call}"))
    with pytest.raises(HierkitError, match=r"calls pd.io.common.os.system\(\)"):
        hierkit.load(saved)
    assert not (tmp_path / "evil").exists()


def test_other_codecs_are_not_read(saved: Any) -> None:
    """A pickle codec would run code when decoded; it is refused by name before that."""

    def change(entries: Any) -> None:
        name = next(name for name in entries if name.startswith("a0/") and name.endswith("zarr.json"))
        array = json.loads(entries[name])
        array["codecs"] = [{"name": "numcodecs.pickle", "configuration": {}}]
        entries[name] = json.dumps(array)

    rewrite(saved, change)
    with pytest.raises(HierkitError, match=r"is damaged: .*codec"):
        hierkit.load(saved)


def test_trusted_formula_is_trusted_anew(tmp_path: Any) -> None:
    formula = parse("y ~ np.tanh(x)", trusted=True)
    design = make_design(formula, read_rows(table(), formula.columns))
    draws = synthetic_fit("y ~ x", table()).draws
    draws["posterior"] = synthetic_draws(design)
    path = hierkit.Fit(formula, design, make_priors(design), draws).save(tmp_path / "t.hierkit")
    with pytest.raises(HierkitError, match=r"calls np.tanh\(\)"):
        hierkit.load(path)
    assert hierkit.load(path, trusted_formula=True).formula.text == "y ~ np.tanh(x)"


def test_a_folder_that_does_not_exist(tmp_path: Any) -> None:
    with pytest.raises(HierkitError, match=r"There is no folder .* Make it first"):
        synthetic_fit("y ~ 1", table()).save(tmp_path / "nowhere" / "fit.hierkit")
