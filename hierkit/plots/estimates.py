"""Numbers with standard errors, by method or by model."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierkit.plots.canvas import MAIN, OTHER, paper, reference, shorten, term, title

MARKS = "osD^vPX*"


def draw(draws: xr.Dataset) -> Figure:
    """Classical methods: a panel for each parameter. Compared models: differences to the best."""
    if "elpd_diff" in draws:
        figure, (axes,) = paper(1, height=1.4 + 0.4 * draws.sizes["model"])
        models = [shorten(model) for model in draws["model"].values]
        _bars(axes, draws["elpd_diff"].values, draws["dse"].values, models)
        axes.set_xlabel("difference of log scores to the best model, and its standard error")
        reference(axes, 0.0)
        return figure
    parameters, methods = draws["parameter"].values, draws["method"].values
    figure, panels = paper(min(3, len(parameters)), -(-len(parameters) // 3), height=1.2 + 0.35 * len(methods))
    labels = [f"{method}\n({answers})" for method, answers in zip(methods, draws["answers"].values, strict=True)]
    for axes, parameter in zip(panels, parameters, strict=False):
        part = draws.sel(parameter=parameter)
        _bars(axes, part["estimate"].values, part["se"].values, labels)
        axes.set_title(term(parameter, 40), fontsize="medium")
    for axes in panels[len(parameters) :]:
        axes.set_visible(False)
    for k, axes in enumerate(panels):
        if k % 3:
            axes.set_yticklabels([])
    title(figure, "estimates and standard errors")
    return figure


def _bars(axes: Axes, values: np.ndarray, errors: np.ndarray, labels: list[str]) -> None:
    places = np.arange(len(values))[::-1]
    for place, value, error, mark in zip(places, values, errors, MARKS * len(values), strict=False):
        width = 0.0 if np.isnan(error) else error
        color = MAIN if place == len(values) - 1 else OTHER
        axes.errorbar([value], [place], xerr=[width], fmt=mark, color=color, ms=6)
    axes.set_yticks(places, labels, fontsize="small")
    axes.set_ylim(-0.6, len(values) - 0.4)
