"""Whether ranks of truths are uniform: how far their distribution is from the diagonal, with a simultaneous band."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy import stats

from hierkit.plots.canvas import MAIN, OTHER, QUIET, legend, panels_of_parameters, reference, title

BAND = 0.95


def draw(draws: xr.Dataset) -> Figure:
    """A panel for each parameter: the distribution of the ranks less that of uniform ones, and the band of chance."""
    figure, panels = panels_of_parameters(draws)
    for name, axes in panels.items():
        shares = np.sort(draws["rank"].sel(parameter=name).values.ravel())
        n = len(shares)
        width = stats.kstwo(n).ppf(BAND)  # all of it lies inside with this probability
        axes.fill_between(
            [0, 1], [-width, -width], [width, width], color=QUIET, alpha=0.25, lw=0, label="95% by chance"
        )
        below = np.arange(1, n + 1) / n - shares
        inside = np.abs(below).max() <= width
        axes.plot(shares, below, color=MAIN if inside else OTHER, lw=1.5, drawstyle="steps-post", label="ranks")
        reference(axes, 0.0, horizontal=True)
        axes.set_ylim(-3 * width, 3 * width)
    legend(figure, list(panels.values())[:1])
    title(figure, "Shares of posterior draws below the truth: their distribution less a uniform one")
    return figure
