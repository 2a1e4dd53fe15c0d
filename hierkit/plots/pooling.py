"""The pooling spectrum: complete, none and partial pooling, each group's line or level."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierkit.plots.canvas import (
    MAIN,
    MOST_LABELS,
    OTHER,
    QUIET,
    axis,
    counted,
    effect_name,
    factor_name,
    legend,
    paper,
    scale_of,
    shorten,
    size_axis,
    title,
    within_reach,
)

HIGHLIGHTED = 3
MARKS = ("o", "s", "^")


def draw(draws: xr.Dataset) -> Figure:
    """Three panels: complete, none and partial; the smallest groups highlighted, or the farthest of equal ones.

    With a slope each group is a line over the predictor; else a point against its number of rows.
    """
    figure, panels = paper(3, width=4.2)
    n = draws["n"].values
    marked, which = _marked(draws)
    kinds = {"complete": "complete pooling", "none": "no pooling", "partial": "partial pooling"}
    for axes, (name, kind) in zip(panels, kinds.items(), strict=True):
        if "slope" in draws.attrs:
            _lines(axes, draws, _drawn(draws, name) @ _ends(draws), marked)
        else:
            _levels(axes, draws, _drawn(draws, name)[:, 0], marked)
        axes.set_title(kind)
    for axes in panels[1:]:
        axes.sharey(panels[0])
    beyond = _limit(panels[0], draws)
    missing = int((draws["status"] != "estimated").sum())
    note = f"; {missing} groups have no regression of their own" if missing else ""
    note += f"; {beyond} reach beyond" if beyond else ""
    title(figure, f"{len(n):,} {factor_name(draws)}, {which} marked{note}")
    legend(figure, panels)
    return figure


def _drawn(draws: xr.Dataset, name: str) -> np.ndarray:
    """(group, term), the level of each group and its slope, if lines are drawn."""
    values = draws[name].mean([dim for dim in ("chain", "draw") if dim in draws[name].dims])
    labels = [draws.attrs[word] for word in ("level", "slope") if word in draws.attrs]
    return np.asarray(values.sel(term=labels).transpose("group", "term").values)


def _ends(draws: xr.Dataset) -> np.ndarray:
    """(term, end), what level and slope are multiplied by at both ends of the lines; of levels alone one."""
    ends = draws.attrs.get("range")
    return np.ones((1, 1)) if ends is None else np.array([[1.0, 1.0], ends])


def _marked(draws: xr.Dataset) -> tuple[np.ndarray, str]:
    """The groups that are highlighted: the smallest, or those farthest from the common line if all are of a size."""
    n = draws["n"].values
    count = min(HIGHLIGHTED, len(n))
    if n.min() < n.max():
        return np.argsort(n, kind="stable")[:count], f"the {count} smallest"
    apart = (_drawn(draws, "partial") - _drawn(draws, "complete"))[:, 0]
    return np.argsort(-np.abs(apart), kind="stable")[:count], f"the {count} farthest from the common one"


def _limit(axes: Axes, draws: xr.Dataset) -> int:
    """Show what the model says of all groups, and most of what groups say alone; how many of those lie beyond."""
    complete, none, partial = (_drawn(draws, name) @ _ends(draws) for name in ("complete", "none", "partial"))
    return within_reach(axes, none, np.concatenate([complete, partial]).ravel())


def _lines(axes: Axes, draws: xr.Dataset, lines: np.ndarray, marked: np.ndarray) -> None:
    ends = draws.attrs["range"]
    shown = (
        np.arange(len(lines))
        if len(lines) <= 10 * MOST_LABELS
        else np.linspace(0, len(lines) - 1, 10 * MOST_LABELS).astype(int)
    )
    axes.plot(ends, lines[shown].T, color=QUIET, lw=0.7, alpha=0.5)
    for j, mark in zip(marked, MARKS, strict=False):
        label = f"{shorten(draws['group'].values[j])} ({counted(draws, draws['n'].values[j])})"
        axes.plot(ends, lines[j], color=OTHER, lw=2, marker=mark, label=label)
    others = ", other terms at zero" if draws.sizes["term"] > 2 else ""
    axes.set_xlabel(f"{axis(draws.attrs['slope'])}{others}")
    axes.set_ylabel(scale_of(draws))


def _levels(axes: Axes, draws: xr.Dataset, values: np.ndarray, marked: np.ndarray) -> None:
    n = draws["n"].values
    x = size_axis(axes, draws)
    axes.plot(x, values, "o", color=MAIN, ms=2 if len(n) > MOST_LABELS else 5, alpha=0.7)
    for j, mark in zip(marked, MARKS, strict=False):
        label = f"{shorten(draws['group'].values[j])} ({counted(draws, n[j])})"
        axes.plot(x[j], values[j], mark, color=OTHER, ms=8, label=label)
    axes.set_ylabel(f"{effect_name(draws.attrs['level'])} ({scale_of(draws)})")
