"""What clustering costs: the design effect as a function of group size, with these data's point on it."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hierkit.intervals import interval
from hierkit.plots.canvas import MAIN, OTHER, legend, one_group, paper, reference, words

FARTHEST = 2.0  # times these data's group size


def draw(draws: xr.Dataset) -> Figure:
    """1 + (m - 1) ρ over m, with the interval of ρ, and the point of these data."""
    size = float(draws.attrs["size"])
    found = interval(draws["design_effect"])
    m = np.linspace(1, max(FARTHEST * size, 2), 50)
    figure, (axes,) = paper(1)
    share = (m - 1) / (size - 1) if size > 1 else np.zeros_like(m)
    low, middle, high = (1 + (bound - 1) * share for bound in (found.lower, found.estimate, found.upper))
    axes.fill_between(m, low, high, color=MAIN, alpha=0.2, lw=0)
    axes.plot(m, middle, color=MAIN, label="1 + (m - 1) ρ")
    whisker = [[found.estimate - found.lower], [found.upper - found.estimate]]
    axes.errorbar(
        [size], [found.estimate], yerr=whisker, fmt="X", color=OTHER, ms=9,
        label=f"these data: m = {size:.4g}, {float(found.estimate):.3g}",
    )  # fmt: skip
    reference(axes, 1.0, horizontal=True)
    axes.set(
        xlabel=f"{words(draws, 'unit', 'rows')} in a {one_group(draws)}, m",
        ylabel="design effect",
    )
    legend(figure, [axes])
    return figure
