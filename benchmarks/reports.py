"""How large is a report, and how long does it take beyond sampling, in a process that has made one before?"""

import time
import warnings

import numpy as np
import pandas as pd

import hierkit


def many_groups(groups: int) -> pd.DataFrame:
    """Groups of 2 to 30 rows with slopes of their own."""
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(groups), rng.integers(2, 31, groups))
    x, u = rng.normal(size=len(g)), rng.normal(size=(groups, 2))
    return pd.DataFrame({"y": u[g, 0] + (1 + u[g, 1]) * x + rng.normal(size=len(g)), "x": x, "g": g})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    hierkit.fit("csat ~ wait + (wait | team)", hierkit.datasets.csat_slopes(), progressbar=False).report()
    for name, text, data, family in (
        ("18 groups", "csat ~ wait + (wait | team)", hierkit.datasets.csat_slopes(), "gaussian"),
        ("16 groups, Bernoulli", "churn ~ wait + (1 | market)", hierkit.datasets.churn(), "bernoulli"),
        ("3,000 groups", "y ~ x + (x | g)", many_groups(3_000), "gaussian"),
    ):
        fit = hierkit.fit(text, data, family=family, random_seed=1, progressbar=False)
        fit.checks()
        start = time.perf_counter()
        page = fit.report().html
        print(f"{name}: {len(page.encode()) / 1e6:.2f} MB in {time.perf_counter() - start:.1f} s")
