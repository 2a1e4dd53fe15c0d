"""Probabilities of statements, with their Monte Carlo errors."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hierkit.plots.canvas import MAIN, paper, reference, shorten


def draw(draws: xr.Dataset) -> Figure:
    """A line for each statement, from 0 to its probability."""
    values = draws["probability"].values
    figure, (axes,) = paper(1, height=1.2 + 0.4 * len(values))
    places = np.arange(len(values))[::-1]
    axes.hlines(places, 0, values, color=MAIN, lw=1)
    axes.errorbar(values, places, xerr=draws["mcse"].values, fmt="o", color=MAIN, ms=5)
    axes.set_yticks(places, [shorten(text) for text in draws["statement"].values])
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("posterior probability")
    reference(axes, 0.5)
    return figure
