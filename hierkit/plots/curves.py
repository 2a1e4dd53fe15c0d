"""The mean along a predictor: each group's curve, the typical and the marginal one."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hierkit.intervals import interval, interval_in_words
from hierkit.plots.canvas import (
    MAIN,
    MOST_LABELS,
    OTHER,
    QUIET,
    axis,
    factor_name,
    legend,
    one_group,
    outcome_axis,
    paper,
)


def draw(draws: xr.Dataset) -> Figure:
    """One panel; groups thin and grey, the typical curve whole, the marginal one dashed, each with its interval.

    Where both are the same, as for a Gaussian outcome, there is one.
    """
    along = next(str(dim) for dim in draws["typical"].dims if dim not in ("chain", "draw"))
    x = draws[along].values
    figure, (axes,) = paper(1, width=7.0, height=4.5)
    if "by_group" in draws:
        groups = draws["by_group"].mean(("chain", "draw")).transpose("group", along).values
        shown = groups[:: max(1, len(groups) // (10 * MOST_LABELS))]
        axes.plot(x, shown.T, color=QUIET, lw=0.7, alpha=0.5)
        whole = draws.attrs.get("groups", len(groups))
        counted = f"{len(shown):,} of {whole:,}" if len(shown) < whole else f"{whole:,}"
        axes.plot([], [], color=QUIET, lw=0.7, label=f"{counted} {factor_name(draws)}")
    alike = np.allclose(draws["typical"].values, draws["marginal"].values)
    group = one_group(draws)
    labels = {"typical": "mean" if alike else f"a typical {group}", "marginal": "the whole population"}
    for name, color, style in (("typical", MAIN, "-"), ("marginal", OTHER, "--"))[: 1 if alike else 2]:
        found = interval(draws[name])
        axes.fill_between(x, found.lower, found.upper, color=color, alpha=0.2, lw=0)
        axes.plot(x, found.estimate, color=color, ls=style, lw=2, label=labels[name])
    axes.fill_between([], [], color=QUIET, alpha=0.3, lw=0, label=f"bands: {interval_in_words()}")
    axes.set(xlabel=axis(along), ylabel=outcome_axis(draws))
    legend(figure, [axes])
    return figure
