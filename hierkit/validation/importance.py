"""Pareto-smoothed importance sampling of a posterior's draws, by ArviZ."""

import arviz_stats
import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.posterior.draws import Draws, varying
from hierkit.posterior.posterior import Posterior

FEWEST = 25  # draws: ArviZ smooths a tail of five


def good_k(samples: int) -> float:
    """The Pareto k up to which importance sampling with so many draws can be relied on (Vehtari et al. 2024)."""
    return min(1 - 1 / float(np.log10(samples)), 0.7)


def check_draws(posterior: Posterior) -> None:
    """Refuse a posterior of very few draws."""
    if posterior.size < FEWEST:
        raise refusal(
            f"The fit has {posterior.size} draws",
            f"Importance sampling needs at least {FEWEST}",
            "Fit again with more draws",
        )


def smoothed(draws: Draws, values: Array, relative: float) -> xr.Dataset:
    """PSIS of log likelihoods (sample, point): `elpd`, `pareto_k`, `p` (point,)."""
    scores = {"elpd": values[0].copy(), "pareto_k": np.full(values.shape[1], -np.inf), "p": np.zeros(values.shape[1])}
    points = np.flatnonzero(np.ptp(values, axis=0))  # ArviZ refuses rows without trials, which weigh all draws alike
    if len(points):
        array = draws.labelled(values[:, points], {"point": points})
        for name, found in zip(scores, array.azstats.loo(sample_dims=["chain", "draw"], r_eff=relative), strict=True):
            scores[name][points] = found.values
    return xr.Dataset({name: ("point", own) for name, own in scores.items()})


def relative_ess(posterior: Posterior) -> float:
    """Effective draws per draw, averaged over the parameters that are no group effects."""
    if posterior.dataset.sizes["chain"] == 1:
        return 1.0
    ess = arviz_stats.ess(varying(posterior.common), method="mean")
    found = np.concatenate([np.ravel(variable) for variable in ess.values()])
    return float(found.mean()) / posterior.size
