"""The mean along a predictor: each group's curve, the typical and the marginal one."""

import xarray as xr
from matplotlib.figure import Figure

from hierkit.intervals import interval, interval_in_words
from hierkit.plots.canvas import MAIN, MOST_LABELS, OTHER, QUIET, paper, shorten, words


def draw(draws: xr.Dataset) -> Figure:
    """One panel; groups thin and grey, the typical curve whole, the marginal one dashed, each with its interval."""
    along = next(str(dim) for dim in draws["typical"].dims if dim not in ("chain", "draw"))
    x = draws[along].values
    figure, (axes,) = paper(1, width=7.0, height=4.5)
    if "by_group" in draws:
        groups = draws["by_group"].mean(("chain", "draw")).transpose("group", along).values
        shown = groups[:: max(1, len(groups) // (10 * MOST_LABELS))]
        axes.plot(x, shown.T, color=QUIET, lw=0.7, alpha=0.5)
        whole = draws.attrs.get("groups", len(groups))
        factor = words(draws, "factor", "the factor")
        counted = f"{len(shown):,} of {whole:,}" if len(shown) < whole else f"{whole:,}"
        axes.plot([], [], color=QUIET, lw=0.7, label=f"{counted} groups of {factor}")
    for name, color, style in (("typical", MAIN, "-"), ("marginal", OTHER, "--")):
        found = interval(draws[name])
        axes.fill_between(x, found.lower, found.upper, color=color, alpha=0.2, lw=0)
        axes.plot(x, found.estimate, color=color, ls=style, lw=2, label=name)
    if "closed_form" in draws:
        axes.plot(x, draws["closed_form"].values, color="black", ls=":", lw=1, label="marginal, closed form (a check)")
    axes.set(xlabel=shorten(along, 60), ylabel=f"mean of {words(draws, 'outcome', 'the outcome')}")
    axes.set_title(f"bands: {interval_in_words()}", fontsize="medium")
    axes.legend(fontsize="small")
    return figure
