"""Simulation-based calibration: truths drawn from the prior have uniform ranks among posterior draws (Talts 2018)."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from synthetic import design_of, table

from hierkit.model.priors import make_priors
from hierkit.sampling.marginal import sample_marginal
from hierkit.sampling.settings import make_settings

pytestmark = pytest.mark.slow

REPLICATIONS, DRAWS, THIN = 200, 400, 4
PRIORS = {
    "Intercept": "Normal(0, 1)",
    "x": "Normal(0, 1)",
    "sd(1|g)": "HalfNormal(1)",
    "sd(x|g)": "Exponential(1)",
    "cor(g)": "LKJ(2)",
    "sigma": "Gamma(4, 4)",
}


def simulate(design, rng) -> tuple[dict[str, float], np.ndarray]:
    """Parameters from the priors above, and an outcome from the model."""
    truth = {
        "centre": rng.normal(),
        "x": rng.normal(),
        "1|g_sigma": abs(rng.normal()),
        "x|g_sigma": rng.exponential(),
        "rho": 2 * rng.beta(2, 2) - 1,
        "sigma": rng.gamma(4, 1 / 4),
    }
    s0, s1 = truth["1|g_sigma"], truth["x|g_sigma"]
    G = [[s0**2, truth["rho"] * s0 * s1], [truth["rho"] * s0 * s1, s1**2]]
    factor, x = design.factors[0], design.X[:, 1]
    u = rng.multivariate_normal([0, 0], G, len(factor.levels))
    truth["u"] = u[0, 1]
    mean = truth["centre"] + truth["x"] * (x - x.mean()) + (u[factor.codes] * factor.Z).sum(axis=1)
    return truth, rng.normal(mean, truth["sigma"])


def ranks(text: str, seed: int) -> dict[str, list[int]]:
    """For each quantity, how many of the thinned posterior draws lie below the truth, simulation by simulation."""
    rng, data = np.random.default_rng(seed), table(40, seed=5)
    design = design_of(text, data)
    priors = make_priors(design, PRIORS)
    quick = make_settings(DRAWS, tune=400, chains=1, cores=1, target_accept=0.9, progressbar=False)
    found: dict[str, list[int]] = {}
    for replication in range(REPLICATIONS):
        truth, y = simulate(design, rng)
        simulated = design_of(text, data.assign(y=y))
        posterior = sample_marginal(simulated, priors, replace(quick, random_seed=replication))["posterior"]
        draws = {name: posterior[name].values.ravel() for name in ("x", "1|g_sigma", "x|g_sigma", "sigma")}
        draws["centre"] = (posterior["Intercept"] + posterior["x"] * simulated.X[:, 1].mean()).values.ravel()
        draws["rho"] = posterior["g_corr"].values[0, :, 0, 1]
        draws["u"] = posterior["x|g"].values[0, :, 0]
        for name, values in draws.items():
            found.setdefault(name, []).append(int((values[::THIN] < truth[name]).sum()))
    return found


def test_marginal_is_calibrated():
    """Ranks of 200 simulations are uniform on 0 to 100, by Kolmogorov and Smirnov at 0.1 % over seven quantities."""
    for name, found in ranks("y ~ x + (x | g)", seed=1).items():
        jittered = (np.array(found) + np.random.default_rng(0).uniform(size=len(found))) / (DRAWS // THIN + 1)
        assert stats.kstest(jittered, "uniform").pvalue > 0.001 / 7, name
