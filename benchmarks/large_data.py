"""What does a Gaussian model with varying slopes cost as rows and groups grow, beside lme4's point estimate?

Seconds of `hierkit.fit`, all of it, and the peak memory of the process so far. The last model has 100,000 groups: of
its 200,000 effects one draw in four is kept.
"""

import resource
import time
import warnings

import numpy as np
import pandas as pd
from measuring import in_seconds, largest_rhat, lme4_seconds, smallest_ess

import hierkit

FORMULA = "y ~ x + (x | g)"
SIZES = [(10_000, 1_000), (100_000, 1_000), (1_000_000, 1_000), (1_000_000, 100_000)]


def table(rows: int, groups: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    g, x = rng.integers(0, groups, rows), rng.normal(size=rows)
    u = rng.multivariate_normal([0, 0], [[1, -0.2], [-0.2, 0.25]], groups)
    return pd.DataFrame({"y": 2 + 0.5 * x + u[g, 0] + u[g, 1] * x + rng.normal(0, 2, rows), "x": x, "g": g})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    hierkit.fit(FORMULA, table(1_000, 20), random_seed=1, progressbar=False)
    for rows, groups in SIZES:
        data = table(rows, groups)
        start = time.perf_counter()
        fit = hierkit.fit(FORMULA, data, random_seed=1, progressbar=False)
        seconds = time.perf_counter() - start
        posterior = fit.draws["posterior"].to_dataset()
        print(
            f"{rows:,} rows, {groups:,} groups: {seconds:.1f} s, of which sampling"
            f" {fit.draws.attrs['sampling_seconds']:.1f} s; ESS {smallest_ess(posterior):.0f},"
            f" R-hat {largest_rhat(posterior):.3f},"
            f" peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB;"
            f" lme4 {in_seconds(lme4_seconds(FORMULA, data) if groups < 10_000 else None)}",
            flush=True,
        )
