"""Whether group effects look normal, and which groups do not fit."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hierkit.plots.canvas import (
    MAIN,
    MOST_LABELS,
    OTHER,
    QUIET,
    effect_name,
    factor_name,
    legend,
    paper,
    shorten,
    title,
    wrapped,
)


def draw(draws: xr.Dataset) -> Figure:
    """A panel for each effect: standardised effects against normal quantiles, the envelope, outliers by name."""
    effects, outlying = draws["effect"].values, draws["outlying"].values
    figure, panels = paper(len(effects))
    for axes, effect in zip(panels, effects, strict=True):
        part = draws.sel(effect=effect)
        order = np.argsort(part["expected"].values)
        x, y = part["expected"].values[order], part["standardised"].values[order]
        axes.fill_between(
            x,
            part["lower"].values[order],
            part["upper"].values[order],
            color=QUIET,
            alpha=0.25,
            lw=0,
            label="95% envelope",
        )
        axes.plot(x, x, color=QUIET, lw=1, ls="--")
        axes.plot(x, y, "o", color=MAIN, ms=2 if len(x) > MOST_LABELS else 5)
        marked = outlying[order]
        axes.plot(x[marked], y[marked], "X", color=OTHER, ms=8, label="outlying")
        for place in np.flatnonzero(marked):
            label = shorten(draws["group"].values[order][place])
            axes.annotate(label, (x[place], y[place]), xytext=(6, -4), textcoords="offset points", fontsize="small")
        axes.set_xlabel("normal quantile")
        axes.set_ylabel(wrapped(f"{effect_name(effect)}: standardised difference"))
    legend(figure, panels)
    title(figure, f"Do {factor_name(draws)} follow a normal distribution?")
    return figure
