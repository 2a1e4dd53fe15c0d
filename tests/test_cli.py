"""The command line as it is called: results on stdout, the rest on stderr, and an exit status that means something."""

import os
import shlex
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from synthetic import synthetic_fit, table

import hierkit


def run(*arguments: Any, cwd: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from hierkit.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def folder(tmp_path: Any) -> Any:
    table().to_csv(tmp_path / "data.csv", index=False)
    table().to_parquet(tmp_path / "data.parquet")
    return tmp_path


@pytest.mark.slow
def test_fit_report_save_and_report_again(folder: Any) -> None:
    result = run(
        "fit", "data.csv", "y ~ x + (x | g)", "--seed", 1, "--report", "r.html", "--save", "f.hierkit",
        "--prior", "x=Normal(0, 1)", cwd=folder,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Model and data\n")
    assert "draws/s" not in result.stdout
    assert "<h1>" in (folder / "r.html").read_text()
    fit = hierkit.load(folder / "f.hierkit")
    assert str(fit.priors["x"]) == "Normal(0, 1)"
    again = run("report", "f.hierkit", "-o", "again.html", cwd=folder)
    assert again.stdout == "again.html\n"
    assert (folder / "again.html").read_text() == (folder / "r.html").read_text()


@pytest.mark.slow
def test_strict_exit_status_of_a_run_that_did_not_converge(folder: Any) -> None:
    options = ("--draws", 20, "--tune", 20, "--chains", 2, "--seed", 1)
    strict = run("fit", "data.parquet", "y ~ x + (x | g)", *options, "--strict", cwd=folder)
    assert strict.returncode == 3
    assert "cannot be trusted yet" in strict.stdout
    assert "hierkit: The draws cannot be trusted yet." in strict.stderr
    assert "Traceback" not in strict.stderr


def test_check_samples_nothing(folder: Any) -> None:
    result = run("check", "data.csv", "y ~ x + (x | g/s)", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "60 of 60 rows used" in result.stdout
    assert "g: 6 groups (0, 10, 20, 30, 40, 50); effects Intercept, x" in result.stdout
    assert "g:s: 18 groups ('0:E', '0:N', " in result.stdout
    assert "sd(x|g:s)" in result.stdout
    assert "few groups: With 6 groups the data say little about how much groups of g differ." in result.stdout


@pytest.mark.slow
def test_interrupt(folder: Any) -> None:
    code = "from hierkit.cli import main; main()"
    arguments = ["fit", "data.csv", "y ~ x + (x | g)", "--draws", "3000000"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "hierkit: Sampling was interrupted. No draws were kept." in err
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("fit", "data.csv", "y ~ x", "--report", "none/r.html"), 1, "There is no folder 'none'"),
        (("fit", "data.csv", "y ~ x", "--save", "none/f.hierkit"), 1, "There is no folder 'none'"),
        (("report", "f.hierkit", "-o", "none/r.html"), 1, "There is no folder 'none'"),
        (("check", "data.csv", "y ~ wait"), 1, "hierkit: data has no column 'wait'"),
        (("check", "none.csv", "y ~ x"), 1, "There is no file 'none.csv'"),
        (("fit", "*.csv", "y ~ x", "--save", "data.csv"), 1, "'data.csv' is a file of the table"),
        (("check", "data.txt", "y ~ x"), 1, "A table is in files that end in .csv, .tsv or .parquet"),
        (("check", "data.csv", "y ~ eval('1')"), 1, "calls eval()"),
        (("fit", "data.csv", "y ~ x", "--prior", "x"), 1, "It is NAME=DIST"),
        (("report", "data.csv"), 1, "is not a saved fit"),
        (("fit", "data.csv"), 2, "Missing argument"),
        (("fly",), 2, "No such command"),
        (("check", "data.csv", "y ~ x", "--draws", "1"), 2, "No such option"),
    ],
)
def test_failures(arguments: Any, status: Any, message: Any, folder: Any) -> None:
    result = run(*arguments, cwd=folder)
    assert result.returncode == status
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_report_of_a_saved_fit(folder: Any) -> None:
    synthetic_fit("y ~ x + (x | g)", table()).save(folder / "f.hierkit")
    result = run("report", "f.hierkit", "--title", "Teams", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "<h1>Teams</h1>" in (folder / "report.html").read_text()


def test_help_loads_nothing_heavy() -> None:
    code = """
import sys
from hierkit.cli import main
sys.argv = ["hierkit", "--help"]
try:
    main()
except SystemExit:
    print([name for name in ("pandas", "bambi", "pymc", "arviz_stats") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.rstrip().endswith("[]")
    assert "check" in result.stdout


def test_evil_names_are_printed_and_nothing_else_happens(tmp_path: Any) -> None:
    evil = "<b>$(touch pwned)</b> \"'\u202e" + "x" * 300
    table().rename(columns={"x": evil, "g": "`;rm"}).assign(g=evil).to_csv(tmp_path / "data.csv", index=False)
    result = run("check", "data.csv", f"y ~ `{evil}` + (1 | s)", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert evil.replace("\u202e", "�") in result.stdout  # which would turn the line round
    assert not (tmp_path / "pwned").exists()


@pytest.mark.slow
def test_what_is_asked_for_is_written_though_nobody_reads_the_summary(folder: Any) -> None:
    """A closed pipe, a full disk and a console without Greek letters cost no fit."""
    ask = [sys.executable, "-c", "from hierkit.cli import main; main()", "fit", "data.csv", "y ~ x", "--draws", "50"]
    latin = os.environ | {"PYTHONIOENCODING": "cp1252"}
    with open("/dev/full", "w") as full:
        subprocess.run([*ask, "--save", "a.hierkit"], cwd=folder, check=False, stdout=full)
    subprocess.run([*ask, "--save", "b.hierkit"], cwd=folder, check=True, env=latin, capture_output=True)
    subprocess.run(["bash", "-c", f"{shlex.join([*ask, '--save', 'c.hierkit'])} 2>&-"], cwd=folder, check=True)
    for name in ("a", "b", "c"):
        assert hierkit.load(folder / f"{name}.hierkit").draws.attrs["draws"] == 50
