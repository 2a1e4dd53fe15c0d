"""The posterior of each sd beside its prior: what the data added."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hierkit.arrays import SAMPLE_DIMS
from hierkit.plots.bins import edges
from hierkit.plots.canvas import MAIN, OTHER, legend, paper, term


def draw(draws: xr.Dataset) -> Figure:
    """A panel for each sd: a histogram of its draws, and its prior's density over the same range."""
    names = draws["component"].values
    columns = min(3, len(names))
    figure, panels = paper(columns, -(-len(names) // columns), width=4.5, height=3.2)
    for axes, name in zip(panels, names, strict=False):
        part = draws.sel(component=name)
        values = part["value"].transpose(*SAMPLE_DIMS).values.ravel()
        axes.hist(values, bins=edges(values), density=True, color=MAIN, alpha=0.6, label="posterior")
        x, density = part["at"].values, part["prior_density"].values
        axes.plot(x, density, color=OTHER, ls="--", label="prior")
        axes.set(
            xlabel=term(name, 60), yticks=[], xlim=(0, max(values.max(), float(np.min(x[density > 0], initial=0))))
        )
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    legend(figure, panels[: len(names)])
    return figure
