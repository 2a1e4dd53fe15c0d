"""A thousand small models: `hierkit.fit_many` against a loop over Bambi, and two cores against one.

Each model has 96 rows in 8 groups, with slopes. Bambi's loop is timed on a few of them, with its defaults.
"""

import logging
import os
import time
import warnings
from unittest import mock

import bambi
import numpy as np
import pandas as pd

import hierkit

MODELS = 1_000
IN_ONE_PROCESS = 100
BY_BAMBI = 20
FORMULA = "y ~ x + (x | g)"


def store(place: int) -> pd.DataFrame:
    """The rows of one model."""
    rng = np.random.default_rng(place)
    g, x = np.repeat(np.arange(8), 12), rng.normal(size=96)
    y = 1 + x + rng.normal(0, 1, 8)[g] + rng.normal(0, 0.5, 8)[g] * x + rng.normal(size=96)
    return pd.DataFrame({"y": y, "x": x, "g": g, "store": place})


def fit_all(data: pd.DataFrame) -> float:
    """Seconds of `fit_many`, the start of its processes included."""
    start = time.perf_counter()
    hierkit.fit_many(FORMULA, data, by="store", random_seed=1, progressbar=False)
    return time.perf_counter() - start


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    stores = [store(place) for place in range(MODELS)]
    some = pd.concat(stores[:IN_ONE_PROCESS])
    with mock.patch("hierkit.tasks.usable_cores", return_value=1):
        fit_all(pd.concat(stores[:3]))
        alone = fit_all(some) / IN_ONE_PROCESS
    print(f"one process: {alone:.3f} s a model", flush=True)
    seconds = fit_all(pd.concat(stores))
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} processes, {MODELS:,} models: {seconds:.1f} s, {seconds / MODELS:.3f} s a model", flush=True)
    print(f"  {seconds / MODELS / (alone / cores):.2f} x what perfect scaling would take", flush=True)
    start = time.perf_counter()
    for own in stores[:BY_BAMBI]:
        bambi.Model(FORMULA, own).fit(random_seed=1, progressbar=False)
    theirs = (time.perf_counter() - start) / BY_BAMBI
    print(f"a loop over Bambi: {theirs:.2f} s a model, {theirs / (seconds / MODELS):.0f} x as long")
