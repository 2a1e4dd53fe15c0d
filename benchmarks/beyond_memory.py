"""More rows than are kept: a fit from Parquet beside one bare pass over its columns by DuckDB, and the memory it takes.

Each fit runs in a process of its own, whose peak memory is that of Python, libraries and draws together.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

CHUNK = 2**20
CASES = [
    (20_000_000, 10_000, 1),
    (100_000_000, 10_000, 1),
    (100_000_000, 100, 1),
    (100_000_000, 100_000, 1),
    (100_000_000, 1_000_000, 1),
    (20_000_000, 10_000, 4),
    (20_000_000, 10_000, 8),
]


def write(path: Path, rows: int, groups: int, predictors: int) -> None:
    """A table in which groups differ in their level and in the slope of the first predictor."""
    rng = np.random.default_rng(0)
    level, slope = rng.normal(0, 1, groups), rng.normal(0.5, 0.3, groups)
    names = [f"x{i}" for i in range(predictors)]
    schema = pa.schema([("y", pa.float64()), *((name, pa.float64()) for name in names), ("g", pa.int64())])
    with parquet.ParquetWriter(path, schema) as file:
        for start in range(0, rows, CHUNK):
            n = min(CHUNK, rows - start)
            g, X = rng.integers(0, groups, n), rng.normal(3, 2, (n, predictors))
            y = 10 + level[g] + slope[g] * X[:, 0] + 0.1 * X.sum(axis=1) + rng.normal(0, 2, n)
            columns = {"y": y, **dict(zip(names, X.T, strict=True)), "g": g}
            file.write_table(pa.table({name: np.ascontiguousarray(values) for name, values in columns.items()}))


def bare_pass(path: str, predictors: int) -> float:
    """Seconds in which DuckDB adds up every column."""
    import duckdb

    start = time.perf_counter()
    sums = ", ".join(f"sum({name})" for name in ["y", "g", *(f"x{i}" for i in range(predictors))])
    duckdb.sql(f"select {sums} from '{path}'").fetchall()
    return time.perf_counter() - start


def fit(path: str, predictors: int) -> dict[str, float]:
    """Seconds of a fit, imports included, and the peak memory of this process in GB."""
    start = time.perf_counter()
    import hierkit

    warnings.simplefilter("ignore")
    formula = f"y ~ {' + '.join(f'x{i}' for i in range(predictors))} + (x0 | g)"
    found = hierkit.fit(formula, path, random_seed=1, progressbar=False)
    seconds = time.perf_counter() - start
    sampling = float(found.draws.attrs["sampling_seconds"])
    return {"fit": seconds, "sampling": sampling, "GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def in_a_process(function: str, path: Path, predictors: int) -> dict[str, float]:
    """What this script prints about one file."""
    command = [sys.executable, __file__, function, str(path), str(predictors)]
    answer: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return answer


if __name__ == "__main__" and len(sys.argv) > 1:
    measure, file, columns = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(json.dumps({"pass": bare_pass(file, columns)} if measure == "pass" else fit(file, columns)))
elif __name__ == "__main__":
    print("rows, groups, predictors: DuckDB's pass, fit, of which sampling; peak memory")
    for rows, groups, predictors in CASES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            write(path, rows, groups, predictors)
            found = in_a_process("pass", path, predictors) | in_a_process("fit", path, predictors)
        times = f"{found['pass']:.1f} s, {found['fit']:.1f} s, {found['sampling']:.1f} s; {found['GB']:.2f} GB"
        print(f"{rows:>11,} {groups:>8,} {predictors:>2}: {times}", flush=True)
