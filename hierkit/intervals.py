"""Draws become means, sds and intervals, by ArviZ's settings; and those settings in words."""

from dataclasses import dataclass
from typing import Literal, get_args

import arviz_stats
import xarray as xr
from arviz_base import rcParams

from hierkit.arrays import SAMPLE_DIMS, Array
from hierkit.errors import check_word, refusal

IntervalKind = Literal["eti", "hdi"]
Shown = Literal["estimate", "interval", "nothing"]
HAS_MEAN = "has_mean"  # attribute of a variable
BESIDE = "beside"  # attribute of a variable
PLACE = "place"  # dim of values in order, whose coordinates are their probabilities


@dataclass(frozen=True)
class IntervalSettings:
    """Which interval is shown: the probability inside, and equal tails ("eti") or highest density ("hdi")."""

    prob: float
    kind: IntervalKind

    def __str__(self) -> str:
        kind = "equal-tailed" if self.kind == "eti" else "highest-density"
        return f"{self.prob:.0%} {kind} intervals"


@dataclass(frozen=True, eq=False)
class Interval:
    """Estimates from draws and the bounds of their intervals, as arrays of the draws' other dims."""

    estimate: Array
    lower: Array
    upper: Array


def interval_settings(ci_prob: float | None = None, ci_kind: IntervalKind | None = None) -> IntervalSettings:
    """What was asked for, or else ArviZ's `stats.ci_prob` and `stats.ci_kind`.

    Raises
    ------
    HierkitError
        For a probability outside (0, 1) and for an unknown kind.
    """
    prob = rcParams["stats.ci_prob"] if ci_prob is None else ci_prob
    kind = rcParams["stats.ci_kind"] if ci_kind is None else ci_kind
    if not isinstance(prob, float | int) or not 0 < prob < 1:
        raise refusal(f"ci_prob is {prob!r}", "It is the probability inside the interval, between 0 and 1", "Try 0.89")
    check_word("ci_kind", kind, get_args(IntervalKind))
    return IntervalSettings(prob, kind)


def bounds(draws: xr.DataArray, settings: IntervalSettings) -> tuple[xr.DataArray, xr.DataArray]:
    """The lower and the upper bound, over chain and draw."""
    function = arviz_stats.eti if settings.kind == "eti" else arviz_stats.hdi
    both = function(draws, prob=settings.prob, dim=list(SAMPLE_DIMS))
    return both.sel(ci_bound="lower", drop=True), both.sel(ci_bound="upper", drop=True)


def interval(draws: xr.DataArray) -> Interval:
    """Estimates and intervals, by ArviZ's settings."""
    lower, upper = bounds(draws, interval_settings())
    return Interval(estimate(draws).values, lower.values, upper.values)


def without_mean(draws: xr.DataArray) -> xr.DataArray:
    """The same draws, marked as those of a ratio whose mean need not exist: their estimate is the median."""
    return draws.assign_attrs({HAS_MEAN: False})


def beside(draws: xr.DataArray, shown: Shown = "estimate") -> xr.DataArray:
    """The same draws, marked for columns beside the rows of a table's first variable, not for rows of their own.

    Parameters
    ----------
    draws : DataArray
        (chain, draw, ...), labels among those of the first variable.
    shown : {"estimate", "interval", "nothing"}
        The estimate alone, the estimate with its bounds, or nothing but in a long table.
    """
    return draws.assign_attrs({BESIDE: shown})


def shown_beside(draws: xr.DataArray) -> Shown | None:
    """How a variable is shown beside the first one; None if it has rows of its own."""
    return draws.attrs.get(BESIDE)


def estimate(draws: xr.DataArray) -> xr.DataArray:
    """The mean over chain and draw, or the median of a ratio that has no mean; missing where a draw is."""
    if _has_mean(draws):
        return draws.mean(SAMPLE_DIMS, skipna=False)
    return draws.median(SAMPLE_DIMS, skipna=False)


def standard_deviation(draws: xr.DataArray) -> xr.DataArray:
    """The sd over chain and draw; missing for a ratio that has none."""
    return draws.std(SAMPLE_DIMS, ddof=1, skipna=False).where(_has_mean(draws))


def with_bounds(dataset: xr.Dataset, settings: IntervalSettings) -> xr.Dataset:
    """The same with the bounds of values in order: `groups` becomes `groups_lower` and `groups_upper`.

    Between them lies the share of the values that is the probability of an interval, in each draw; the dim of the
    values' places is gone.
    """
    tails = [(1 - settings.prob) / 2, (1 + settings.prob) / 2]
    for name in [str(name) for name, variable in dataset.items() if PLACE in variable.dims]:
        found = dataset[name].quantile(tails, PLACE)
        found = found.assign_attrs(dataset[name].attrs)
        bounds = {f"{name}_{side}": found.isel(quantile=i, drop=True) for i, side in enumerate(("lower", "upper"))}
        dataset = dataset.drop_vars(name).assign(bounds)
    return dataset


def monte_carlo_error(draws: xr.DataArray) -> float:
    """The standard error of the mean of draws (chain, draw), by their effective sample size; 0 where they agree."""
    if not draws.max() > draws.min():
        return 0.0
    return float(arviz_stats.mcse(draws, method="mean"))


def interval_in_words() -> str:
    """ArviZ's settings in words, such as "89% equal-tailed intervals"."""
    return str(interval_settings())


def _has_mean(draws: xr.DataArray) -> bool:
    return bool(draws.attrs.get(HAS_MEAN, True))
