"""Effective draws per second on the seeded sets, against Bambi with PyMC's and with nutpie's NUTS, in one run.

Bambi leaves the correlation of intercept and slope out, so that its model of csat_slopes is the easier one. Times
are compile and sampling in a warm process, without imports; medians of repeated runs. The effective sample size is the
smallest over all parameters and group effects.
"""

import logging
import statistics
import time
import warnings
from collections.abc import Callable

import arviz_stats
import bambi
import numpy as np
import xarray as xr

import hierkit

REPEATS = 3
MODELS = [
    ("csat ~ wait + (1 | team)", "csat", "gaussian", "marginal"),
    ("csat ~ wait + (wait | team)", "csat_slopes", "gaussian", "marginal"),
    ("churn ~ wait + (1 | market)", "churn", "bernoulli", "joint"),
]


def smallest(posterior: xr.Dataset, function: Callable[[xr.Dataset], xr.Dataset]) -> np.ndarray:
    free = posterior.drop_vars([name for name in posterior if str(name).endswith("_corr")])
    return np.concatenate([np.ravel(values) for values in function(free).values()])


def measure(name: str, sample: Callable[[int], xr.DataTree]) -> float:
    """Print and return the median of effective draws per second."""
    sample(0)
    rates, seconds, rhats = [], [], []
    for seed in range(1, REPEATS + 1):
        start = time.perf_counter()
        draws = sample(seed)
        seconds.append(time.perf_counter() - start)
        posterior = draws["posterior"].to_dataset()
        rates.append(smallest(posterior, arviz_stats.ess).min() / seconds[-1])
        rhats.append(smallest(posterior, arviz_stats.rhat).max())
    rate = statistics.median(rates)
    print(f"  {name:<16}{statistics.median(seconds):6.2f} s {rate:8.0f} ESS/s   R-hat {max(rhats):.3f}")
    return rate


def with_bambi(formula: str, name: str, family: str, sampler: str) -> Callable[[int], xr.DataTree]:
    def sample(seed: int) -> xr.DataTree:
        model = bambi.Model(formula, getattr(hierkit.datasets, name)(), family=family)
        return model.fit(inference_method=sampler, chains=4, random_seed=seed, progressbar=False)

    return sample


def with_hierkit(formula: str, name: str, family: str, engine: str) -> Callable[[int], xr.DataTree]:
    data = getattr(hierkit.datasets, name)()
    options = {"family": family, "engine": engine, "progressbar": False}
    return lambda seed: hierkit.fit(formula, data, random_seed=seed, **options).draws


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    for formula, name, family, fast in MODELS:
        print(f"{name}: {formula}")
        theirs = max(measure(f"Bambi, {s}", with_bambi(formula, name, family, s)) for s in ("pymc", "nutpie"))
        for engine in ("pymc", fast):
            rate = measure(f"hierkit, {engine}", with_hierkit(formula, name, family, engine))
            print(f"    {rate / theirs:.0f} x the better of Bambi's")
