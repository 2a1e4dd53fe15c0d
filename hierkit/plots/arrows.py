"""Shrinkage: from each group's own estimate to the pooled one, and the factor against the group's size."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierkit.arrays import Array
from hierkit.intervals import interval
from hierkit.plots.canvas import (
    MAIN,
    MOST_LABELS,
    OTHER,
    QUIET,
    effect_name,
    factor_name,
    legend,
    paper,
    reference,
    size_axis,
    title,
    unit,
    within_reach,
    wrapped,
)

STILL = 0.03  # of the range of own estimates
FEWEST = 3
MOST_ARROWS = 300


def draw(draws: xr.Dataset) -> Figure:
    """Arrows from own to pooled deviation, and λ against the rows of the group, a row of two panels for each effect."""
    effects, n = draws["effect"].values, draws["n"].values
    figure, panels = paper(2, len(effects))
    for effect, left, right in zip(effects, panels[::2], panels[1::2], strict=True):
        own, pooled = (draws[name].sel(effect=effect).mean(("chain", "draw")).values for name in ("own", "pooled"))
        (_movements if _is_still(own, pooled) else _arrows)(left, draws, effect, own, pooled)
        _factors(right, draws, effect)
    note = f", {MOST_ARROWS} of {len(n):,} shown as arrows" if len(n) > MOST_ARROWS else ""
    title(figure, f"Shrinkage of {factor_name(draws)}{note}")
    legend(figure, panels)
    return figure


def _is_still(own: Array, pooled: Array) -> bool:
    """Whether movements are too small to be seen beside the differences between groups."""
    known = np.isfinite(own)
    if known.sum() < FEWEST:
        return False
    return bool(np.max(np.abs(pooled - own)[known]) < STILL * np.ptp(own[known]))


def _movements(axes: Axes, draws: xr.Dataset, effect: Hashable, own: Array, pooled: Array) -> None:
    """How far each group is moved, against its own deviation: for groups that hardly move."""
    axes.vlines(own, 0, pooled - own, color=QUIET, lw=1)
    axes.plot(own, pooled - own, "o", color=MAIN, ms=4, label="moved from own to pooled")
    reference(axes, 0.0, horizontal=True)
    axes.set_xlabel(wrapped(f"{effect_name(effect)}: own difference from the common one ({unit(draws, effect)})"))
    axes.set_ylabel("moved by the model (zoomed in)")


def _arrows(axes: Axes, draws: xr.Dataset, effect: Hashable, own: Array, pooled: Array) -> None:
    x, known = size_axis(axes, draws), np.flatnonzero(np.isfinite(own))
    if len(known) > MOST_ARROWS:
        known = known[np.linspace(0, len(known) - 1, MOST_ARROWS).astype(int)]
    start, end = own[known], pooled[known]
    in_units: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1}
    axes.quiver(x[known], start, np.zeros(len(known)), end - start, color=QUIET, width=0.003, **in_units)
    axes.plot(x[known], start, "o", mfc="none", color=OTHER, ms=4, label="own")
    axes.plot(x[known], end, "o", color=MAIN, ms=4, label="pooled")
    reference(axes, 0.0, horizontal=True)
    axes.set_ylabel(wrapped(f"{effect_name(effect)}: difference from the common one ({unit(draws, effect)})"))
    if beyond := within_reach(axes, own, pooled):
        axes.set_title(f"{beyond} own estimates lie beyond", fontsize="small")


def _factors(axes: Axes, draws: xr.Dataset, effect: Hashable) -> None:
    n, found = draws["n"].values, interval(draws["shrinkage"].sel(effect=effect))
    x = size_axis(axes, draws)
    axes.vlines(x, found.lower, found.upper, color=MAIN, lw=0.8, alpha=0.6)
    axes.plot(x, found.estimate, "o", color=MAIN, ms=2 if len(n) > MOST_LABELS else 5)
    if "break_even" in draws.attrs and n.min() < n.max():
        sizes = np.geomspace(max(1, n.min()), n.max(), 100)
        curve = sizes / (sizes + draws.attrs["break_even"])
        axes.plot(sizes, curve, color=OTHER, label="n / (n + break-even size)")
    reference(axes, 0.5, horizontal=True)
    axes.set_ylabel(wrapped(f"{effect_name(effect)}: share of its own estimate kept"))
