"""Simulation-based calibration: truths drawn from the prior have uniform ranks among posterior draws (Talts 2018)."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.special import expit
from synthetic import design_of, linear_predictor, table

from hierkit.model.priors import make_priors
from hierkit.sampling import Choice, sample
from hierkit.sampling.settings import make_settings

pytestmark = pytest.mark.slow

DRAWS, THIN = 400, 4
PRIORS = {
    "Intercept": "Normal(0, 1)",
    "x": "Normal(0, 1)",
    "sd(1|g)": "HalfNormal(1)",
    "sd(x|g)": "Exponential(1)",
    "cor(g)": "LKJ(2)",
    "sd(1|d)": "Gamma(2, 4)",
    "sigma": "Gamma(4, 4)",
}
MODELS = [
    ("marginal", "y ~ x + (x | g)", 200),
    ("joint", "y ~ x + (x | g) + (1 | d)", 200),
    ("joint", "hit ~ x + (x | g) + (1 | d)", 200),
    ("pymc", "hit ~ x + (x | g)", 30),
]


def truth_of(design, rng) -> xr.Dataset:
    """Parameters and effects from the priors above, as a posterior of one draw."""
    scalars = {"Intercept": rng.normal() - (x_slope := rng.normal()) * design.X[:, 1].mean(), "x": x_slope}
    scalars["1|g_sigma"], scalars["x|g_sigma"] = abs(rng.normal()), rng.exponential()
    covariance = (2 * rng.beta(2, 2) - 1) * scalars["1|g_sigma"] * scalars["x|g_sigma"]
    G = [[scalars["1|g_sigma"] ** 2, covariance], [covariance, scalars["x|g_sigma"] ** 2]]
    u = rng.multivariate_normal([0, 0], G, len(design.factors[0].levels))
    arrays = {"1|g": u[:, 0], "x|g": u[:, 1]}
    if len(design.factors) > 1:
        scalars["1|d_sigma"] = rng.gamma(2, 1 / 4)
        arrays["1|d"] = rng.normal(0, scalars["1|d_sigma"], len(design.factors[1].levels))
    if design.outcome.family == "gaussian":
        scalars["sigma"] = rng.gamma(4, 1 / 4)
    variables = {name: (("chain", "draw"), [[value]]) for name, value in scalars.items()}
    for name, values in arrays.items():
        variables[name] = (("chain", "draw", f"{name[-1]}__factor_dim"), values[None, None])
    corr = np.array([[1, covariance / np.sqrt(G[0][0] * G[1][1])]] * 2)[None, None]
    variables["g_corr"] = (("chain", "draw", "g_effect", "g_effect_other"), corr)
    return xr.Dataset(variables)


def numbers(posterior: xr.Dataset, design) -> dict[str, np.ndarray]:
    """(draw,) of what is ranked."""
    centre = posterior["Intercept"] + posterior["x"] * design.X[:, 1].mean()
    found = {"centre": centre, "rho": posterior["g_corr"][..., 0, 1], "u": posterior["x|g"][..., 0]}
    found |= {name: values for name, values in posterior.items() if values.ndim == 2 and name != "Intercept"}
    return {name: np.ravel(values) for name, values in found.items()}


def ranks(engine: str, text: str, replications: int) -> dict[str, list[int]]:
    """For each quantity, how many of the thinned posterior draws lie below the truth, simulation by simulation."""
    rng, family = np.random.default_rng(1), "bernoulli" if text.startswith("hit") else "gaussian"
    data = table(40, seed=5).assign(d=lambda rows: np.arange(len(rows)) % 5, hit=lambda rows: np.arange(len(rows)) % 2)
    design = design_of(text, data, family)
    known = make_priors(design)
    priors = make_priors(design, {name: prior for name, prior in PRIORS.items() if name in known})
    quick = make_settings(DRAWS, tune=400, chains=1, cores=1, target_accept=0.9, progressbar=False)
    found: dict[str, list[int]] = {}
    for replication in range(replications):
        truth = truth_of(design, rng)
        eta = linear_predictor(design, truth)[0, 0]
        y = rng.normal(eta, truth["sigma"].item()) if family == "gaussian" else rng.binomial(1, expit(eta))
        simulated = design_of(text, data.assign(**{design.outcome_name: y}), family)
        settings = replace(quick, random_seed=replication)
        draws = sample(simulated, priors, "normal", Choice(engine, ""), settings)
        below = numbers(draws["posterior"].to_dataset(), design)
        for name, value in numbers(truth, design).items():
            found.setdefault(name, []).append(int((below[name][::THIN] < value).sum()))
    return found


@pytest.mark.parametrize(("engine", "text", "replications"), MODELS)
def test_engine_is_calibrated(engine, text, replications):
    """Ranks are uniform on 0 to 100, by Kolmogorov and Smirnov at 0.1 % over all quantities."""
    found = ranks(engine, text, replications)
    for name, places in found.items():
        assert len(places) == replications
        jittered = (np.array(places) + np.random.default_rng(0).uniform(size=len(places))) / (DRAWS // THIN + 1)
        assert stats.kstest(jittered, "uniform").pvalue > 0.001 / len(found), name
