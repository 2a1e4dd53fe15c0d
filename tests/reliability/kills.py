"""Processes that are killed at random moments: no file is left half-written, none is lost, and nothing goes on running.

`python tests/reliability/kills.py 200` kills so many and prints a line for each task. A killed process leaves what it
replaces as it was or new, never half; hidden files that end in `.part` may be left, and nothing else. A tenth more are
killed while they compile, into a folder of compiled code of their own.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from synthetic import synthetic_fit, table

import hierkit

TASKS = {
    "save": "while True: fit.save('target.hierkit')",
    "report": "page = fit.report()\nwhile True: page.save('target.html')",
    "predictions": "while True: fit.write_predictions('target.parquet', data)",
    "fit and save": "while True: hierkit.fit('y ~ x + (x | g)', data, **quick).save('target.hierkit')",
    "many fits": "while True: hierkit.fit_many('y ~ x + (1 | g)', data, by='h', **quick)",
}
BEGINNING = """
import hierkit
from synthetic import synthetic_fit, table
from hierkit.errors import SamplingWarning
import warnings
warnings.simplefilter("ignore", SamplingWarning)
data = table(300)
quick = {"draws": 50, "progressbar": False, "random_seed": 1}
fit = synthetic_fit("y ~ x + (x | g)", data, draws=500)
print("ready", flush=True)
"""
COMPILING = """
import hierkit, warnings
warnings.simplefilter("ignore")
data = hierkit.datasets.sleepstudy()
for options in ({}, {"engine": "joint"}, {"effects": "student_t"}):
    fit = hierkit.fit(
        "Reaction ~ Days + (Days | Subject)", data, draws=50, chains=2, random_seed=1, progressbar=False, **options
    )
    print(fit.draws["posterior"]["Days"].values.tolist())
"""
LONGEST = 1.5  # seconds until a kill
LONGEST_COMPILING = 20.0
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def check_page(path: Path) -> None:
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")


def check_fit(path: Path) -> None:
    hierkit.load(path)


def check_predictions(path: Path) -> None:
    assert len(pd.read_parquet(path)) == 300


CHECKS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "save": ("target.hierkit", check_fit),
    "report": ("target.html", check_page),
    "predictions": ("target.parquet", check_predictions),
    "fit and save": ("target.hierkit", check_fit),
}


def prepared(folder: Path) -> None:
    """The folder with an older file of each kind."""
    fit = synthetic_fit("y ~ x + (x | g)", table(300))
    fit.save(folder / "target.hierkit")
    fit.report().save(folder / "target.html")
    fit.write_predictions(folder / "target.parquet", table(300))


def killed_once(task: str, folder: Path, rng: random.Random) -> None:
    """Start a process, kill it, and look at what is left."""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(hierkit.__file__).parents[1])])
    environment = os.environ | {"PYTHONPATH": paths}
    code = BEGINNING + TASKS[task]
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0, LONGEST))
        process.send_signal(rng.choice(SIGNALS))
        process.wait(20)
    wait_for_the_group_to_end(process.pid)
    if task in CHECKS:
        name, check = CHECKS[task]
        check(folder / name)
    targets = {name for name, _ in CHECKS.values()}
    left = {path for path in folder.iterdir() if path.name not in targets}
    assert all(path.name.startswith(".") and path.name.endswith(".part") for path in left), left
    for path in left:
        path.unlink()


def wait_for_the_group_to_end(group: int, seconds: float = 20.0) -> None:
    """All processes that the killed one started end by themselves."""
    end = time.monotonic() + seconds
    while running := members(group):
        if time.monotonic() > end:
            os.killpg(group, signal.SIGKILL)
            raise AssertionError(f"{len(running)} processes go on after the one that started them was killed")
        time.sleep(0.1)


def members(group: int) -> list[str]:
    """The processes of a group that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, own = path.read_text().rpartition(")")[2].split()[:3]
            if int(own) == group and state != "Z":
                found.append(path.parent.name)
    return found


def killed_while_compiling(count: int, folder: Path, rng: random.Random) -> None:
    """Kill processes that compile into one new folder; what the last one compiles and finds there draws the same."""
    command = [sys.executable, "-c", COMPILING]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    expected = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for _ in range(count):
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            time.sleep(rng.uniform(1, LONGEST_COMPILING))
            process.kill()
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert found.stdout == expected
    assert found.stderr == ""


def main(count: int = 200, say: Callable[[Any], None] = print) -> None:
    """So many kills, spread over the tasks."""
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared(folder)
        for task in TASKS:
            for _ in range(-(-count // len(TASKS))):
                killed_once(task, folder, rng)
            say(f"{task}: {-(-count // len(TASKS))} kills, every file whole, no process left")
    with tempfile.TemporaryDirectory() as name:
        killed_while_compiling(count // 10, Path(name), rng)
        say(f"compiling: {count // 10} kills, the same draws afterwards")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
