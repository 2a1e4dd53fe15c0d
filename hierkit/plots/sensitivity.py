"""What priors, the distribution of group effects and the likelihood do to each parameter, by power scaling."""

from collections.abc import Hashable

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hierkit.plots.canvas import MOST_LABELS, effect_name, legend, paper, reference, shorten, term

MARKS = {"prior": ("o", "priors"), "effects": ("s", "distribution of group effects"), "likelihood": ("^", "likelihood")}


def draw(draws: xr.Dataset) -> Figure:
    """Sensitivities of each parameter, one below the other, and the limit from which they are noticeable.

    Group effects are shown where the priors move them noticeably, as many as can be named.
    """
    limit = float(draws.attrs["noticeable"])
    groups = draws["group"].values if "group" in draws else np.full(draws.sizes["parameter"], "")
    shown = np.flatnonzero((groups == "") | (draws["prior"].values >= limit))[:MOST_LABELS]
    parameters = draws["parameter"].values[shown]
    places = np.arange(len(shown))[::-1]
    figure, (axes,) = paper(1, width=7.0, height=1.6 + 0.3 * len(shown))
    for k, (variable, (mark, name)) in enumerate(MARKS.items()):
        if variable in draws:
            axes.plot(draws[variable].values[shown], places, mark, color=f"C{k}", alpha=0.8, label=name)
    reference(axes, limit, name="noticeable")
    axes.set_yticks(places, [_name(*one) for one in zip(parameters, groups[shown], strict=True)])
    axes.set(xlabel="how far the posterior moves", ylim=(-0.9, len(shown) - 0.3))
    axes.set_xlim(left=0)
    legend(figure, [axes])
    return figure


def _name(parameter: Hashable, group: Hashable) -> str:
    if not group:
        return term(parameter, 60)
    return f"{effect_name(str(parameter).split('|')[0])} of {shorten(group)}"
