"""Replicated data, and groups in them."""

from typing import Any

import arviz_plots
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit
from synthetic import design_of, fixed_draws, linear_predictor, synthetic_draws, synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError, HierkitWarning
from hierkit.posterior.posterior import Posterior
from hierkit.prediction import predictive_check as module
from hierkit.prediction.predictive_check import observed, predictive_check, replicated


def one_point(formula: Any, family: Any = "gaussian", draws: Any = 4000) -> Any:
    design = design_of(formula, table(60), family)
    point = synthetic_draws(design, chains=1, draws=1)
    return point.isel(draw=np.zeros(draws, dtype=int)).assign_coords(draw=np.arange(draws)), design


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x + (x | g)", "gaussian"),
        ("won ~ x + (1 | g)", "bernoulli"),
        ("p(hits, tries) ~ x + (1 | g)", "bernoulli"),
    ],
)
def test_rows_are_replicated_about_their_means(formula: Any, family: Any) -> None:
    posterior, design = one_point(formula, family)
    eta = linear_predictor(design, posterior)[0, 0]
    mean = eta if family == "gaussian" else design.outcome.trials_of_each * expit(eta)
    found = replicated(Posterior(posterior, design))[design.outcome_name][0]
    assert found.dims == ("draw", "__obs__")
    error = found.std("draw").values / np.sqrt(4000)
    # of 60 rows one in fifteen thousand lies beyond four standard errors
    np.testing.assert_array_less(np.abs(found.mean("draw").values - mean), 4.5 * error + 1e-9)


def test_means_of_groups_are_those_of_their_rows() -> None:
    design = design_of("p(hits, tries) ~ x + (1 | g) + (1 | s:k)", table(60), "bernoulli")
    found = observed(design)
    data = table(60)
    expected = data.groupby("g").hits.sum() / data.groupby("g").tries.sum()
    np.testing.assert_allclose(found["mean(g)"], expected)
    assert found["mean(g)"]["g"].values.tolist() == expected.index.tolist()
    assert len(found["mean(s:k)"]) == len(design.factor("s:k").levels)


def test_new_groups_spread_as_their_distribution_says() -> None:
    posterior, design = one_point("y ~ 1 + (1 | g)")
    posterior["1|g_sigma"] = posterior["1|g_sigma"] * 0 + 5.0
    posterior["sigma"] = posterior["sigma"] * 0 + 0.01
    check = predictive_check(Posterior(posterior, design), "new")
    spread = check.draws["replicated"].sel(statistic="spread of means(g)").values
    assert np.sqrt(np.mean(spread**2)) == pytest.approx(5, rel=0.03)
    known = predictive_check(Posterior(posterior, design), "known")
    own = posterior["1|g"].values[0, 0].std(ddof=1)
    assert known.table()["estimate"][0] == pytest.approx(own, rel=0.01)


def test_checks_compare_replicates_with_what_was_seen() -> None:
    design = design_of("won ~ 1 + (1 | g)", table(60), "bernoulli")
    posterior = fixed_draws(design, {"Intercept": -30.0, "1|g_sigma": 0.1, "1|g": 0.0}, draws=20)
    table_ = predictive_check(Posterior(posterior, design), "known").table().set_index("statistic")
    seen = observed(design)["mean(g)"]
    assert table_.loc["share without event(g)", "estimate"] == 1
    assert table_.loc["share without event(g)", "above"] == 1
    assert table_.loc["spread of means(g)", "observed"] == pytest.approx(float(seen.std(ddof=1)))
    assert table_.loc["spread of means(g)", "above"] == 0


def test_arviz_draws_what_a_fit_returns() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", table(60), draws=50)
    tree = fit.posterior_predictive()
    assert set(tree.children) >= {"posterior", "posterior_predictive", "observed_data"}
    arviz_plots.plot_ppc_dist(tree)
    arviz_plots.plot_ppc_tstat(tree, var_names=["mean(g)"], t_stat="std")


