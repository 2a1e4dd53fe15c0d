"""Whether ranks of truths are uniform: how far their distribution is from the diagonal, with a simultaneous band."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy import stats

from hierkit.plots.canvas import MAIN, OTHER, QUIET, legend, paper, reference, term, title

BAND = 0.95
MOST_PANELS = 12


def draw(draws: xr.Dataset) -> Figure:
    """A panel for each parameter: the distribution of the ranks less that of uniform ones, and the band of chance."""
    names = draws["parameter"].values[:MOST_PANELS]
    columns = min(3, len(names))
    figure, panels = paper(columns, -(-len(names) // columns), width=3.0, height=2.4)
    for axes, name in zip(panels, names, strict=False):
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
        axes.set(xlabel=term(name, 30), ylim=(-3 * width, 3 * width))
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    legend(figure, panels[:1])
    title(figure, "Shares of posterior draws below the truth: their distribution less a uniform one")
    return figure
