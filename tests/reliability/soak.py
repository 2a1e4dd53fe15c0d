"""Three hundred fits of mixed kinds with reports in one process: memory, threads, files and figures stay as they are.

`python tests/reliability/soak.py` prints what there is after every fifty fits. The memory of the last hundred fits is
within 3 % of that of the hundred before them, and nothing else grows.
"""

import gc
import os
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from synthetic import table

import hierkit
from hierkit.errors import SamplingWarning

QUICK: dict[str, Any] = {"draws": 200, "progressbar": False}
KINDS: list[dict[str, Any]] = [
    {"formula": "y ~ x + (x | g)"},
    {"formula": "y ~ h * x + (1 | g) + (1 | s)"},
    {"formula": "y ~ x", "effects": "normal"},
    {"formula": "won ~ x + (1 | g)", "family": "bernoulli"},
    {"formula": "p(hits, tries) ~ x + (x | s)", "family": "bernoulli"},
    {"formula": "y ~ x + (1 | g)", "weights": "z"},
    {"formula": "y ~ x + (1 | g)", "effects": "student_t"},
]


class Held(NamedTuple):
    """What a process has."""

    memory: float  # MB
    threads: int
    files: int
    children: int
    figures: int
    folders: int


def held() -> Held:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return Held(
        pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        threading.active_count(),
        len(os.listdir("/proc/self/fd")),
        len(children),
        len(plt.get_fignums()),
        len(os.listdir(tempfile.gettempdir())),
    )


def one_fit(place: int) -> None:
    """A fit of one of the kinds, its report, and now and then a saved file that is read again."""
    rows = table(60 + place % 7 * 20, seed=place)
    options = KINDS[place % len(KINDS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        fit = hierkit.fit(data=rows, random_seed=place, **QUICK, **options)
    assert len(fit.report().html) > 10_000
    if place % 10 == 0:
        with tempfile.TemporaryDirectory() as folder:
            hierkit.load(fit.save(Path(folder) / "fit.hierkit"))


def soak(count: int, every: int) -> list[Held]:
    """What there is after each `every` fits."""
    found = []
    for place in range(1, count + 1):
        one_fit(place)
        if place % every == 0:
            found.append(held())
    return found


def growth(found: list[Held]) -> float:
    """The share by which memory grew from the second third of the measurements to the last."""
    memory = np.array([one.memory for one in found])
    third = len(found) // 3
    return float(memory[-third:].mean() / memory[-2 * third : -third].mean() - 1)


def main(count: int = 300, every: int = 10) -> None:
    """The whole soak, and its figures."""
    found = soak(count, every)
    for place, one in enumerate(found, 1):
        if place * every % 50 == 0:
            print(place * every, one, flush=True)
    first, last = found[len(found) // 3], found[-1]
    print(f"memory of the last third {growth(found):+.1%}")
    assert abs(growth(found)) < 0.03
    assert last[1:] <= first[1:] or all(a <= b for a, b in zip(last[1:], first[1:], strict=True))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