@pytest.mark.parametrize(
    ("formula", "family"),
    [("y ~ x + h + (x | g)", "gaussian"), ("won ~ h + (1 | g) + (1 | s)", "bernoulli"), ("y ~ 0 + x", "gaussian")],
)
def test_draws_of_the_prior_follow_the_priors(formula: Any, family: Any) -> None:
    data = table(60).assign(x=lambda t: t.x + 1000)
    fit = hierkit.fit(formula, data, family=family, random_seed=1, progressbar=False, draws=2000)
    tree = fit.prior_predictive(draws=2000)
    prior = tree["prior"].to_dataset()
    assert set(prior) == set(fit.draws["posterior"].to_dataset())
    assert tree["prior_predictive"][fit.design.outcome_name].sizes["__obs__"] == 60
    beta = np.column_stack(
        [
            prior[c.term].values[0] if c.index is None else prior[c.term].values[0, :, c.index]
            for c in fit.design.columns
        ]
    )
    if fit.design.has_intercept:
        beta[:, 0] += beta @ fit.design.column_means
    for column, values in zip(fit.design.columns, beta.T, strict=True):
        mu, sigma = fit.priors[column.label].args.values()
        assert abs(values.mean() - mu) < 4 * sigma / np.sqrt(2000)
        assert values.std() == pytest.approx(sigma, rel=0.08)


def test_flat_priors_have_no_draws() -> None:
    data = table(60)
    fit = hierkit.fit("y ~ x", data, priors={"x": "Flat"}, random_seed=1, progressbar=False)
    with pytest.raises(HierkitError, match="The prior of 'x' is flat"):
        fit.prior_predictive()


def test_draws_are_thinned_where_memory_would_not_hold_them(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 8 * 60 * 100)
    design = design_of("y ~ x + (1 | g)", table(60))
    with pytest.warns(HierkitWarning, match="one draw in 4 is used"):
        found = replicated(Posterior(synthetic_draws(design, chains=4, draws=100), design))
    assert found.sizes["draw"] == 25


def test_refusals() -> None:
    design = design_of("y ~ x", table(60))
    posterior = synthetic_draws(design)
    with pytest.raises(HierkitError, match=r"groups='typical'\. It is one of 'known', 'new'"):
        replicated(Posterior(posterior, design), "typical")  # type: ignore[arg-type]
    with pytest.raises(HierkitError, match="The model has no groups"):
        predictive_check(Posterior(posterior, design), "known")
    assert isinstance(replicated(Posterior(posterior, design)), xr.Dataset)


def test_weighted_rows_have_weighted_means() -> None:
    data = table(60).assign(w=lambda d: np.exp(2 * d.z))
    design = design_of("y ~ x + (1 | g)", data, weights="w")
    expected = (data.w * data.y).groupby(data.g).sum() / data.w.groupby(data.g).sum()
    np.testing.assert_allclose(observed(design)["mean(g)"], expected)


def test_a_study_that_says_nothing_does_not_hide_how_studies_differ() -> None:
    """Eleven studies far apart under a model of nearly equal ones, and one with a standard error of 1,000."""
    y = np.append(np.linspace(-10, 10, 11), 500.0)
    data = pd.DataFrame({"y": y, "s": np.append(np.full(11, 0.5), 1000.0), "g": list("abcdefghijkl")})
    for rows, name in ((data.head(11), "without"), (data, "with")):
        design = design_of("y ~ 1 + (1 | g)", rows, known_sd="s")
        posterior = fixed_draws(design, {"Intercept": 0.0, "1|g_sigma": 2.0}, draws=400)
        found = predictive_check(Posterior(posterior, design)).draws.isel(statistic=0)
        assert float(found["above"]) < 0.02, name
        assert float(found["observed"]) == pytest.approx(np.std(y[:11], ddof=1), rel=0.1)
        assert float(found["replicated"].mean()) == pytest.approx(np.sqrt(4.25), rel=0.1)


@pytest.mark.parametrize(("formula", "family"), [("y ~ x + (1 | g)", "gaussian"), ("won ~ x + (1 | g)", "bernoulli")])
def test_replicates_do_not_depend_on_the_order_of_rows(formula: Any, family: Any) -> None:
    data = table(60)
    shuffled = data.sample(frac=1, random_state=1)
    design, other = (design_of(formula, rows, family) for rows in (data, shuffled))
    posterior = synthetic_draws(design)
    one, two = (replicated(Posterior(posterior, own), random_seed=3)[own.outcome_name] for own in (design, other))
    np.testing.assert_array_equal(two.values, one.values[..., shuffled.index])


def test_more_draws_from_the_prior_than_memory_holds_are_refused() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", table())
    with pytest.raises(
        HierkitError, match=r"100,000,000 draws from the prior, with outcomes of 60 rows, would take 54"
    ):
        fit.prior_predictive(draws=10**8)
