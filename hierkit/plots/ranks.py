"""Ranks of groups, and how certain they are."""

import xarray as xr
from matplotlib.figure import Figure

from hierkit.intervals import interval, interval_in_words
from hierkit.plots.canvas import MOST_LABELS, OTHER, factor_name, paper, reference, title, whiskers


def draw(draws: xr.Dataset) -> Figure:
    """Intervals of ranks, and the probability of being among the best."""
    size = draws.sizes["group"]
    figure, (left, right) = paper(2, height=max(4.0, 1.4 + 0.22 * min(size, MOST_LABELS)))
    found = interval(draws["rank"])
    whiskers(left, found, draws["group"].values, factor_name(draws), sort=True)
    left.set_xlabel(f"rank, {interval_in_words()}")
    reference(left, (size + 1) / 2, name="middle")
    order = found.estimate.argsort()
    share = draws["among_best"].mean(("chain", "draw")).values[order]
    right.plot(found.estimate[order], share, "o-", color=OTHER, ms=2 if size > MOST_LABELS else 5, lw=0.8)
    right.set(xlabel="expected rank", ylabel="probability of being among the best", ylim=(-0.02, 1.02))
    title(figure, f"Ranks of {factor_name(draws)}")
    return figure
