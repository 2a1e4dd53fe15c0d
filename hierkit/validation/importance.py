"""Importance sampling of a posterior's draws: what it needs, and what it gives."""

from collections.abc import Callable

import arviz_stats
import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.posterior.draws import varying
from hierkit.posterior.posterior import Posterior
from hierkit.validation.psis import psis

FEWEST = 25  # draws: their tail has five


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


def smoothed(posterior: Posterior, log_p: Callable[[slice], Array], points: int) -> xr.Dataset:
    """PSIS of log densities (sample, point), computed in parts: `elpd`, `pareto_k`, `p` (point,)."""
    found = psis(log_p, points, relative_ess(posterior))
    return xr.Dataset({name: ("point", own) for name, own in zip(("elpd", "pareto_k", "p"), found, strict=True)})


def relative_ess(posterior: Posterior) -> float:
    """Effective draws per draw, averaged over the parameters that are no group effects."""
    if posterior.dataset.sizes["chain"] == 1:
        return 1.0
    ess = arviz_stats.ess(varying(posterior.common), method="mean")
    found = np.concatenate([np.ravel(variable) for variable in ess.values()])
    return float(found.mean()) / posterior.size
