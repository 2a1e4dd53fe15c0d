"""Means over group effects, normal and Student-t."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from scipy.special import expit
from synthetic import design_of, fixed_draws, table

from hierkit.integration.marginal_means import marginal_means, mixture
from hierkit.model.families import family_of
from hierkit.model.matrices import fitted_matrices
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.icc import icc
from hierkit.quantities.slopes import slopes


def mean_of(eta: float, variances: Any, degrees: Any) -> float:
    parts = mixture([np.array([v]) for v in variances], [None if nu is None else np.array([nu]) for nu in degrees])
    return float(family_of("bernoulli", False).mean_over_groups(np.array([eta]), parts)[0])


@pytest.mark.parametrize("nu", [1.2, 2.0, 4.0, 30.0])
@pytest.mark.parametrize("sd", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("eta", [-3.0, 0.0, 1.0])
def test_a_mean_over_student_t_effects_is_their_integral(eta: Any, sd: Any, nu: Any) -> None:
    def weighted(t: float) -> float:
        return float(expit(eta + sd * t) * stats.t.pdf(t, nu))

    exact = integrate.quad(weighted, -np.inf, 0, limit=500)[0] + integrate.quad(weighted, 0, np.inf, limit=500)[0]
    assert mean_of(eta, [sd**2], [nu]) == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize("degrees", [[3.0, None], [3.0, 5.0]])
def test_effects_of_several_factors_are_added(degrees: Any) -> None:
    """The mean over a million pairs of effects; its standard error is below 0.0004."""
    rng = np.random.default_rng(1)
    scales = np.sqrt([0.8, 0.5])
    draws = [rng.normal(size=10**6) if nu is None else rng.standard_t(nu, 10**6) for nu in degrees]
    simulated = expit(-1 + sum(scale * one for scale, one in zip(scales, draws, strict=True))).mean()
    assert mean_of(-1.0, [0.8, 0.5], degrees) == pytest.approx(simulated, abs=0.0015)


def test_without_groups_means_are_those_of_the_predictor() -> None:
    design = design_of("won ~ x", table(20), "bernoulli")
    draws = Posterior(fixed_draws(design, {"Intercept": 0.2, "x": 0.5}), design).draws
    np.testing.assert_allclose(marginal_means(draws, fitted_matrices(design))[0], expit(0.2 + 0.5 * design.X[:, 1]))


def test_quantities_take_student_t_effects_for_what_they_are() -> None:
    """ICC and marginal slope against a million groups; standard errors are below 0.001."""
    rows = pd.DataFrame({"x": np.tile([-1.0, 0.0, 2.0], 20), "g": np.arange(60) // 3, "won": np.arange(60) % 2 == 0})
    design = design_of("won ~ x + (1 | g)", rows, "bernoulli")
    draws = fixed_draws(design, {"Intercept": -0.5, "x": 0.8, "1|g_sigma": 1.2})
    draws["g_nu"] = draws["Intercept"] * 0 + 4.0
    posterior = Posterior(draws, design)
    u = 1.2 * np.random.default_rng(2).standard_t(4, 10**6)
    p = expit(-0.5 + 0.8 / 3 + u)
    shares = icc(posterior).draws.mean()
    assert float(shares["response"]) == pytest.approx(p.var() / (p.mean() * (1 - p.mean())), abs=0.002)
    assert float(shares["latent"]) == pytest.approx(2 * 1.44 / (2 * 1.44 + np.pi**2 / 3))
    density = np.mean([0.8 * np.mean(q * (1 - q)) for q in (expit(-0.5 + 0.8 * x + u) for x in (-1, 0, 2))])
    slope = slopes(posterior, "x", "marginal").draws["average"].mean()
    assert float(slope) == pytest.approx(density, abs=0.0005)
