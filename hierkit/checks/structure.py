"""Findings about the model's structure: sds that the data do not inform, correlations at the edge."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.checks.findings import Finding
from hierkit.checks.limits import (
    EDGE_CORRELATION,
    EDGE_SHARE,
    FAR_ZERO,
    OVERLAP,
    PILED_BELOW,
    PILED_SHARE,
    PULLED,
)
from hierkit.checks.priors import pull
from hierkit.model.columns import weighted_mean, weighted_sd
from hierkit.model.distributions import Prior
from hierkit.model.groups import Factor
from hierkit.model.names import INTERCEPT
from hierkit.model.names import correlation as correlation_name
from hierkit.model.priors import Priors, held_at_zero
from hierkit.posterior.effects import correlation, entry
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.where_priors_hold import covariance_of_priors


def structure_findings(posterior: Posterior, priors: Priors) -> Iterator[Finding]:
    """Findings about group effects as the posterior shows them.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design, priors
        Of the model that was fitted.

    Yields
    ------
    Finding
        An sd whose posterior overlaps its prior by more than 80%; an sd of which 10% of the draws lie below a tenth
        of its 95th percentile (16% would for a half-normal at zero), unless its prior puts it there; a correlation
        beyond ±0.95 in 10% of the draws; slopes on a predictor whose zero lies at least three sds from its mean and
        outside the data. Sds and correlations are those where their priors hold.
    """
    design = posterior.design
    for factor in design.factors:
        cov = posterior.covariance(factor)
        held = covariance_of_priors(posterior, factor, priors)
        for effect in factor.effects:
            sd = np.sqrt(held.sel(effect=effect.label, effect_other=effect.label).values.ravel())
            name = factor.sd(effect)
            yield from _sd(name, sd, priors[name])
        for block in factor.blocks:
            yield from _correlations(factor, held, [factor.effects[i].label for i in block])
        yield from _far_zero(factor, cov, priors, design.trials)


def _sd(name: str, sd: Array, prior: Prior) -> Iterator[Finding]:
    piled = float((sd < PILED_BELOW * np.quantile(sd, 0.95)).mean())
    if (overlap := prior_overlap(sd, prior)) > OVERLAP:
        message = f"The posterior of {name} follows its prior {prior} (overlap {overlap:.0%})."
        yield Finding(
            "warning", "prior-driven sd", message, "The data say little about it: choose its prior with care."
        )
    elif piled > PILED_SHARE and pull(sd, prior)[0] <= PULLED:
        message = (
            f"The posterior of {name} piles up at zero: {piled:.0%} of the draws are below a tenth of the 95th "
            "percentile."
        )
        advice = "Groups may not differ in this at all: report the interval, and see what changes without the effect."
        yield Finding("note", "sd at zero", message, advice)


def prior_overlap(sd: Array, prior: Prior) -> float:
    """The overlap of draws and prior, ∑ min(p, q) over the prior's twenty-quantile bins; 1 if they are the same."""
    edges = prior.quantiles(np.linspace(0, 1, 21))
    edges[0], edges[-1] = -np.inf, np.inf
    shares = np.histogram(sd, bins=edges)[0] / len(sd)
    return float(np.minimum(shares, 1 / 20).sum())


def _correlations(factor: Factor, cov: xr.DataArray, labels: list[str]) -> Iterator[Finding]:
    for i, a in enumerate(labels):
        for b in labels[:i]:
            share = float((np.abs(correlation(cov, b, a)) > EDGE_CORRELATION).mean())
            if share > EDGE_SHARE:
                name = correlation_name(b, a, factor.label)
                message = f"{name} lies beyond ±{EDGE_CORRELATION} in {share:.0%} of the draws."
                advice = "One of the two effects may suffice; compare with || or without the slope."
                yield Finding("warning", "correlation at the edge", message, advice)


def _far_zero(factor: Factor, cov: xr.DataArray, priors: Priors, trials: Array) -> Iterator[Finding]:
    """Group slopes on a predictor whose zero no row is near."""
    blocks = [*factor.blocks, *((i,) for i in range(len(factor.effects)) if not any(i in b for b in factor.blocks))]
    for block in blocks:
        for i in block:
            effect, z = factor.effects[i], factor.Z[:, i]
            outside = z.min() > 0 or z.max() < 0
            mean, sd = float(weighted_mean(z, trials)), weighted_sd(z, trials)
            if effect.spread is None or not outside or abs(mean) < FAR_ZERO * sd:
                continue
            where = f"{effect.label} = 0 lies far outside the data (mean {mean:.4g}, sd {sd:.3g})."
            advice = f"Centre {effect.label}: the intercept then describes a typical row."
            level = next((k for k in block if factor.effects[k].is_intercept), None)
            if len(block) == 1:
                message = f"{where} Its effects over {factor.label} are uncorrelated with others there, and only there."
                advice = f"Centre {effect.label}, or write one bar: the model then no longer depends on its zero."
                yield Finding("warning", "far zero", message, advice)
            elif held_at_zero(factor, priors):
                message = f"{where} The priors of {factor.label} hold there, and say little of what is at the rows."
                yield Finding("warning", "far zero", message, f"Centre {effect.label}, or keep the default priors.")
            elif level is not None:
                here = float(correlation(cov, factor.effects[level].label, effect.label).mean())
                there = float(_centred_correlation(cov, effect.label, mean).mean())
                message = f"{where} The correlation of intercept and slope over {factor.label} is {here:.2f} there"
                yield Finding("note", "far zero", f"{message} and {there:.2f} at the mean.", advice)


def _centred_correlation(cov: xr.DataArray, slope: str, centre: float) -> xr.DataArray:
    """The correlation of u_0 + centre u_1 with u_1."""
    g00 = entry(cov, INTERCEPT, INTERCEPT)
    g01 = entry(cov, INTERCEPT, slope)
    g11 = entry(cov, slope, slope)
    return (g01 + centre * g11) / ((g00 + 2 * centre * g01 + centre**2 * g11) * g11) ** 0.5
