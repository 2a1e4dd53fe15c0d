from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from synthetic import design_of, fixed_draws, synthetic_draws, table

from hierkit import datasets
from hierkit.errors import HierkitError
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.marginal_coefficients import marginal_coefficients


def value(quantity: Quantity, name: str, **labels: Any) -> float:
    return float(quantity.draws[name].mean(("chain", "draw")).sel(**labels).item())


@pytest.mark.parametrize(
    ("projection", "expected"), [("likelihood", [-2.5662, 0.17646]), ("logit", [-2.5810, 0.17753])]
)
def test_churn(projection: Any, expected: Any) -> None:
    """β = (-3.2, 0.22), τ = 1.2; the closed form gives a slope of 0.1797."""
    design = design_of("churn ~ wait + (1 | market)", datasets.churn(), "bernoulli")
    posterior = fixed_draws(design, {"Intercept": -3.2, "wait": 0.22, "1|market_sigma": 1.2})
    quantity = marginal_coefficients(Posterior(posterior, design), projection)
    assert value(quantity, "marginal", term="Intercept") == pytest.approx(expected[0], abs=1e-4)
    assert value(quantity, "marginal", term="wait") == pytest.approx(expected[1], abs=1e-5)
    assert 0.22 * value(quantity, "closed_form") == pytest.approx(0.1797, abs=5e-5)
    assert value(quantity, "attenuation", term="wait") == pytest.approx(expected[1] / 0.22, abs=1e-4)
    assert value(quantity, "odds_ratio", term="wait") == pytest.approx(np.exp(expected[1]), abs=1e-5)


