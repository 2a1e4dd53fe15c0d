"""Whether a prior moves a parameter away from where the rows put it."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.checks.findings import Finding
from hierkit.checks.limits import PULLED
from hierkit.model.distributions import Prior
from hierkit.model.names import Kind, kind_of
from hierkit.model.priors import Priors
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.where_priors_hold import terms_of_priors

STEP = 0.01  # posterior sds, for the slope of a prior's log density
MOST_PULLED = 0.95  # of the posterior's precision that a prior may have: beyond, the rows alone put it nowhere


def prior_findings(posterior: Posterior, priors: Priors) -> Iterator[Finding]:
    """Findings about priors and rows that are far apart.

    With m, v the posterior's mean and variance and h, -k the slope and second derivative of the log prior at m, the
    rows alone put the parameter near m - v h / (1 - v k), were both normal.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design, priors
        Of the model that was fitted.

    Yields
    ------
    Finding
        For each coefficient or sd that its prior moves by more than one posterior sd; a note for degrees of freedom.
    """
    for name, values in terms_of_priors(posterior, priors):
        draws = values.values.ravel()
        if not np.isfinite(draws).all() or not np.ptp(draws) or _are_apart(values):
            continue
        moved, alone = pull(draws, priors[name])
        if moved <= PULLED:
            continue
        message = (
            f"The prior {priors[name]} moves {name} by {moved:.1f} posterior sds: its posterior mean is "
            f"{draws.mean():.3g}, and the rows alone put it near {alone:.3g}."
        )
        if kind_of(name) is Kind.DEGREES:
            advice = 'Few groups say little about tails: see whether effects="normal" changes what you report.'
            yield Finding("note", "prior and rows apart", message, advice)
            continue
        advice = f"Widen the prior of {name} unless you know that it is right, or check the units of its column."
        yield Finding("warning", "prior and rows apart", message, advice)


def _are_apart(draws: xr.DataArray) -> bool:
    """Whether chains are in places of their own: what they have in common is then not the posterior."""
    return bool(draws.mean("draw").std("chain") > draws.std("draw").mean())


def pull(draws: Array, prior: Prior) -> tuple[float, float]:
    """By how many posterior sds a prior moves a parameter, and where the rows alone put it."""
    mean, sd = float(draws.mean()), float(draws.std())
    below, here, above = prior.log_density(mean + STEP * sd * np.array([-1.0, 0.0, 1.0]))
    if not np.isfinite([below, here, above]).all():
        return 0.0, mean
    # derivatives by the parameter in units of its posterior sd
    slope, bend = (above - below) / (2 * STEP), (above - 2 * here + below) / STEP**2
    left = 1 - min(max(-bend, 0.0), MOST_PULLED)
    moved = slope / left
    return abs(moved), mean - moved * sd
