"""What the benchmarks share: the worst of a posterior, medians, and lme4 where R has it."""

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import arviz_stats
import bambi
import numpy as np
import pandas as pd
import xarray as xr

MOST_QUANTITIES = 2_000  # of a variable with more, every so many


def smallest_ess(posterior: xr.Dataset) -> float:
    """The smallest effective sample size of all parameters and group effects."""
    return float(_each(posterior, arviz_stats.ess).min())


def largest_rhat(posterior: xr.Dataset) -> float:
    return float(_each(posterior, arviz_stats.rhat).max())


def _each(posterior: xr.Dataset, function: Callable[[xr.Dataset], xr.Dataset]) -> np.ndarray:
    free = posterior.drop_vars([name for name in posterior if str(name).endswith("_corr")])
    for dim, size in free.sizes.items():
        if dim not in ("chain", "draw") and size > MOST_QUANTITIES:
            free = free.isel({dim: slice(None, None, size // MOST_QUANTITIES)})
    return np.concatenate([np.ravel(values) for values in function(free).values()])


def rate(name: str, sample: Callable[[int], xr.DataTree], repeats: int = 3) -> float:
    """Print and return the median of effective draws per second, after one run that is not counted.

    hierkit says itself how long sampling took, pilot and compilation included and its checks, which Bambi does not
    make, not.
    """
    sample(0)
    rates, seconds, rhats, divergences = [], [], [], 0
    for seed in range(1, repeats + 1):
        start = time.perf_counter()
        draws = sample(seed)
        whole = time.perf_counter() - start
        seconds.append(draws.attrs.get("sampling_seconds", whole))
        posterior = draws["posterior"].to_dataset()
        rates.append(smallest_ess(posterior) / seconds[-1])
        rhats.append(largest_rhat(posterior))
        divergences += int(draws["sample_stats"]["diverging"].sum())
    median = statistics.median(rates)
    print(
        f"  {name:<18}{statistics.median(seconds):7.2f} s {median:9.0f} ESS/s   R-hat {max(rhats):.3f}"
        f"   {divergences} divergences",
        flush=True,
    )
    return median


def with_bambi(
    formula: str, data: pd.DataFrame, family: str, sampler: str, **options: object
) -> Callable[[int], xr.DataTree]:
    """A function that builds and samples Bambi's model."""

    def sample(seed: int) -> xr.DataTree:
        model = bambi.Model(formula, data, family=family)
        return model.fit(inference_method=sampler, chains=4, random_seed=seed, progressbar=False, **options)

    return sample


def with_rstanarm(formula: str, data: pd.DataFrame, family: str) -> Callable[[int], xr.DataTree] | None:
    """A function that samples rstanarm's model, whose Stan code is compiled already; None where R has it not.

    Its seconds are those of `stan_glmer`, without starting R.
    """
    if not in_r('stopifnot(requireNamespace("rstanarm", quietly = TRUE))'):
        return None
    distribution = "gaussian" if family == "gaussian" else "binomial"

    def sample(seed: int) -> xr.DataTree:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            data.to_csv(path / "data.csv", index=False)
            in_r(f"""
                suppressMessages(library(rstanarm))
                d <- read.csv("{path}/data.csv", stringsAsFactors = TRUE)
                seconds <- system.time(fit <- stan_glmer({formula}, d, family = {distribution}, chains = 4,
                    cores = {os.cpu_count()}, iter = 2000, seed = {seed}, refresh = 0))[["elapsed"]]
                np <- rstan::get_sampler_params(fit$stanfit, inc_warmup = FALSE)
                bad <- sum(sapply(np, function(x) sum(x[, "divergent__"])))
                writeLines(as.character(c(seconds, bad)), "{path}/seconds")
                write.csv(as.matrix(fit), "{path}/draws.csv", row.names = FALSE)
            """)
            seconds, divergences = map(float, (path / "seconds").read_text().split())
            draws = pd.read_csv(path / "draws.csv").to_numpy().reshape(4, 1000, -1)
        diverging = np.arange(4000).reshape(4, 1000) < divergences
        groups = {
            "posterior": xr.Dataset({"x": (("chain", "draw", "parameter"), draws)}),
            "sample_stats": xr.Dataset({"diverging": (("chain", "draw"), diverging)}),
        }
        tree = xr.DataTree.from_dict(groups)
        tree.attrs["sampling_seconds"] = seconds
        return tree

    return sample


def in_r(code: str) -> str | None:
    """What R prints, or a blank; None where there is no R, or it fails."""
    if shutil.which("Rscript") is None:
        return None
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    return done.stdout or " " if done.returncode == 0 else None


def lme4_seconds(formula: str, data: pd.DataFrame, family: str = "gaussian") -> float | None:
    """How long lme4 takes for its point estimate, without reading the data; None where there is no R with lme4."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        data.to_csv(path, index=False)
        call = f"lmer({formula}, d)" if family == "gaussian" else f"glmer({formula}, d, binomial)"
        read = f'suppressMessages(library(lme4)); d <- read.csv("{path}", stringsAsFactors = TRUE)'
        code = f'{read}; cat(system.time({call})[["elapsed"]])'
        seconds = in_r(code)
    return float(seconds) if seconds else None


def in_seconds(seconds: float | None) -> str:
    return "not found" if seconds is None else f"{seconds:.2f} s"
