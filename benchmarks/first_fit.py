"""How long does a process take that fits one small model, what does `hierkit fit` take, and the very first compilation?

Kernels are compiled before, as they are after the first use on a machine, but for the last figure: what the first fit
of a machine takes longer than the second.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import hierkit

REPEATS = 3
BARE = "import numpy, pandas, scipy.stats, xarray, numba"
ONE_FIT = """
import hierkit
data = hierkit.datasets.{name}()
hierkit.fit("{formula}", data, family="{family}", random_seed=1, progressbar=False)
"""
TWO_FITS = """
import time
start = time.perf_counter()
import hierkit.fitting, hierkit.sampling.joint.engine, hierkit.sampling.marginal.engine
print(time.perf_counter() - start)
data = hierkit.datasets.{name}()
for _ in range(2):
    start = time.perf_counter()
    hierkit.fit("{formula}", data, family="{family}", random_seed=1, progressbar=False)
    print(time.perf_counter() - start)
"""
MODELS = [
    ("csat_slopes", "csat ~ wait + (wait | team)", "gaussian"),
    ("churn", "churn ~ wait + (1 | market)", "bernoulli"),
]


def two_fits(name: str, formula: str, family: str) -> tuple[float, ...]:
    """Seconds of the imports, the first and the second fit in a fresh process."""
    code = TWO_FITS.format(name=name, formula=formula, family=family)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return tuple(map(float, out.split()))


def process(*arguments: str | Path, **environment: str) -> float:
    """Seconds of a process."""
    start = time.perf_counter()
    subprocess.run(arguments, capture_output=True, check=True, env=os.environ | environment)
    return time.perf_counter() - start


def command(path: Path, formula: str, family: str, *report: str | Path) -> float:
    """Seconds of the whole command line."""
    program = Path(sys.executable).with_name("hierkit")
    return process(program, "fit", path, formula, "--family", family, "--seed", "1", *report)


def compilation(code: str) -> float:
    """Seconds that a process takes longer where nothing was compiled before."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = (process(sys.executable, "-c", code, NUMBA_CACHE_DIR=folder) for _ in range(2))
    return first - second


def median(seconds: Callable[[], float]) -> float:
    return statistics.median(seconds() for _ in range(REPEATS))


if __name__ == "__main__":
    bare = median(lambda: process(sys.executable, "-c", BARE))
    with tempfile.TemporaryDirectory() as folder:
        for name, formula, family in MODELS:
            path = Path(folder) / f"{name}.csv"
            getattr(hierkit.datasets, name)().to_csv(path, index=False)
            report = ("--report", path.with_suffix(".html"))
            code = ONE_FIT.format(name=name, formula=formula, family=family)
            command(path, formula, family, *report)
            fits = [two_fits(name, formula, family) for _ in range(REPEATS)]
            imports, first, second = (statistics.median(seconds) for seconds in zip(*fits, strict=True))
            one = median(partial(process, sys.executable, "-c", code))
            summary = median(partial(command, path, formula, family))
            whole = median(partial(command, path, formula, family, *report))
            print(
                f"{name}: imports {imports:.1f} s, first fit {first:.2f} s, second {second:.2f} s; a process with one"
                f" fit {one:.1f} s, {one / bare:.1f} times the bare imports ({bare:.2f} s); `hierkit fit` with a"
                f" summary {summary:.1f} s, with a report {whole:.1f} s; compiling {compilation(code):.0f} s",
                flush=True,
            )
