"""Group effects: each group's deviation with its interval, and how level and slope go together."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.ticker import FixedLocator
from scipy.special import expit, logit

from hierkit.intervals import interval, interval_in_words
from hierkit.plots.canvas import (
    MAIN,
    MOST_LABELS,
    NAMED,
    OTHER,
    effect_name,
    factor_name,
    legend,
    paper,
    reference,
    shorten,
    title,
    unit,
    whiskers,
    wrapped,
)
from hierkit.vocabulary import capital

TICKS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)  # of probabilities
CERTAIN = 1e-9
SHARES = (0.5, 0.89)  # of groups inside the ellipses


def draw(draws: xr.Dataset) -> Figure:
    """A panel for each effect; with two or more also the first two against each other, with ellipses of G."""
    effects = draws["effect"].values
    size = draws.sizes["group"]
    together = len(effects) > 1 and "G" in draws
    height = 1.4 + 0.22 * min(size, MOST_LABELS)
    figure, panels = paper(len(effects) + together, height=max(4.0, height))
    for axes, effect in zip(panels, effects, strict=False):
        found = interval(draws["deviation"].sel(effect=effect))
        whiskers(axes, found, draws["group"].values, factor_name(draws), sort=True)
        reference(axes, 0.0, name="common")
        axes.set_xlabel(wrapped(f"{effect_name(effect)}: difference from the common one ({unit(draws, effect)})"))
        if effect == "Intercept" and "centre" in draws.attrs:
            _probabilities(axes, float(draws.attrs["centre"]))
    if together:
        _pairs(panels[-1], draws, effects)
        legend(figure, panels[-1:])
    title(figure, f"{capital(factor_name(draws))}, {interval_in_words()}")
    return figure


def _probabilities(axes: Axes, centre: float) -> None:
    """An axis of probabilities above the one of log odds, for a row at the means of the predictors."""
    functions = (lambda x: expit(x + centre), lambda p: logit(np.clip(p, CERTAIN, 1 - CERTAIN)) - centre)
    above = axes.secondary_xaxis("top", functions=functions)
    above.set_xlabel("probability at the means of the predictors", fontsize="small", labelpad=12)
    above.xaxis.set_major_locator(FixedLocator([p for p in TICKS if _inside(axes, logit(p) - centre)]))
    above.tick_params(labelsize="small")


def _inside(axes: Axes, value: float) -> bool:
    low, high = axes.get_xlim()
    return bool(low < value < high)


def _pairs(axes: Axes, draws: xr.Dataset, effects: np.ndarray) -> None:
    u = draws["deviation"].mean(("chain", "draw")).sel(effect=list(effects[:2])).values
    G = draws["G"].values[:2, :2]
    axes.plot(u[:, 0], u[:, 1], "o", color=MAIN, ms=2 if len(u) > MOST_LABELS else 5, alpha=0.7)
    values, vectors = np.linalg.eigh(G)
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    for share, style in zip(SHARES, ("-", "--"), strict=True):
        width, height = 2 * np.sqrt(-2 * np.log(1 - share) * values[::-1].clip(0))
        axes.add_patch(Ellipse((0, 0), width, height, angle=angle, fill=False, color=OTHER, ls=style))
        axes.plot([], [], color=OTHER, ls=style, label=f"{share:.0%} of {factor_name(draws)} by the model")
    for j in np.argsort(np.einsum("ja,ab,jb->j", u, np.linalg.pinv(G), u))[-NAMED:]:
        axes.annotate(
            shorten(draws["group"].values[j]), u[j], xytext=(4, 4), textcoords="offset points", fontsize="small"
        )
    axes.set_xlabel(wrapped(f"{effect_name(effects[0])}: difference, posterior mean"))
    axes.set_ylabel(wrapped(f"{effect_name(effects[1])}: difference, posterior mean"))
    axes.autoscale_view()