@pytest.mark.parametrize(("tau", "expected"), [(0.5, 0.9473), (1, 0.8318), (2, 0.6091), (3, 0.4610)])
def test_hedeker(tau: Any, expected: Any) -> None:
    """β = (-1, 1), binary x: marginal logits -a at x = 0 and 0 at x = 1, whatever the projection."""
    rows = pd.DataFrame({"x": [0, 1] * 20, "g": np.arange(40) // 4, "y": [0, 1, 1, 0] * 10})
    design = design_of("y ~ x + (1 | g)", rows, "bernoulli")
    posterior = fixed_draws(design, {"Intercept": -1.0, "x": 1.0, "1|g_sigma": float(tau)})
    for projection in ("likelihood", "logit"):
        quantity = marginal_coefficients(Posterior(posterior, design), projection)
        assert value(quantity, "marginal", term="Intercept") == pytest.approx(-expected, abs=5e-5)
        assert value(quantity, "marginal", term="x") == pytest.approx(expected, abs=5e-5)
        assert value(quantity, "residual") < 1e-6


def test_a_random_slope_against_a_million_groups() -> None:
    """The logistic regression on simulated groups' probabilities, Monte Carlo error 0.001; the residual of the line."""
    x = np.linspace(-2, 2, 9)
    rows = pd.DataFrame({"x": np.tile(x, 20), "g": np.arange(180) // 9, "y": np.arange(180) % 2})
    design = design_of("y ~ x + (x | g)", rows, "bernoulli")
    values = {"Intercept": -0.5, "x": 0.8, "1|g_sigma": 1.0, "x|g_sigma": 0.7}
    quantity = marginal_coefficients(Posterior(fixed_draws(design, values, corr=0.4), design))
    u = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.28], [0.28, 0.49]], 1_000_000)
    means = np.array([expit(-0.5 + u[:, 0] + (0.8 + u[:, 1]) * at).mean() for at in x])
    gamma, X = np.zeros(2), np.column_stack([np.ones(9), x])
    for _ in range(30):
        p = expit(X @ gamma)
        gamma = gamma + np.linalg.solve(X.T @ (X * (p * (1 - p))[:, None]), X.T @ (means - p))
    np.testing.assert_allclose(quantity.draws["marginal"].mean(("chain", "draw")), gamma, atol=3e-3)
    assert value(quantity, "residual") == pytest.approx(np.abs(logit(means) - X @ gamma).max(), abs=5e-3)
    assert value(quantity, "residual") > 0.01


def test_gaussian_coefficients_are_the_same() -> None:
    design = design_of("y ~ x + h + (x | g)", table(80))
    posterior = synthetic_draws(design)
    quantity = marginal_coefficients(Posterior(posterior, design))
    np.testing.assert_array_equal(quantity.draws["marginal"].sel(term="x"), posterior["x"])


def test_counts_weigh_by_their_trials() -> None:
    """Successes of 1,000 trials pull the regression to their row."""
    rows = pd.DataFrame({"x": [0.0, 1, 2] * 10, "g": np.arange(30) // 3, "hits": [1, 2, 3] * 10})
    values = {"Intercept": 0.5, "x": 1.0, "1|g_sigma": 2.0}
    found = []
    for tries in ([10, 10, 10], [1000, 1000, 10]):
        design = design_of("p(hits, tries) ~ x + (1 | g)", rows.assign(tries=tries * 10), "bernoulli")
        quantity = marginal_coefficients(Posterior(fixed_draws(design, values), design))
        found.append(value(quantity, "marginal", term="x"))
    assert found[0] != pytest.approx(found[1], abs=1e-4)


def test_coefficients_that_the_rows_do_not_determine_are_missing() -> None:
    """z = 2 x: any share of the slope may be that of x, whatever the priors make of it."""
    rows = table(80).assign(z=lambda rows: 2 * rows.x)
    design = design_of("won ~ x + z + k + (1 | g)", rows, "bernoulli")
    quantity = marginal_coefficients(Posterior(synthetic_draws(design), design))
    for name in ("marginal", "odds_ratio", "attenuation"):
        missing = quantity.draws[name].isnull().all(("chain", "draw"))
        expected = {"x", "z"} | ({"Intercept"} if name == "odds_ratio" else set())
        assert set(quantity.draws["term"].values[missing]) == expected
    assert "Other columns explain x, z: the rows do not determine these coefficients." in quantity.definition


def test_attenuation_is_the_same_by_any_seed_where_a_coefficient_is_near_zero() -> None:
    """γ/β is about 0.832 for τ = 1 (Hedeker) in every draw but those of β close to 0; a mean would be one of these."""
    design = design_of("won ~ x + (1 | g)", table(200), "bernoulli")
    posterior = fixed_draws(design, {"Intercept": 0.3, "x": 0.0, "1|g_sigma": 1.0}, draws=400)
    for seed in range(3):
        posterior["x"] = posterior["x"] + np.random.default_rng(seed).normal(0, 0.2, posterior["x"].shape)
        found = marginal_coefficients(Posterior(posterior, design)).table(long=True)
        row = found[(found.quantity == "attenuation") & (found.term == "x")].iloc[0]
        assert row.estimate == pytest.approx(0.832, abs=0.01)
        assert np.isnan(row.sd)


def test_certain_outcomes_leave_the_coefficients_finite() -> None:
    """Offsets far beyond the effects: every probability is 0 or 1 to the last digit, and logits are linear in x."""
    data = table(60).assign(far=lambda t: np.where(t.won, 900.0, -900.0))
    design = design_of("won ~ x + offset(far) + (1 | g)", data, "bernoulli")
    draws = fixed_draws(design, {"Intercept": -1.0, "x": 0.5, "1|g_sigma": 0.0})
    for projection in ("likelihood", "logit"):
        found = marginal_coefficients(Posterior(draws, design), projection)
        assert value(found, "marginal", term="x") == pytest.approx(0.5)


def test_counts_of_no_trials_change_nothing() -> None:
    """They say nothing, and have no share of the rows."""
    data = table(60).assign(hits=lambda t: np.minimum(t.hits, t.tries))
    empty = data.head(20).assign(hits=0, tries=0, x=5.0)
    found = []
    for rows in (data, pd.concat([data, empty], ignore_index=True)):
        design = design_of("p(hits, tries) ~ x + (1 | g)", rows, "bernoulli")
        draws = fixed_draws(design, {"Intercept": -1.0, "x": 0.5, "1|g_sigma": 1.5})
        found.append(marginal_coefficients(Posterior(draws, design)).draws["marginal"].values)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)


def test_refusals() -> None:
    design = design_of("won ~ x + (1 | g)", table(), "bernoulli")
    with pytest.raises(HierkitError, match="It is one of 'likelihood', 'logit'"):
        marginal_coefficients(Posterior(synthetic_draws(design), design), "probit")  # type: ignore[arg-type]
    design = design_of("won ~ 0 + (1 | g)", table(), "bernoulli")
    with pytest.raises(HierkitError, match="The model has no coefficients"):
        marginal_coefficients(Posterior(synthetic_draws(design), design))


@pytest.mark.parametrize("projection", ["likelihood", "logit"])
@pytest.mark.parametrize(("shift", "scale"), [(10.0, 1.0), (1e4, 1.0), (1e7, 1.0), (0.0, 1e-9), (0.0, 1e12)])
def test_zero_and_units_of_a_predictor_do_not_matter(shift: Any, scale: Any, projection: Any) -> None:
    rows = table(120, seed=2)
    slope, level = 0.8, -0.3
    found = []
    for a, b in ((0.0, 1.0), (shift, scale)):
        design = design_of("won ~ x + (1 | g)", rows.assign(x=b * (rows.x + a)), "bernoulli")
        values = {"Intercept": level - slope * a, "x": slope / b, "1|g_sigma": 2.0}
        quantity = marginal_coefficients(Posterior(fixed_draws(design, values), design), projection)
        found.append(value(quantity, "marginal", term="x") * b)
    # the linear predictor itself has lost the digits of the shift
    assert found[1] == pytest.approx(found[0], rel=1e-9 + 1e-14 * shift)
