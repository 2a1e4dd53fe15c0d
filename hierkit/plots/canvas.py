"""What the pictures share: paper, colours, summaries of draws, and how many labels are legible."""

import contextlib
import io
import textwrap
import threading
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import arviz_plots  # noqa: F401  (its import makes ArviZ's styles known)
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator
from numpy.typing import NDArray

from hierkit.errors import refusal
from hierkit.intervals import Interval
from hierkit.vocabulary import Vocabulary, singular

STYLE = "arviz-variat"
MAIN = "C0"
OTHER = "C1"
QUIET = "#7f7f7f"
MOST_PANELS = 12  # of one picture
MOST_LABELS = 40  # on an axis
BULK = (0.02, 0.98)  # quantiles: estimates of tiny groups can be anywhere
NAMED = 5  # extremes, where there are more
DECADE = 10
LINE = 32  # letters of an axis
DPI = 100
ONE_AT_A_TIME = threading.RLock()  # Matplotlib's settings are those of all threads
WIDEST = 9.0  # inches: on a page of a report, letters are still as large as those around them
NARROWEST = 1.8  # inches of a panel, of which labels leave something
SIZES = {"axes.labelsize": 10, "xtick.labelsize": 9, "ytick.labelsize": 9, "axes.titlesize": 11, "figure.titlesize": 11}


