"""The pooling spectrum: complete, none and partial pooling, each group's line or level."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierkit.plots.canvas import MAIN, MOST_LABELS, OTHER, QUIET, paper, shorten, size_axis, within_reach, words

HIGHLIGHTED = 3
MARKS = ("o", "s", "^")


def draw(draws: xr.Dataset) -> Figure:
    """Three panels: complete, none and partial; the smallest groups highlighted, or the farthest of equal ones.

    With a slope each group is a line over the predictor; else a point against its number of rows.
    """
    figure, panels = paper(3, width=4.2)
    n, terms = draws["n"].values, draws["term"].values
    marked, which = _marked(draws)
    kinds = {"complete": "complete pooling", "none": "no pooling", "partial": "partial pooling"}
    for axes, (name, title) in zip(panels, kinds.items(), strict=True):
        values = draws[name]
        values = values.mean(("chain", "draw")) if "chain" in values.dims else values
        if len(terms) > 1 and "range" in draws.attrs:
            _lines(axes, draws, values.transpose("group", "term").values, marked)
        else:
            _levels(axes, draws, values.isel(term=0).values, marked)
        axes.set_title(title)
    for axes in panels[1:]:
        axes.sharey(panels[0])
    beyond = _limit(panels[0], draws)
    missing = int((draws["status"] != "estimated").sum())
    note = f"; {missing} groups have no regression of their own" if missing else ""
    note += f"; {beyond} lie beyond" if beyond else ""
    figure.suptitle(
        f"{len(n):,} groups of {words(draws, 'factor', 'the factor')}, {which} marked{note}",
        fontsize="medium",
    )
    return figure


def _marked(draws: xr.Dataset) -> tuple[np.ndarray, str]:
    """The groups that are highlighted: the smallest, or those farthest from the common line if all are of a size."""
    n = draws["n"].values
    count = min(HIGHLIGHTED, len(n))
    if n.min() < n.max():
        return np.argsort(n, kind="stable")[:count], f"the {count} smallest"
    apart = (draws["partial"].mean(("chain", "draw")) - draws["complete"]).isel(term=0)
    return np.argsort(-np.abs(apart.values), kind="stable")[:count], f"the {count} farthest from the common one"


def _limit(axes: Axes, draws: xr.Dataset) -> int:
    """Show what the model says of all groups, and most of what groups say alone; how many of those lie beyond."""
    ends = np.array(draws.attrs.get("range", [0.0]))
    complete, none, partial = (
        draws[name]
        .mean([dim for dim in ("chain", "draw") if dim in draws[name].dims])
        .transpose("group", "term")
        .values
        for name in ("complete", "none", "partial")
    )
    slopes = [values[:, 1:2] if len(ends) > 1 else np.zeros((len(values), 1)) for values in (complete, none, partial)]
    heights = [values[:, :1] + slope * ends for values, slope in zip((complete, none, partial), slopes, strict=True)]
    return within_reach(axes, heights[1].ravel(), np.concatenate([heights[0], heights[2]]).ravel())


def _lines(axes: Axes, draws: xr.Dataset, values: np.ndarray, marked: np.ndarray) -> None:
    ends = np.array(draws.attrs["range"])
    lines = values[:, :1] + values[:, 1:2] * ends
    shown = (
        np.arange(len(lines))
        if len(lines) <= 10 * MOST_LABELS
        else np.linspace(0, len(lines) - 1, 10 * MOST_LABELS).astype(int)
    )
    axes.plot(ends, lines[shown].T, color=QUIET, lw=0.7, alpha=0.5)
    for j, mark in zip(marked, MARKS, strict=False):
        label = f"{shorten(draws['group'].values[j])} ({draws['n'].values[j]:,} rows)"
        axes.plot(ends, lines[j], color=OTHER, lw=2, marker=mark, label=label)
    axes.set_xlabel(shorten(draws["term"].values[1]))
    axes.set_ylabel(words(draws, "scale", "link scale"))
    axes.legend(fontsize="small")


def _levels(axes: Axes, draws: xr.Dataset, values: np.ndarray, marked: np.ndarray) -> None:
    n = draws["n"].values
    x = size_axis(axes, n)
    axes.plot(x, values, "o", color=MAIN, ms=2 if len(n) > MOST_LABELS else 5, alpha=0.7)
    for j, mark in zip(marked, MARKS, strict=False):
        axes.plot(x[j], values[j], mark, color=OTHER, ms=8, label=shorten(draws["group"].values[j]))
    axes.set_ylabel(f"{shorten(draws['term'].values[0])} ({words(draws, 'scale', 'link scale')})")
    axes.legend(fontsize="small")
