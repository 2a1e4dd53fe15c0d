"""Pooling factors: that of a batch of effects, and those of its groups by their sizes."""

import xarray as xr
from matplotlib.figure import Figure

from hierkit.plots.canvas import MAIN, OTHER, effect_name, legend, one_group, paper, size_axis


def draw(draws: xr.Dataset) -> Figure:
    """A panel for each effect: a point for each group, and a line for the batch."""
    effects = draws["effect"].values
    figure, panels = paper(len(effects), width=5.5)
    for axes, effect in zip(panels, effects, strict=True):
        part = draws.sel(effect=effect)
        places = size_axis(axes, draws)
        axes.plot(places, part["group_pooling"].values, "o", color=MAIN, label=f"each {one_group(draws)}")
        axes.axhline(float(part["pooling"]), color=OTHER, ls="--", label="the batch")
        axes.set(ylim=(min(0.0, float(part["pooling"])) - 0.03, 1.03), ylabel=f"pooling factor, {effect_name(effect)}")
    legend(figure, panels)
    return figure