class Picture(Figure):
    """A figure that notebooks show by themselves: IPython knows of matplotlib's only once pyplot has drawn one."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        with ONE_AT_A_TIME:
            self.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()


@dataclass(frozen=True)
class Drawing:
    """What holds for the picture that is being drawn: the user's words, and axes of the user's own."""

    words: Vocabulary = field(default_factory=Vocabulary)
    axes: tuple[Axes, ...] = ()


_DRAWING: ContextVar[Drawing] = ContextVar("drawing", default=Drawing())  # noqa: B039  (frozen)


@contextlib.contextmanager
def drawing(words: Vocabulary, axes: Sequence[Axes] = ()) -> Iterator[None]:
    """Draw with the user's words, and on axes of the user's own where these are given."""
    with ONE_AT_A_TIME:
        token = _DRAWING.set(Drawing(words, tuple(axes)))
        try:
            yield
        finally:
            _DRAWING.reset(token)


def paper(columns: int = 1, rows: int = 1, width: float = 5.5, height: float = 4.0) -> tuple[Figure, list[Axes]]:
    """An empty figure in ArviZ's look, and its axes from left to right, top to bottom; or the axes that were given.

    Raises
    ------
    HierkitError
        If other than one axes for each panel were given.
    """
    if given := _DRAWING.get().axes:
        if len(given) != columns * rows:
            raise refusal(
                f"{len(given)} axes were given",
                f"The picture has {columns * rows} panel{'' if columns * rows == 1 else 's'}",
                "Pass one for each, or none for a figure of its own",
            )
        figure = given[0].get_figure(root=True)
        return (figure if figure is not None else Picture()), list(given)
    with ONE_AT_A_TIME, plt.style.context([STYLE, SIZES]):
        width = max(min(width * columns, WIDEST), NARROWEST * columns)
        figure = Picture(figsize=(width, height * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def whiskers(
    axes: Axes,
    found: Interval,
    labels: Iterable[Any],
    many: str = "groups",
    color: str = MAIN,
    sort: bool = False,
) -> None:
    """Intervals one above the other, sorted by means if asked for or if they are many: then extremes are named."""
    labels = list(labels)
    size = len(labels)
    order = np.argsort(found.estimate, kind="stable") if sort or size > MOST_LABELS else np.arange(size)[::-1]
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


def panels_of_parameters(draws: xr.Dataset) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a panel for each of the first parameters, three in a row, each with its name below."""
    names = [str(name) for name in draws["parameter"].values[:MOST_PANELS]]
    columns = min(3, len(names))
    figure, panels = paper(columns, -(-len(names) // columns), width=3.0, height=2.4)
    for axes, name in zip(panels, names, strict=False):
        axes.set_xlabel(term(name, 30))
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    return figure, dict(zip(names, panels, strict=False))


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
        scale = "log" if n.max() >= DECADE * n.min() > 0 else "linear"
        axes.set(xscale=scale, xlabel=f"{unit} of the {one_group(draws)}")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_minor_formatter(LogFormatter())  # names minor ticks where there are few others, as plain numbers
        return n
    axes.set_xlabel(f"{factor_name(draws)} in order, {counted(draws, n[0])} each")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return np.arange(len(n))


def reference(axes: Axes, at: float, horizontal: bool = False, name: str = "") -> None:
    """A quiet line to compare with, and what it is."""
    (axes.axhline if horizontal else axes.axvline)(at, color=QUIET, lw=1, ls="--", zorder=0)
    if name and not horizontal:
        axes.annotate(
            name, (at, 0.0), xycoords=("data", "axes fraction"), xytext=(3, 3), textcoords="offset points",
            ha="left", va="bottom", fontsize="small", color=QUIET,
        )  # fmt: skip


def legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """What all panels show, once and below them, where it covers nothing."""
    found: dict[str, Any] = {}
    for panel in axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if not found:
        return
    if _DRAWING.get().axes:
        axes[0].legend(found.values(), found.keys(), fontsize="small")
        return
    columns = min(len(found), max(1, int(9 * figure.get_figwidth() / max(len(label) + 6 for label in found))))
    figure.legend(
        found.values(), found.keys(), loc="outside lower center", ncols=columns, fontsize="small", frameon=False
    )


def title(figure: Figure, text: str) -> None:
    """A title over all panels; over none where the axes are the user's own."""
    if not _DRAWING.get().axes:
        figure.suptitle(text, fontsize="medium")


def unit(draws: xr.Dataset, effect: Hashable) -> str:
    """The unit of an effect, per unit of what it multiplies."""
    scale = scale_of(draws)
    if effect == "Intercept":
        return scale
    return f"{scale} per {singular_unit(effect)}"


def scale_of(draws: xr.Dataset) -> str:
    """The unit of the linear predictor: that of the outcome, as the user calls it, or log odds."""
    spoken = _DRAWING.get().words
    column, scale = str(draws.attrs.get("outcome", "")), str(draws.attrs.get("scale", "link scale"))
    if not scale.startswith("units of"):
        return shorten(scale, 60)
    return shorten(spoken.unit(column) or f"units of {spoken.labels_or(column)}", 60)


def singular_unit(effect: Hashable) -> str:
    """One unit of a predictor: "minute", "unit of x"."""
    spoken = _DRAWING.get().words
    own = spoken.unit(str(effect))
    return f"{singular(own)} of {term(effect)}" if own else f"unit of {term(effect)}"


def wrapped(text: str) -> str:
    """The text of an axis in lines that fit beside other panels."""
    return textwrap.fill(text, LINE)


def statistic_name(statistic: Hashable) -> str:
    """A statistic of replicated data, `spread of means(team)`, in the user's words."""
    kind, _, label = str(statistic).removesuffix(")").partition("(")
    several = _DRAWING.get().words.plural(label)
    named = {"spread of means": f"standard deviation of the means of {several}"}
    return shorten(named.get(kind, f"{kind}: {several}"), 80)


def outcome_axis(draws: xr.Dataset) -> str:
    """The mean of the outcome, for an axis: "satisfaction (points)", "probability of churn"."""
    spoken, column = _DRAWING.get().words, str(draws.attrs.get("outcome", "the outcome"))
    if str(draws.attrs.get("scale", "")).startswith("units of"):
        return shorten(f"mean of {spoken.with_unit(column)}", 60)
    return shorten(f"probability of {spoken.labels_or(column)}", 60)


def effect_name(effect: Hashable) -> str:
    """What varies: "level", or the term."""
    return "level" if effect == "Intercept" else term(effect)


def term(label: Hashable, most: int = 24) -> str:
    """A term or a parameter in the user's words."""
    return shorten(_DRAWING.get().words.component(str(label)), most)


def axis(column: Hashable) -> str:
    """A column with its unit, for an axis."""
    return shorten(_DRAWING.get().words.with_unit(str(column)), 60)


def factor_name(draws: xr.Dataset) -> str:
    """The groups of a factor, "support teams"."""
    return shorten(_DRAWING.get().words.plural(str(draws.attrs.get("factor", "the factor"))), 60)


def one_group(draws: xr.Dataset) -> str:
    """One of them, "support team", "group of g"."""
    return shorten(_DRAWING.get().words.one(str(draws.attrs.get("factor", "group"))), 60)


def counted(draws: xr.Dataset, n: int) -> str:
    """The rows of a group: "1 row", "1,200 trials"."""
    unit = words(draws, "unit", "rows")
    return f"{n:,} {unit.removesuffix('s') if n == 1 else unit}"


def words(draws: xr.Dataset, name: str, default: str) -> str:
    """A label that a quantity carries, as text that fits."""
    return shorten(draws.attrs.get(name, default), 60)
