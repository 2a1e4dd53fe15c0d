"""How many effective draws per second, beside Bambi and rstanarm in the same run?

Bambi's models are sampled by PyMC's NUTS, and by nutpie's with its diagonal and its low-rank adaptation. rstanarm's are
sampled by Stan, where R has it.

Bambi leaves the correlation of intercept and slope out, so that its models with slopes are the easier ones. Times are
building, compiling and sampling in a warm process, without imports and checks; medians of three runs. The effective
sample size is the smallest over all parameters and group effects.
"""

import logging
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr
from measuring import in_seconds, lme4_seconds, rate, with_bambi, with_rstanarm

import hierkit


def logistic_slopes(groups: int, size: int) -> pd.DataFrame:
    """Binary rows in groups whose levels and slopes vary together."""
    rng = np.random.default_rng(3)
    g, x = np.repeat(np.arange(groups), size), rng.uniform(-1, 1, groups * size)
    u = rng.multivariate_normal([0, 0], [[1.2, 0.3], [0.3, 0.5]], groups)
    eta = -0.5 + 1.5 * x + u[g, 0] + u[g, 1] * x
    return pd.DataFrame({"y": rng.binomial(1, 1 / (1 + np.exp(-eta))), "x": x, "g": g})


MODELS = [
    ("csat", "csat ~ wait + (1 | team)", hierkit.datasets.csat(), "gaussian"),
    ("csat_slopes", "csat ~ wait + (wait | team)", hierkit.datasets.csat_slopes(), "gaussian"),
    ("churn", "churn ~ wait + (1 | market)", hierkit.datasets.churn(), "bernoulli"),
    ("logistic slopes, 50 x 80", "y ~ x + (x | g)", logistic_slopes(50, 80), "bernoulli"),
    ("logistic slopes, 300 x 6", "y ~ x + (x | g)", logistic_slopes(300, 6), "bernoulli"),
]


def with_hierkit(formula: str, data: pd.DataFrame, family: str, engine: str) -> Callable[[int], xr.DataTree]:
    options = {"family": family, "engine": engine, "progressbar": False}
    return lambda seed: hierkit.fit(formula, data, random_seed=seed, **options).draws


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    for name, formula, data, family in MODELS:
        print(f"{name}: {formula}   lme4: {in_seconds(lme4_seconds(formula, data, family))}")
        others = {
            "Bambi, pymc": with_bambi(formula, data, family, "pymc"),
            "Bambi, nutpie": with_bambi(formula, data, family, "nutpie"),
            "Bambi, low rank": with_bambi(formula, data, family, "nutpie", nuts={"adaptation": "low_rank"}),
            "rstanarm": with_rstanarm(formula, data, family),
        }
        theirs = max(rate(name, sample) for name, sample in others.items() if sample is not None)
        for engine in ("pymc", "auto"):
            ours = rate(f"hierkit, {engine}", with_hierkit(formula, data, family, engine))
            print(f"    {ours / theirs:.0f} x the best of the others", flush=True)
