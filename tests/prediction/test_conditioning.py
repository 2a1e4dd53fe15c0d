"""Rows of new groups, added without a new fit."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from synthetic import design_of, synthetic_draws, synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError, HierkitWarning
from hierkit.posterior.posterior import Posterior
from hierkit.prediction.conditioning import condition
from hierkit.prediction.predict import predict


def one_point(draws: Any = 4000) -> Any:
    """A posterior that is one point, so that everything uncertain is the new group's effect."""
    design = design_of("y ~ x + (x | g)", table(60))
    point = synthetic_draws(design, chains=1, draws=1)
    return point.isel(draw=np.zeros(draws, dtype=int)).assign_coords(draw=np.arange(draws)), design


def test_a_gaussian_effect_has_its_exact_posterior() -> None:
    posterior, design = one_point(40_000)
    given = table(5, seed=3).assign(g="new")
    draws = Posterior(posterior, design).draws
    found = condition(design, draws, given, 0)
    Z = np.column_stack([np.ones(5), given.x])
    cov = np.linalg.inv(np.linalg.inv(draws.G[0][0]) + Z.T @ Z / np.asarray(draws.sigma)[0] ** 2)
    mean = cov @ Z.T @ (given.y - Z @ draws.beta[0]) / np.asarray(draws.sigma)[0] ** 2
    u = found.effects[0, "new"]
    np.testing.assert_array_less(np.abs(u.mean(axis=0) - mean), 4 * np.sqrt(np.diag(cov) / 40_000))
    np.testing.assert_allclose(np.cov(u.T), cov, atol=0.03 * np.abs(cov).max())


def test_draws_are_weighted_by_the_density_of_the_given_rows() -> None:
    posterior, design = one_point()
    levels = np.random.default_rng(0).normal(0, 2, 4000)
    posterior["Intercept"] = posterior["Intercept"].copy(data=levels[None])
    given = table(30, seed=3).assign(g="new", y=lambda t: t.y + 1)
    draws = Posterior(posterior, design).draws
    found = condition(design, draws, given, 0)
    # Intercept ~ N(0, 4) before; y ~ N(Intercept + ..., Z G Z' + sigma²) has a conjugate posterior
    Z = np.column_stack([np.ones(30), given.x])
    V = np.linalg.inv(Z @ draws.G[0][0] @ Z.T + np.asarray(draws.sigma)[0] ** 2 * np.eye(30))
    precision = V.sum() + 1 / 4
    mean = (V @ (given.y - given.x * draws.beta[0, 1])).sum() / precision
    kept = found.draws.beta[:, 0]
    assert abs(kept.mean() - mean) < 0.05 / np.sqrt(precision)
    assert kept.std() == pytest.approx(1 / np.sqrt(precision), rel=0.05)


def test_rows_of_the_group_are_predicted_from_its_given_rows() -> None:
    posterior, design = one_point()
    given = table(200, seed=3).assign(g="new", y=lambda t: 50 + t.x)
    new = pd.DataFrame({"x": [0.0, 1.0], "g": ["new", "other"]})
    found = predict(Posterior(posterior, design), new, "new", given=given)
    estimate = found.table()["estimate"]
    assert estimate[0] == pytest.approx(50, abs=1)
    assert abs(estimate[1]) < 10
    assert "each new label ('other')" in found.definition
    assert "Reweighted by 200 rows of 1 new group: 4,000 effective draws of 4,000" in found.definition


def test_given_counts_need_no_weights_though_the_fit_had_them() -> None:
    data = table(80)
    plain = synthetic_fit("p(hits, tries) ~ 1 + (1 | g)", data, "bernoulli", draws=2000)
    weighted = synthetic_fit("p(hits, tries) ~ 1 + (1 | g)", data, "bernoulli", draws=2000, weights="tries")
    new = data.assign(g="new")
    expected, found = (fit.predict(new.iloc[:2], groups="new", given=new.iloc[:4]).table() for fit in (plain, weighted))
    pd.testing.assert_frame_equal(expected, found)


