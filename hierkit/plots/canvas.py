"""What the pictures share: paper, colours, summaries of draws, and how many labels are legible."""

import io
from collections.abc import Hashable, Iterable
from typing import Any

import arviz_plots  # noqa: F401  (its import makes ArviZ's styles known)
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
from numpy.typing import NDArray

from hierkit.intervals import Interval

STYLE = "arviz-variat"
MAIN = "C0"
OTHER = "C1"
QUIET = "#7f7f7f"
MOST_LABELS = 40  # on an axis
BULK = (0.02, 0.98)  # quantiles: estimates of tiny groups can be anywhere
NAMED = 5  # extremes, where there are more
DECADE = 10
DPI = 100
WIDEST = 11.0  # inches: on a page of a report, letters are still as large as those around them
SIZES = {"axes.labelsize": 10, "xtick.labelsize": 9, "ytick.labelsize": 9, "axes.titlesize": 11, "figure.titlesize": 11}


class Picture(Figure):
    """A figure that notebooks show by themselves: IPython knows of matplotlib's only once pyplot has drawn one."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()


def paper(columns: int = 1, rows: int = 1, width: float = 5.5, height: float = 4.0) -> tuple[Figure, list[Axes]]:
    """An empty figure in ArviZ's look, and its axes from left to right, top to bottom."""
    with plt.style.context([STYLE, SIZES]):
        width = min(width * columns, WIDEST)
        figure = Picture(figsize=(width, height * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def whiskers(axes: Axes, found: Interval, labels: Iterable[Any], many: str = "groups", color: str = MAIN) -> None:
    """Intervals one above the other, sorted by their means if they are many; then only the extremes are named."""
    labels = list(labels)
    size = len(labels)
    order = np.argsort(found.estimate) if size > MOST_LABELS else np.arange(size)[::-1]
    places = np.arange(size)
    thin = size > MOST_LABELS
    axes.hlines(places, found.lower[order], found.upper[order], color=color, lw=0.6 if thin else 1.8, alpha=0.6)
    axes.plot(found.estimate[order], places, "o", color=color, ms=1.5 if thin else 5)
    if thin:
        shown = [*range(NAMED), *range(size - NAMED, size)]
        axes.set_yticks(_apart(shown, size), [shorten(labels[order[i]]) for i in shown])
        axes.set_ylabel(f"{size:,} {many}, sorted; the {NAMED} lowest and highest are named")
    else:
        axes.set_yticks(places, [shorten(labels[i]) for i in order])
    axes.set_ylim(-0.7 - 0.02 * size, size - 0.3 + 0.02 * size)


def within_reach(axes: Axes, values: NDArray[np.float64], always: NDArray[np.float64]) -> int:
    """Limit the y axis to the bulk of values (group, ...) and to what must be seen; how many groups reach beyond."""
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, BULK) if len(known) else (0.0, 0.0)
    spread = (high - low) / 2
    low = min(low - spread, np.nanmin(always))
    high = max(high + spread, np.nanmax(always))
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    beyond = (values < low) | (values > high)
    return int(beyond.reshape(len(values), -1).any(axis=1).sum())


def _apart(places: list[int], size: int) -> list[float]:
    """The places of the names of extremes, such that they do not run into each other."""
    step = size / MOST_LABELS
    low = [i * step for i in range(NAMED)]
    return [*low, *(size - 1 - i * step for i in reversed(range(NAMED)))]


def shorten(label: Hashable, most: int = 24) -> str:
    """A label as plain text that fits: dollar signs would be read as mathematics, control characters break an SVG."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(label))
    return (text if len(text) <= most else text[: most - 1] + "…").replace("$", r"\$")


def size_axis(axes: Axes, draws: xr.Dataset) -> NDArray[np.int64]:
    """The places of groups along the x axis: by their rows, or one after the other if all have as many."""
    n: NDArray[np.int64] = draws["n"].values
    unit = words(draws, "unit", "rows")
    if n.min() < n.max():
        axes.set(xscale="log" if n.max() >= DECADE * n.min() else "linear", xlabel=f"{unit} of the group")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_minor_formatter(LogFormatter())  # names minor ticks where there are few others, as plain numbers
        return n
    axes.set_xlabel(f"groups in order, {n[0]:,} {unit} each")
    return np.arange(len(n))


def reference(axes: Axes, at: float, horizontal: bool = False) -> None:
    """A quiet line to compare with."""
    (axes.axhline if horizontal else axes.axvline)(at, color=QUIET, lw=1, ls="--", zorder=0)


def unit(draws: xr.Dataset, effect: Hashable) -> str:
    """The unit of an effect, per unit of what it multiplies."""
    scale = words(draws, "scale", "link scale")
    return scale if effect == "Intercept" else f"{scale} per unit of {shorten(effect)}"


def words(draws: xr.Dataset, name: str, default: str) -> str:
    """A label that a quantity carries, as text that fits."""
    return shorten(draws.attrs.get(name, default), 60)
