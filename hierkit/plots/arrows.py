"""Shrinkage: from each group's own estimate to the pooled one, and the factor against the group's size."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hierkit.plots.canvas import (
    MAIN,
    MOST_LABELS,
    OTHER,
    QUIET,
    interval,
    paper,
    reference,
    shorten,
    within_reach,
    words,
)

MOST_ARROWS = 300


def draw(draws: xr.Dataset) -> Figure:
    """Arrows from own to pooled deviation, and λ against the rows of the group, a row of two panels for each effect."""
    effects, n = draws["effect"].values, draws["n"].values
    figure, panels = paper(2, len(effects))
    for k, effect in enumerate(effects):
        own, pooled = (draws[name].sel(effect=effect).mean(("chain", "draw")).values for name in ("own", "pooled"))
        left, right = panels[2 * k : 2 * k + 2]
        known = np.flatnonzero(np.isfinite(own))
        shown = known if len(known) <= MOST_ARROWS else known[np.linspace(0, len(known) - 1, MOST_ARROWS).astype(int)]
        left.quiver(
            n[shown], own[shown], np.zeros(len(shown)), (pooled - own)[shown], angles="xy", scale_units="xy", scale=1,
            color=QUIET, width=0.003,
        )  # fmt: skip
        left.plot(n[shown], own[shown], "o", mfc="none", color=OTHER, ms=4, label="own")
        left.plot(n[shown], pooled[shown], "o", color=MAIN, ms=4, label="pooled")
        reference(left, 0.0, horizontal=True)
        left.set(
            xscale="log",
            xlabel="rows of the group",
            ylabel=f"{shorten(effect)}: deviation",
        )
        if beyond := within_reach(left, own, pooled):
            left.set_title(f"{beyond} own estimates lie beyond", fontsize="small")
        left.legend(fontsize="small")
        found = interval(draws["shrinkage"].sel(effect=effect))
        order = np.argsort(n)
        right.vlines(n[order], found.lower[order], found.upper[order], color=MAIN, lw=0.8, alpha=0.6)
        right.plot(n[order], found.mean[order], "o", color=MAIN, ms=2 if len(n) > MOST_LABELS else 5)
        right.set(xscale="log", xlabel="rows of the group", ylabel=f"{shorten(effect)}: λ, share of its own kept")
        if "break_even" in draws.attrs:
            sizes = np.geomspace(n.min(), n.max(), 100)
            right.plot(
                sizes, sizes / (sizes + draws.attrs["break_even"]), color=OTHER, label="n / (n + break-even size)"
            )
            right.legend(fontsize="small")
        reference(right, 0.5, horizontal=True)
    note = f", {MOST_ARROWS} of {len(n):,} groups shown as arrows" if len(n) > MOST_ARROWS else ""
    figure.suptitle(f"Shrinkage of {words(draws, 'factor', 'the factor')}{note}", fontsize="medium")
    return figure
