"""Outcomes that a model could make, beside those that were seen: from its posterior, and from its priors."""

import xarray as xr

from hierkit.model.design import Design
from hierkit.model.points import check_keeps_rows
from hierkit.model.priors import Priors
from hierkit.model.run import Run
from hierkit.posterior.posterior import Posterior
from hierkit.prediction.predictive_check import ReplicatedGroups, observed, replicated
from hierkit.sampling.settings import check_count


def posterior_predictive(
    posterior: Posterior, draws: xr.DataTree, groups: ReplicatedGroups = "known", random_seed: int = 0
) -> xr.DataTree:
    """Outcomes of the fitted rows drawn anew, beside the draws, for ArviZ's predictive checks.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    draws : xarray.DataTree
        The same draws with what else the fit holds.
    groups : {"known", "new"}
        Group effects as drawn, or drawn anew from their distribution.
    random_seed : int, optional
        The same seed gives the same numbers; the fit's own if not given.

    Returns
    -------
    xarray.DataTree
        The groups of `draws`, and `posterior_predictive`: the outcome under its name (chain, draw, __obs__) in its
        own units, successes for counts, and for each factor `mean(team)` (chain, draw, team), the means of its
        groups.

    Raises
    ------
    HierkitError
        For unknown `groups`.
    """
    found = replicated(posterior, groups, random_seed)
    kept = {name: node.to_dataset() for name, node in draws.children.items()}
    return xr.DataTree.from_dict(kept | {"posterior_predictive": found, "observed_data": observed(posterior.design)})


def prior_predictive(design: Design, priors: Priors, run: Run, draws: int = 1000, random_seed: int = 0) -> xr.DataTree:
    """Draws of the prior, and outcomes of the fitted rows drawn from it.

    Parameters
    ----------
    design, priors, run : Design, Priors, Run
        Of the fit.
    draws : int
        How many.
    random_seed : int, optional
        The same seed gives the same numbers; the fit's own if not given.

    Returns
    -------
    xarray.DataTree
        `prior`, parameters (chain, draw, ...) under the names of the posterior; `prior_predictive`, outcomes as in
        `posterior_predictive`; `observed_data`.

    Raises
    ------
    HierkitError
        For a number of draws below 1.
    """
    from hierkit.sampling.pymc.engine import sample_prior  # Bambi and PyMC take seconds to import

    check_keeps_rows(design, "prior_predictive()")
    check_count("draws", draws)
    prior = sample_prior(design, priors, run.effects, draws, random_seed)
    found = replicated(Posterior(prior, design), "known", random_seed)
    return xr.DataTree.from_dict({"prior": prior, "prior_predictive": found, "observed_data": observed(design)})
