"""Pareto k of what was left out: where importance sampling can be relied on."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hierkit.plots.canvas import MAIN, NAMED, OTHER, legend, paper, reference, shorten


def draw(draws: xr.Dataset) -> Figure:
    """K of each row or group, those above the limit marked and the largest named."""
    dim = "row" if "row" in draws.dims else "group"
    k = draws["pareto_k"].values
    limit = float(draws.attrs["good_k"])
    labels = draws[dim].values
    places, bad = np.arange(len(k)), k > limit
    figure, (axes,) = paper(1, width=7.0)
    axes.plot(places[~bad], k[~bad], ".", color=MAIN, label=f"{int((~bad).sum()):,} {dim}s")
    axes.plot(places[bad], k[bad], "X", color=OTHER, ms=8, label=f"{int(bad.sum()):,} above {limit:.2f}")
    for place in places[bad][np.argsort(k[bad])[::-1][:NAMED]]:
        axes.annotate(
            shorten(labels[place]), (place, k[place]), xytext=(5, 3), textcoords="offset points", fontsize="small"
        )
    reference(axes, limit, horizontal=True)
    axes.set(xlabel=f"{dim}s, in order", ylabel="Pareto k")
    legend(figure, [axes])
    return figure
