"""What do predictions for many rows, and scores of what is left out, cost?"""

import resource
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd

import hierkit

ROWS = 1_000_000


def predictions() -> None:
    """Means of a million rows over 4,000 draws, summarised; the peak is that of a process that does nothing else."""
    data = hierkit.datasets.csat_slopes()
    fit = hierkit.fit("csat ~ wait + (wait | team)", data, random_seed=1, progressbar=False)
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"wait": rng.uniform(0, 30, ROWS), "team": rng.choice(data["team"].unique(), ROWS)})
    start = time.perf_counter()
    table = fit.predict(rows).table()
    seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"mean of {len(table):,} rows x 4,000 draws, summarised: {seconds:.0f} s, peak memory {peak:.2f} GB")


def validation() -> None:
    """Rows and groups left out of the small models."""
    for text, data, family in (
        ("csat ~ wait + (wait | team)", hierkit.datasets.csat_slopes(), "gaussian"),
        ("churn ~ wait + (1 | market)", hierkit.datasets.churn(), "bernoulli"),
        ("churn ~ wait + (wait | market)", hierkit.datasets.churn(), "bernoulli"),
    ):
        fit = hierkit.fit(text, data, family=family, random_seed=1, progressbar=False)
        for name, score in (("loo", fit.loo), ("logo", fit.logo)):
            start = time.perf_counter()
            found = score()
            seconds = time.perf_counter() - start
            print(f"{text}: {name} of {found.draws.sizes['row' if name == 'loo' else 'group']:,} in {seconds:.2f} s")


if __name__ == "__main__":
    if "--alone" in sys.argv:
        predictions()
    else:
        subprocess.run([sys.executable, __file__, "--alone"], check=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", hierkit.HierkitWarning)
            validation()
