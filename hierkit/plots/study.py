"""What a design would show: the estimates of simulated data sets beside the truth."""

import xarray as xr
from matplotlib.figure import Figure

from hierkit.plots.canvas import MAIN, OTHER, legend, paper, term, title

BINS = 25
MOST_PANELS = 12


def draw(draws: xr.Dataset) -> Figure:
    """A panel for each parameter: a histogram of its estimates, the truth as a line."""
    names = draws["parameter"].values[:MOST_PANELS]
    columns = min(3, len(names))
    figure, panels = paper(columns, -(-len(names) // columns), width=3.0, height=2.4)
    for axes, name in zip(panels, names, strict=False):
        part = draws.sel(parameter=name)
        axes.hist(part["estimates"].values.ravel(), bins=BINS, color=MAIN, alpha=0.6, label="estimates")
        axes.axvline(float(part["truth"]), color=OTHER, lw=2, ls="--", label="truth")
        axes.set(xlabel=term(name, 30), yticks=[])
        axes.set_title(f"{float(part['coverage']):.0%} of intervals hold it", fontsize="small")
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    legend(figure, panels[:1])
    title(figure, f"Estimates in {draws.sizes['draw']:,} simulated data sets")
    return figure
