"""Pictures of a fit by ArviZ: its draws by chain, and data that the model could make."""

from typing import TYPE_CHECKING

import xarray as xr

from hierkit.errors import refusal
from hierkit.model.names import matrix_dims
from hierkit.posterior.posterior import Posterior
from hierkit.prediction.by_trial import by_trial
from hierkit.prediction.predictive_check import ReplicatedGroups
from hierkit.predictive import posterior_predictive

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_trace(posterior: Posterior, draws: xr.DataTree) -> "Figure":
    """Distributions and ranks of the parameters by chain, drawn by ArviZ; group effects are left out.

    Returns
    -------
    matplotlib.figure.Figure
        For each parameter its draws in each chain as a distribution, and the ranks of its draws, which are uniform
        where the chains agree.

    Raises
    ------
    HierkitError
        For a fit of one chain.
    """
    from hierkit.plots.sampling import trace  # arviz_plots takes a second to import

    if posterior.dataset.sizes["chain"] < 2:
        raise refusal("The fit has one chain", "plot_trace() compares chains", "Fit with chains=4")
    common = posterior.common
    return trace(draws, [str(name) for name, variable in common.items() if not matrix_dims(variable)])


def plot_replicates(
    posterior: Posterior, draws: xr.DataTree, groups: ReplicatedGroups = "known", random_seed: int = 0
) -> "Figure":
    """Outcomes drawn from the model beside the observed ones, by ArviZ.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    draws : xarray.DataTree
        The same draws with what else the fit holds.
    groups : {"known", "new"}
        Group effects as drawn, or drawn anew from their distribution.
    random_seed : int, optional
        The same seed gives the same numbers.

    Returns
    -------
    matplotlib.figure.Figure
        Distributions of replicated outcomes, and the one that was observed. For a two-valued outcome the share of
        events by their predicted probability, which a model that fits keeps near the line of equality, with a band
        of what it would be in data drawn from the model.
    """
    from hierkit.plots import sampling as pictures  # arviz_plots takes a second to import

    outcome, name = posterior.design.outcome, posterior.design.outcome_name
    found = posterior_predictive(posterior, draws, groups, random_seed)
    if outcome.is_frequencies:
        found = by_trial(posterior.design, found, random_seed)
    return (pictures.reliability if outcome.is_events else pictures.replicates)(found, name)
