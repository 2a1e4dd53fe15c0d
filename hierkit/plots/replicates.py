"""Statistics of replicated data beside those of the observed data."""

import xarray as xr
from matplotlib.figure import Figure

from hierkit.plots.bins import edges
from hierkit.plots.canvas import MAIN, OTHER, legend, paper, statistic_name


def draw(draws: xr.Dataset) -> Figure:
    """A histogram for each statistic, the observed value as a line."""
    statistics = draws["statistic"].values
    figure, panels = paper(len(statistics), height=3.5)
    for axes, statistic in zip(panels, statistics, strict=True):
        part = draws.sel(statistic=statistic)
        values = part["replicated"].values.ravel()
        axes.hist(values, bins=edges(values), color=MAIN, alpha=0.6, label="data drawn from the model")
        axes.axvline(float(part["observed"]), color=OTHER, lw=2, ls="--", label="the data")
        axes.set_title(f"{float(part['above']):.0%} lie above the data", fontsize="medium")
        axes.set(xlabel=statistic_name(statistic), ylabel="replicates")
    legend(figure, panels)
    return figure