def test_given_groups_are_known() -> None:
    posterior, design = one_point()
    given = table(20, seed=3).assign(g="new")
    assert len(predict(Posterior(posterior, design), given, given=given).table()) == 20


@pytest.mark.parametrize(("rows", "outcome"), [(3, "a warning"), (200, "a refusal")])
def test_rows_that_few_draws_agree_with_are_warned_of_or_refused(rows: Any, outcome: Any) -> None:
    posterior, design = one_point(300 if rows == 3 else 4000)
    levels = np.random.default_rng(0).normal(0, 30, posterior.sizes["draw"])
    posterior["Intercept"] = posterior["Intercept"].copy(data=levels[None])
    posterior["sigma"] = posterior["sigma"] * 0 + 0.1
    posterior["1|g_sigma"] = posterior["1|g_sigma"] * 0 + (10 if rows == 3 else 0.01)
    posterior["x|g_sigma"] = posterior["x|g_sigma"] * 0 + 0.01
    given = table(rows, seed=3).assign(g="new", y=3.0)
    if outcome == "a warning":
        with pytest.warns(HierkitWarning, match="intervals are rough. Fit again with these rows"):
            predict(Posterior(posterior, design), given, given=given)
    else:
        with pytest.raises(HierkitError, match="Reweighting needs some hundreds"):
            predict(Posterior(posterior, design), given, given=given)


def test_the_order_of_given_rows_does_not_matter() -> None:
    posterior, design = one_point(500)
    given = table(20, seed=3).assign(g=["B", "A"] * 10)
    new = pd.DataFrame({"x": [0.0, 1.0], "g": ["A", "B"]})
    one, other = (predict(Posterior(posterior, design), new, given=rows) for rows in (given, given[::-1]))
    np.testing.assert_allclose(one.draws["mean"], other.draws["mean"], atol=1e-8)


@pytest.mark.parametrize("effects", ["normal", "student_t"])
def test_crossed_new_groups_are_drawn_together(effects: Any) -> None:
    design = design_of("won ~ x + (1 | g) + (1 | s)", table(60), "bernoulli")
    posterior = synthetic_draws(design, chains=1, draws=300)
    if effects == "student_t":
        posterior["g_nu"] = xr.full_like(posterior["Intercept"], 4.0)
    given = table(12, seed=2).assign(g="new", s=["Q", "N"] * 6)
    draws = Posterior(posterior, design).draws
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HierkitWarning)
        found = condition(design, draws, given, 0)
    assert {key: u.shape for key, u in found.effects.items()} == {(0, "new"): (300, 1), (1, "Q"): (300, 1)}


def test_rows_of_fitted_groups_are_refused() -> None:
    posterior, design = one_point(10)
    given = table(4, seed=2).assign(g=["new", 10, "new", 20])
    with pytest.raises(HierkitError, match="given= has 2 rows whose groups of g are all known, first in row 1"):
        predict(Posterior(posterior, design), given, "new", given=given)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_a_new_group_has_the_posterior_of_a_new_fit(family: Any) -> None:
    if family == "gaussian":
        data, text, group = hierkit.datasets.csat_slopes(), "csat ~ wait + (wait | team)", "team"
    else:
        data, text, group = hierkit.datasets.churn(), "churn ~ wait + (1 | market)", "market"
    data = data.assign(**{group: data[group].astype(str)})
    fitted, given = data[data[group] != "5"], data[data[group] == "5"].head(25)
    options = {"family": family, "random_seed": 1, "progressbar": False, "draws": 2000}
    before = hierkit.fit(text, fitted, **options)
    after = hierkit.fit(text, pd.concat([fitted, given]), **options)
    new = pd.DataFrame({"wait": [0.0, 10.0, 30.0], group: "5"})
    one, other = before.predict(new, "new", given=given).table(), after.predict(new).table()
    # 8,000 draws, of which a few hundred to thousands are effective: means to a tenth of an sd
    np.testing.assert_array_less(np.abs(one["estimate"] - other["estimate"]), 0.15 * other["sd"])
    np.testing.assert_allclose(one["sd"], other["sd"], rtol=0.12)
