"""How the variance divides between groups and rows."""

import xarray as xr
from matplotlib.figure import Figure

from hierkit.intervals import interval, interval_in_words
from hierkit.plots.canvas import axis, legend, paper, term, title, whiskers

STYLES = ("-", "--", ":", "-.")


def draw(draws: xr.Dataset) -> Figure:
    """Intraclass correlations as intervals, or as curves where they are along a predictor."""
    names = [str(name) for name in draws]
    along = [str(dim) for dim in draws[names[0]].dims if dim not in ("chain", "draw", "factor")]
    if not along:
        labels = [f"{term(factor)}, {name}" for name in names for factor in draws["factor"].values]
        figure, (axes,) = paper(1, width=7.0, height=1.4 + 0.4 * len(labels))
        stacked = xr.concat([draws[name] for name in names], dim="entry").stack(all=["entry", "factor"])
        whiskers(axes, interval(stacked.drop_vars(["all", "entry", "factor"], errors="ignore")), labels)
        axes.set(xlim=(0, 1), xlabel=f"share of the variance between groups, {interval_in_words()}")
        return figure
    figure, panels = paper(len(names))
    x = draws[along[0]].values
    for axes, name in zip(panels, names, strict=True):
        for k, factor in enumerate(draws["factor"].values):
            found = interval(draws[name].sel(factor=factor))
            axes.fill_between(x, found.lower, found.upper, color=f"C{k}", alpha=0.2, lw=0)
            axes.plot(x, found.estimate, color=f"C{k}", ls=STYLES[k % len(STYLES)], label=term(factor))
        axes.set(xlabel=axis(along[0]), ylabel=f"{name} share between groups", ylim=(0, None))
    legend(figure, panels)
    title(figure, interval_in_words())
    return figure
