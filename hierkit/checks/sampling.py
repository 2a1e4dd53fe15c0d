"""Whether the draws can be trusted: R-hat, effective sample size, divergences, tree depth, energy."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from hierkit.checks.findings import Finding
from hierkit.checks.limits import (
    BFMI,
    ESS_PER_CHAIN,
    FALSE_ALARMS,
    FEWEST_DRAWS,
    MANY,
    MOST_GROUPS_CHECKED,
    RHAT,
    SHARE_OF_THINNED,
    SMALLEST_OF_MANY,
    TREE_DEPTH_SHARE,
)
from hierkit.model.names import is_group_dim
from hierkit.posterior.draws import varying

TREE_DEPTH_NAMES = ("reached_max_treedepth", "maxdepth_reached")  # ArviZ's and nutpie's

LONGER = "Sample longer (draws and tune), and look at the other findings for the cause."


@dataclass(frozen=True, eq=False)
class Measures:
    """How a run went, over all parameters and the group effects that are looked at, by their names.

    Attributes
    ----------
    r_hat : pandas.Series
        Missing with one chain; empty, as those below, where there are too few draws or some are not finite.
    ess_bulk, ess_tail : pandas.Series
        Effective sample sizes of the mean and of the interval.
    divergences : int
        In all chains.
    """

    r_hat: pd.Series
    ess_bulk: pd.Series
    ess_tail: pd.Series
    divergences: int


def sampling_findings(draws: xr.DataTree, found: Measures | None = None) -> Iterator[Finding]:
    """Findings about the sampling run.

    Parameters
    ----------
    draws : xarray.DataTree
        posterior (chain, draw, ...) and sample_stats (chain, draw), the latter under ArviZ's or nutpie's names.
    found : Measures, optional
        Those of the draws, where they are known.

    Yields
    ------
    Finding
        A first run that diverged and was replaced; R-hat above 1.01 and above what chance allows the largest of many;
        bulk or tail ESS below 100 per chain, below 80 for the smallest of more than 20 (Vehtari et al. 2021);
        divergences, tree depth reached in more than 1% of the draws, BFMI below 0.3 (Betancourt 2016). Of a factor
        with more than 200 groups every so many are looked at.
    """
    if retry := draws.attrs.get("retry"):
        advice = "The draws are those of the second run; any divergences of that run are listed separately."
        yield Finding("note", "sampled again", f"{retry}.", advice)
    posterior = _looked_at(draws)
    if broken := _not_finite(posterior):
        message = f"{', '.join(broken)} have draws that are not finite numbers."
        yield Finding("action", "not finite", message, "Check the priors and the scales of outcome and predictors.")
    elif posterior.sizes["draw"] < FEWEST_DRAWS:
        yield Finding("action", "few draws", f"{posterior.sizes['draw']} draws per chain are too few to check.", LONGER)
    else:
        yield from _mixing(found or measures(draws), posterior.sizes["chain"], needed_per_chain(draws))
    if "sample_stats" in draws:
        yield from _statistics(draws["sample_stats"].to_dataset())


def measures(draws: xr.DataTree) -> Measures:
    """The measures of a run; of a factor with more than 200 groups every so many are looked at."""
    posterior = _looked_at(draws)
    statistics = draws["sample_stats"].to_dataset() if "sample_stats" in draws else xr.Dataset()
    diverged = int(statistics["diverging"].sum()) if "diverging" in statistics else 0
    if posterior.sizes["draw"] < FEWEST_DRAWS or _not_finite(posterior):
        nothing = pd.Series(dtype=np.float64)
        return Measures(nothing, nothing, nothing, diverged)
    bulk, tail = (_stack(arviz_stats.ess(posterior, method=method)) for method in ("bulk", "tail"))
    r_hat = pd.Series(np.nan, index=bulk.index)
    if posterior.sizes["chain"] > 1:
        with np.errstate(invalid="ignore", divide="ignore"):
            r_hat = _stack(arviz_stats.rhat(posterior))
    return Measures(r_hat, bulk, tail, diverged)


def _looked_at(draws: xr.DataTree) -> xr.Dataset:
    return varying(_some_groups(draws["posterior"].to_dataset()))


def _not_finite(posterior: xr.Dataset) -> list[str]:
    return [str(name) for name, variable in posterior.items() if not np.isfinite(variable).all()]


def _some_groups(posterior: xr.Dataset) -> xr.Dataset:
    """The posterior with at most `MOST_GROUPS_CHECKED` groups of each factor, evenly spaced."""
    sizes = {dim: size for dim, size in posterior.sizes.items() if is_group_dim(dim)}
    return posterior.isel(
        {dim: slice(None, None, math.ceil(size / MOST_GROUPS_CHECKED)) for dim, size in sizes.items()}
    )


def needed_per_chain(draws: xr.DataTree) -> float:
    """The effective draws that a chain needs; of one that was thinned to fit into memory, a share of those kept."""
    if draws.attrs.get("thin", 1) == 1:
        return ESS_PER_CHAIN
    return min(ESS_PER_CHAIN, SHARE_OF_THINNED * draws["posterior"].sizes["draw"])


def _mixing(found: Measures, chains: int, per_chain: float) -> Iterator[Finding]:
    needed = per_chain * chains
    rhat = found.r_hat
    bulk = found.ess_bulk
    tail = found.ess_tail
    if chains > 1:
        stuck = rhat.isna()
        smaller = bulk.where(bulk < tail, tail)
        chance = largest_by_chance(smaller, chains)
        bad = (rhat > RHAT) & ((rhat > chance) | (smaller < needed))
        if stuck.any():
            message = f"All chains are stuck at one value of {stuck.idxmax()} ({int(stuck.sum())} such parameters)."
            yield Finding("action", "R-hat", message, "Check the priors, then sample again with another seed.")
        if bad.any():
            where = f"{rhat.idxmax()}, and too large for {int(bad.sum())} of {len(rhat)} parameters"
            yield Finding("action", "R-hat", f"R-hat is {rhat.max():.3f} for {where}: the chains disagree.", LONGER)
    else:
        yield Finding("action", "R-hat", "One chain cannot be compared with others.", "Run four chains.")
    enough = needed * (SMALLEST_OF_MANY if len(bulk) > MANY else 1.0)
    if (bulk < enough).any():
        message = f"The effective sample size of the mean is {_smallest(bulk, enough)}."
        yield Finding("action", "bulk ESS", message, LONGER)
    if (tail < enough).any():
        message = f"The effective sample size of the interval is {_smallest(tail, enough)}."
        yield Finding("action", "tail ESS", message, LONGER)


def _smallest(ess: pd.Series, enough: float) -> str:
    few = int((ess < enough).sum())
    return f"{ess.min():.0f} for {ess.idxmin()}, and below {enough:.0f} for {few} of {len(ess)} parameters"


def largest_by_chance(ess: pd.Series, chains: int) -> pd.Series:
    """What R-hat of many quantities is not to exceed where all chains sample the same distribution.

    Split R-hat of m half chains is then about 1 + (F - 1) m / (2 ESS), (m - 1) F being chi-squared with m - 1 degrees
    of freedom. The largest of 2 k of them, of the values and of their distances from the median, lies below the
    quantile of 1 - 0.001 / (2 k) in 999 of 1,000 fits.
    """
    halves = 2 * chains
    quantile = stats.chi2(halves - 1).isf(FALSE_ALARMS / (2 * len(ess))) / (halves - 1)
    return 1 + (quantile - 1) * halves / (2 * ess)


def _statistics(statistics: xr.Dataset) -> Iterator[Finding]:
    total = statistics.sizes["chain"] * statistics.sizes["draw"]
    if count := int(statistics["diverging"].sum()) if "diverging" in statistics else 0:
        message = f"{count} of {total} draws diverged: regions of the posterior may be missed."
        advice = (
            "Raise target_accept (to 0.99), use tighter priors on the sds, or drop an effect that the data cannot "
            "support."
        )
        yield Finding("action", "divergences", message, advice)
    name = next((name for name in TREE_DEPTH_NAMES if name in statistics), None)
    reached = int(statistics[name].sum()) if name else 0
    if reached > TREE_DEPTH_SHARE * total:
        message = f"{reached} of {total} draws reached the largest tree depth: sampling is slow."
        yield Finding("warning", "tree depth", message, "Scale the predictors, and use priors on the outcome's scale.")
    if "energy" in statistics and statistics.sizes["draw"] > 1:
        lowest = float(np.min(arviz_stats.bfmi(statistics)["energy"]))
        if not lowest >= BFMI:
            message = f"BFMI is {lowest:.2f}: the sds of group effects are explored slowly."
            yield Finding("action", "BFMI", message, "Sample longer, or use tighter priors on the sds.")


def _stack(values: xr.Dataset) -> pd.Series:
    """All entries of all variables, by a readable name."""
    series = []
    for name, variable in values.items():
        flat = variable.to_series() if variable.ndim else pd.Series([variable.item()], index=[""])
        labels = [", ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in flat.index]
        series.append(
            pd.Series(flat.to_numpy(), index=[f"{name}[{label}]" if label else str(name) for label in labels])
        )
    return pd.concat(series)
