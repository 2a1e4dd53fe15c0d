"""What a design would show: the estimates of simulated data sets beside the truth."""

import xarray as xr
from matplotlib.figure import Figure

from hierkit.plots.bins import edges
from hierkit.plots.canvas import MAIN, OTHER, legend, panels_of_parameters, title


def draw(draws: xr.Dataset) -> Figure:
    """A panel for each parameter: a histogram of its estimates, the truth as a line."""
    figure, panels = panels_of_parameters(draws)
    for name, axes in panels.items():
        part = draws.sel(parameter=name)
        values = part["estimates"].values.ravel()
        axes.hist(values, bins=edges(values), color=MAIN, alpha=0.6, label="estimates")
        axes.axvline(float(part["truth"]), color=OTHER, lw=2, ls="--", label="truth")
        axes.set_yticks([])
        axes.set_title(f"{float(part['coverage']):.0%} of intervals hold it", fontsize="small")
    legend(figure, list(panels.values())[:1])
    title(figure, f"Estimates in {draws.sizes['draw']:,} simulated data sets")
    return figure
