"""Power scaling of priors, effects and likelihood."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from synthetic import design_of, fixed_draws, synthetic_draws, table

import hierkit
from hierkit.errors import HierkitError
from hierkit.model.priors import make_priors
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.prior_sensitivity import log_prior, prior_sensitivity


def test_the_log_prior_is_the_sum_of_its_densities() -> None:
    design = design_of("y ~ x + (x | g)", table(60).assign(x=lambda t: t.x + 10))
    priors = make_priors(design, {"x": "StudentT(4, 0, 2)", "sigma": "Exponential(1)", "sd(x|g)": "Gamma(2, 3)"})
    values = {"Intercept": 1.0, "x": 0.5, "sigma": 1.2, "1|g_sigma": 0.7, "x|g_sigma": 0.4}
    found = log_prior(Posterior(fixed_draws(design, values, corr=0.3), design), priors).values
    # sd and correlation of the intercepts at the mean of x
    there = np.array([[0.7**2, 0.3 * 0.7 * 0.4], [0.3 * 0.7 * 0.4, 0.4**2]])
    to_centre = np.array([[1, design.X[:, 1].mean()], [0, 1]])
    G = to_centre @ there @ to_centre.T
    mu, sd = priors["Intercept"].args.values()
    expected = [
        stats.norm(mu, sd).logpdf(1.0 + 0.5 * design.X[:, 1].mean()),
        stats.t(4, 0, 2).logpdf(0.5),
        stats.expon().logpdf(1.2),
        stats.halfnorm(scale=priors["sd(Intercept|g)"].args["sigma"]).logpdf(np.sqrt(G[0, 0])),
        stats.gamma(2, scale=1 / 3).logpdf(0.4),
        np.log(1 - G[0, 1] ** 2 / (G[0, 0] * G[1, 1])),
    ]
    np.testing.assert_allclose(found, sum(expected))


def test_sensitivity_of_a_conjugate_posterior_is_that_of_its_formula() -> None:
    # y ~ N(b, 1) with b ~ N(m, 1): raising the prior to a power a, b's posterior has mean (a m + n ybar) / (a + n)
    rng = np.random.default_rng(0)
    data = table(60).assign(y=lambda t: t.x * 0 + rng.normal(size=60) + 3)
    prior = {"Intercept": "Normal(-3, 1)", "sigma": "LogNormal(0, 0.001)"}
    weak = {"Intercept": "Normal(3, 50)", "sigma": "LogNormal(0, 0.001)"}
    options: dict[str, Any] = {"random_seed": 1, "progressbar": False, "draws": 2000}
    strong: Any
    none: Any
    strong, none = (
        hierkit.fit("y ~ 1", data, priors=priors, **options).prior_sensitivity().table().set_index("parameter")
        for priors in (prior, weak)
    )
    assert strong.loc["Intercept", "diagnosis"] == "prior-data conflict"
    assert none.loc["Intercept", "diagnosis"] == ""
    assert strong.loc["Intercept", "prior"] > 10 * none.loc["Intercept", "prior"]
    assert none.loc["Intercept", "prior"] < 0.01


def test_group_effects_and_components_are_named_as_elsewhere() -> None:
    design = design_of("won ~ x + (x | g) + (1 | s)", table(60), "bernoulli")
    found = prior_sensitivity(Posterior(synthetic_draws(design), design), make_priors(design)).table()
    names = found["parameter"].tolist()
    assert names[:6] == ["Intercept", "x", "sd(Intercept|g)", "sd(x|g)", "cor(Intercept, x|g)", "sd(Intercept|s)"]
    assert found.columns.tolist() == ["parameter", "group", "prior", "effects", "likelihood", "diagnosis"]
    assert found[found.parameter == "x|g"]["group"].tolist() == ["0", "10", "20", "30", "40", "50"]
    assert np.isfinite(found[["prior", "effects", "likelihood"]]).all(axis=None)


def test_models_without_groups_have_no_effects() -> None:
    design = design_of("y ~ x", table(60))
    found = prior_sensitivity(Posterior(synthetic_draws(design), design), make_priors(design))
    assert found.table().columns.tolist() == ["parameter", "prior", "likelihood", "diagnosis"]
    assert "partial pooling" not in found.definition


def test_priors_and_likelihoods_that_are_the_same_for_all_draws_move_nothing() -> None:
    """Uniform priors, and offsets that make every outcome certain: log p is a constant, and so are its powers."""
    design = design_of("won ~ x + offset(far)", table(60).assign(far=lambda t: np.where(t.won, 900, -900)), "bernoulli")
    flat = make_priors(design, {"Intercept": "Uniform(-99, 99)", "x": "Uniform(-99, 99)"})
    found = prior_sensitivity(Posterior(synthetic_draws(design), design), flat).table()
    assert found[["prior", "likelihood"]].to_numpy().tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert set(found.diagnosis) == {""}


def test_too_few_draws_are_refused() -> None:
    design = design_of("y ~ x", table(60))
    with pytest.raises(HierkitError, match="Power scaling needs at least 25"):
        prior_sensitivity(Posterior(synthetic_draws(design, chains=1, draws=10), design), make_priors(design))
