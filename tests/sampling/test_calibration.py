"""Simulation-based calibration: truths drawn from the prior have uniform ranks among posterior draws (Talts 2018)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.special import expit
from synthetic import design_of, linear_predictor, table

from hierkit.model.priors import make_priors
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.slopes import slopes
from hierkit.sampling import sample
from hierkit.sampling.engines import Choice
from hierkit.sampling.settings import make_settings

pytestmark = pytest.mark.slow

DRAWS, THIN = 400, 4
PRIORS = {
    "Intercept": "Normal(0, 1)",
    "x": "Normal(0, 1)",
    "sd(Intercept|g)": "HalfNormal(1)",
    "sd(x|g)": "Exponential(1)",
    "cor(g)": "LKJ(2)",
    "sd(Intercept|d)": "Gamma(2, 4)",
    "sigma": "Gamma(4, 4)",
}
MODELS = [
    ("marginal", "y ~ x + (x | g)", 6, "centre", 200),
    ("marginal", "y ~ x + (x | g) + (1 | d)", 3, "centre", 200),
    ("marginal", "y ~ x + (x | g)", 5, "zero", 200),
    ("joint", "y ~ x + (x | g) + (1 | d)", 6, "centre", 200),
    ("joint", "hit ~ x + (x | g) + (1 | d)", 6, "centre", 200),
    ("joint", "hit ~ x + (x | g)", 3, "centre", 200),
    ("joint", "hit ~ x + (x | g) + (1 | d)", 5, "zero", 200),
    ("pymc", "hit ~ x + (x | g)", 3, "centre", 30),
]


def truth_of(design: Any, priors: Any, rng: Any) -> xr.Dataset:
    """Parameters and effects from the priors above, as a posterior of one draw; G where its priors hold."""
    scalars = {"Intercept": rng.normal() - (x_slope := rng.normal()) * design.X[:, 1].mean(), "x": x_slope}
    sds = np.array([abs(rng.normal()), rng.exponential()])
    rho = 2 * rng.beta(2, 2) - 1
    G = np.outer(sds, sds) * [[1, rho], [rho, 1]]
    factor = design.factors[0]
    u = rng.multivariate_normal([0, 0], G, len(factor.levels))
    if priors.holds["cor(g)"] == "centre":
        G, u = factor.T @ G @ factor.T.T, u @ factor.T.T
    scalars["1|g_sigma"], scalars["x|g_sigma"] = np.sqrt(G.diagonal())
    arrays = {"1|g": u[:, 0], "x|g": u[:, 1]}
    if len(design.factors) > 1:
        scalars["1|d_sigma"] = rng.gamma(2, 1 / 4)
        arrays["1|d"] = rng.normal(0, scalars["1|d_sigma"], len(design.factors[1].levels))
    if design.family.has_residual:
        scalars["sigma"] = rng.gamma(4, 1 / 4)
    variables: dict[str, Any] = {name: (("chain", "draw"), [[value]]) for name, value in scalars.items()}
    for name, values in arrays.items():
        variables[name] = (("chain", "draw", f"{name[-1]}__factor_dim"), values[None, None])
    corr = G / np.sqrt(np.outer(G.diagonal(), G.diagonal()))
    variables["g_corr"] = (("chain", "draw", "g_effect", "g_effect_other"), corr[None, None])
    names = design.factors[0].effect_names
    return xr.Dataset(variables, coords={"g_effect": names, "g_effect_other": names})


def numbers(posterior: xr.Dataset, design: Any, rng: Any) -> dict[str, np.ndarray]:
    """(draw,) of what is ranked: parameters, and what is made of them at the mean of x."""
    x = design.X[:, 1].mean()
    centre = posterior["Intercept"] + posterior["x"] * x
    level, slope = posterior["1|g_sigma"], posterior["x|g_sigma"]
    covariance = posterior["g_corr"][..., 0, 1] * level * slope
    variance = np.maximum(level**2 + 2 * x * covariance + x**2 * slope**2, 0)
    found = {"centre": centre, "rho": posterior["g_corr"][..., 0, 1], "u": posterior["x|g"][..., 0]}
    found |= {str(name): values for name, values in posterior.items() if values.ndim == 2 and name != "Intercept"}
    residual = posterior["sigma"] ** 2 if "sigma" in posterior else np.pi**2 / 3
    found["shrinkage factor"] = variance / (variance + residual / design.factors[0].counts[0])
    found["icc"] = variance / (variance + residual)
    found["marginal slope"] = slopes(Posterior(posterior, design), "x", kind="marginal").draws["average"]
    found["new group"] = centre + np.sqrt(variance) * rng.normal(size=centre.shape)
    return {name: np.ravel(values) for name, values in found.items()}


def ranks(engine: str, text: str, groups: int, place: str, replications: int) -> dict[str, list[int]]:
    """For each quantity, how many of the thinned posterior draws lie below the truth, simulation by simulation."""
    rng, family = np.random.default_rng(1), "bernoulli" if text.startswith("hit") else "gaussian"
    count, far = np.arange(40), 3.0  # three sds from zero: priors at the centre and at zero are far apart
    data = table(40, seed=5).assign(d=count % 5, hit=count % 2, g=count % groups, x=lambda rows: rows.x + far)
    design = design_of(text, data, family)
    known = make_priors(design)
    priors = make_priors(design, {name: prior for name, prior in PRIORS.items() if name in known})
    priors = replace(priors, holds=dict(priors.holds) | dict.fromkeys(["sd(Intercept|g)", "cor(g)"], place))
    quick = make_settings(DRAWS, tune=400, chains=1, cores=1, target_accept=0.9, progressbar=False)
    found: dict[str, list[int]] = {}
    for replication in range(replications):
        truth = truth_of(design, priors, rng)
        eta = linear_predictor(design, truth)[0, 0]
        y = rng.normal(eta, truth["sigma"].item()) if family == "gaussian" else rng.binomial(1, expit(eta))
        simulated = design_of(text, data.assign(**{design.outcome_name: y}), family)
        settings = replace(quick, random_seed=replication)
        draws = sample(simulated, priors, "normal", Choice(engine, ""), settings)  # type: ignore[arg-type]
        below = numbers(draws["posterior"].to_dataset(), design, rng)
        for name, value in numbers(truth, design, rng).items():
            found.setdefault(name, []).append(int((below[name][::THIN] < value).sum()))
    return found


@pytest.mark.parametrize(("engine", "text", "groups", "place", "replications"), MODELS)
def test_engine_is_calibrated(engine: Any, text: Any, groups: Any, place: Any, replications: Any) -> None:
    """Ranks are uniform on 0 to 100, by Kolmogorov and Smirnov at 0.1 % over all quantities."""
    found = ranks(engine, text, groups, place, replications)
    for name, places in found.items():
        assert len(places) == replications
        jittered = (np.array(places) + np.random.default_rng(0).uniform(size=len(places))) / (DRAWS // THIN + 1)
        assert stats.kstest(jittered, "uniform").pvalue > 0.001 / len(found), name
