"""How long does a process take that fits one small model: the first fit beside a second one, and all of `hierkit fit`?

Kernels are compiled before, as they are after the first use on a machine.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hierkit

REPEATS = 3
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


def command(path: Path, formula: str, family: str) -> float:
    """Seconds of the whole command line, report included."""
    program, report = Path(sys.executable).with_name("hierkit"), path.with_suffix(".html")
    start = time.perf_counter()
    arguments = ["fit", path, formula, "--family", family, "--seed", "1", "--report", report]
    subprocess.run([program, *arguments], capture_output=True, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, formula, family in MODELS:
            path = Path(folder) / f"{name}.csv"
            getattr(hierkit.datasets, name)().to_csv(path, index=False)
            command(path, formula, family)
            fits = [two_fits(name, formula, family) for _ in range(REPEATS)]
            imports, first, second = (statistics.median(seconds) for seconds in zip(*fits, strict=True))
            whole = statistics.median(command(path, formula, family) for _ in range(REPEATS))
            print(
                f"{name}: imports {imports:.1f} s, first fit {first:.2f} s, second {second:.2f} s;"
                f" all of `hierkit fit` {whole:.1f} s",
                flush=True,
            )
