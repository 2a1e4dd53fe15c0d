"""Group effects: each group's deviation with its interval, and how level and slope go together."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from hierkit.intervals import interval, interval_in_words
from hierkit.plots.canvas import (
    MAIN,
    MOST_LABELS,
    NAMED,
    OTHER,
    paper,
    reference,
    shorten,
    unit,
    whiskers,
    words,
)

SHARES = (0.5, 0.89)  # of groups inside the ellipses


def draw(draws: xr.Dataset) -> Figure:
    """A panel for each effect; with two or more also the first two against each other, with ellipses of G."""
    effects = draws["effect"].values
    size = draws.sizes["group"]
    together = len(effects) > 1 and "G" in draws
    height = 1.4 + 0.22 * min(size, MOST_LABELS)
    figure, panels = paper(len(effects) + together, height=max(4.0, height))
    for axes, effect in zip(panels, effects, strict=False):
        found = interval(draws["deviation"].sel(effect=effect))
        whiskers(axes, found, draws["group"].values)
        reference(axes, 0.0)
        axes.set_xlabel(f"{shorten(effect)}: deviation ({unit(draws, effect)})")
    if together:
        _pairs(panels[-1], draws, effects)
    figure.suptitle(f"Groups of {words(draws, 'factor', 'the factor')}, {interval_in_words()}", fontsize="medium")
    return figure


def _pairs(axes: Axes, draws: xr.Dataset, effects: np.ndarray) -> None:
    u = draws["deviation"].mean(("chain", "draw")).sel(effect=list(effects[:2])).values
    G = draws["G"].values[:2, :2]
    axes.plot(u[:, 0], u[:, 1], "o", color=MAIN, ms=2 if len(u) > MOST_LABELS else 5, alpha=0.7)
    values, vectors = np.linalg.eigh(G)
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    for share, style in zip(SHARES, ("-", "--"), strict=True):
        width, height = 2 * np.sqrt(-2 * np.log(1 - share) * values[::-1].clip(0))
        axes.add_patch(Ellipse((0, 0), width, height, angle=angle, fill=False, color=OTHER, ls=style))
        axes.plot([], [], color=OTHER, ls=style, label=f"{share:.0%} of groups by G")
    for j in np.argsort(np.einsum("ja,ab,jb->j", u, np.linalg.pinv(G), u))[-NAMED:]:
        axes.annotate(
            shorten(draws["group"].values[j]), u[j], xytext=(4, 4), textcoords="offset points", fontsize="small"
        )
    axes.set_xlabel(f"{shorten(effects[0])}: posterior mean of the deviation")
    axes.set_ylabel(shorten(effects[1]))
    axes.autoscale_view()
    axes.legend(fontsize="small")
