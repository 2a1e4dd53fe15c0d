"""ArviZ's own pictures of a run: traces with ranks, and replicated data."""

from typing import Any

import arviz_plots
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hierkit.errors import refusal
from hierkit.plots.bins import NARROWEST


def trace(draws: xr.DataTree, names: list[str]) -> Figure:
    """Distributions and ranks of parameters by chain (`arviz_plots.plot_rank_dist`)."""
    for name in names:
        values = draws["posterior"].to_dataset()[name].values
        if 0 < np.ptp(values, axis=(0, 1)).min() < NARROWEST * np.abs(values).max():
            raise refusal(
                f"The draws of {name} differ in their last digits alone",
                "A picture of their distribution needs more",
                "Check whether predictors determine the outcome",
            )
    return _figure(arviz_plots.plot_rank_dist(draws, var_names=names, backend="matplotlib"))


def replicates(draws: xr.DataTree, outcome: str) -> Figure:
    """Replicated outcomes beside the observed ones (`arviz_plots.plot_ppc_dist`)."""
    return _figure(arviz_plots.plot_ppc_dist(draws, var_names=[outcome], backend="matplotlib"))


def reliability(draws: xr.DataTree, outcome: str) -> Figure:
    """Shares of events by their predicted probability (`arviz_plots.plot_ppc_pava`), a line of equality beside."""
    figure = _figure(arviz_plots.plot_ppc_pava(draws, var_names=[outcome], backend="matplotlib"))
    figure.axes[0].set(xlabel="predicted probability", ylabel="share of events", title="")
    figure.set_layout_engine("constrained")  # or the label below would be cut off
    return figure


def _figure(collection: Any) -> Figure:
    figure: Figure = collection.viz["figure"].item()
    plt.close(figure)  # or a notebook would show it twice
    return figure
