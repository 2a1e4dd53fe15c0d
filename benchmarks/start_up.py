"""How long until something happens: import, and a formula with many nested cells parsed.

Prints medians of repeated runs, and the peak memory that the parse allocates.
"""

import statistics
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pandas as pd

from hierkit.model.design import make_design
from hierkit.model.formula import parse
from hierkit.model.rows import read_rows

REPEATS = 5


def import_seconds() -> float:
    """Of `import hierkit` in a fresh process, as -X importtime counts it."""
    command = [sys.executable, "-X", "importtime", "-c", "import hierkit"]
    last = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()[-1]
    return int(last.split("|")[1]) / 1e6


def nested_classes(rows: int = 4_000, schools: int = 50, classes: int = 1_755) -> pd.DataFrame:
    """Rows in classes in schools; every class is in one school."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, rows)
    return pd.DataFrame({"y": rng.normal(size=rows), "school": labels % schools, "class": labels})


def parse_seconds(data: pd.DataFrame) -> float:
    """From text and table to a design."""
    start = time.perf_counter()
    formula = parse("y ~ 1 + (1 | school/class)")
    make_design(formula, read_rows(data, formula.columns))
    return time.perf_counter() - start


if __name__ == "__main__":
    print(f"import hierkit: {statistics.median(import_seconds() for _ in range(REPEATS)) * 1e3:.1f} ms")
    data = nested_classes()
    print(
        f"(1 | school/class), 4,000 rows: {statistics.median(parse_seconds(data) for _ in range(REPEATS)) * 1e3:.0f} ms"
    )
    tracemalloc.start()
    parse_seconds(data)
    print(f"  peak memory: {tracemalloc.get_traced_memory()[1] / 1e6:.1f} MB")
