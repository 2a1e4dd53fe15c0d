"""Weights and known sds in every quantity: closed forms, metafor's numbers, and the same rows in another layout."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic import REFERENCE, design_of, fixed_draws, reference_table, synthetic_fit, table

import hierkit
from hierkit.classical.classical import classical
from hierkit.errors import HierkitError
from hierkit.model.basis import make_basis
from hierkit.model.priors import make_priors
from hierkit.posterior.posterior import Posterior
from hierkit.prediction.predict import predict
from hierkit.quantities.break_even_size import break_even_size
from hierkit.quantities.design_effect import design_effect
from hierkit.quantities.icc import icc
from hierkit.quantities.r_squared import r_squared
from hierkit.quantities.shrinkage import shrinkage
from hierkit.sampling.kernels.layout import make_layout
from hierkit.sampling.kernels.origin import make_origin
from hierkit.sampling.marginal.density import marginal_gaussian
from hierkit.sampling.marginal.engine import sufficient_statistics
from hierkit.validation.leave_out import logo, loo

REFERENCES = json.loads((REFERENCE / "weights.json").read_text())
METAFOR = {(method, mods): expected for method, mods, expected in REFERENCES["metafor"]}
POSTERIORDB = [4.4105, 3.3093, 3.6021, 3.1985]  # mean and sd of mu and tau, 10,000 draws
SCHOOLS = {"Intercept": "Normal(0, 5)", "sd(school)": "HalfCauchy(5)"}


def replicates(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows, and the same as means over n of them with equal predictors."""
    rng = np.random.default_rng(seed)
    cells = pd.DataFrame({"g": np.repeat(np.arange(9), 6), "x": rng.normal(size=54), "n": rng.integers(1, 8, 54)})
    level = rng.normal(50, 3, 9)
    rows = cells.loc[np.repeat(cells.index, cells.n)].assign(cell=lambda d: d.index).reset_index(drop=True)
    rows["y"] = level[rows.g] + 1.5 * rows.x + rng.normal(0, 2, len(rows))
    return rows, cells.assign(y=rows.groupby("cell").y.mean())


def bcg(mods: Any = "~ 1", **values: Any) -> Posterior:
    design = design_of(f"log_rr {mods} + (1 | trial)", reference_table("bcg"), known_sd="sd")
    return Posterior(fixed_draws(design, values), design)


@pytest.mark.parametrize("text", ["y ~ x + (1 | g)", "y ~ x + (x | g)"])
def test_means_with_their_numbers_as_weights_are_their_rows(text: Any) -> None:
    """Given σ, the likelihood of means with weights n is that of the n rows, but for a constant."""
    rows, means = replicates()
    values = []
    for data, options in ((rows, {}), (means, {"weights": "n"})):
        design = design_of(text, data, **options)
        design = design_of(text, data, **options)
        priors = make_priors(design, {"Intercept": "Flat", "x": "Flat"})
        origin, basis, layout = make_origin(design, priors), make_basis(design, priors), make_layout(design.factors)
        statistics, _ = sufficient_statistics(design, priors, basis, origin, layout)
        q = len(origin.T)
        rng = np.random.default_rng(1)
        found = []
        for _ in range(4):
            # effects at x = 0, whatever the centre of x is
            L = np.linalg.solve(origin.T, np.tril(rng.uniform(0.3, 2, (q, q))))
            L = np.linalg.cholesky(L @ L.T)
            found.append(marginal_gaussian(L, 2.0, statistics, np.ones(0), np.zeros((q, q)), np.zeros(0))[0])
        values.append(np.diff(found))
    np.testing.assert_allclose(values[0], values[1], rtol=1e-9)


def test_shrinkage_of_a_weighted_mean() -> None:
    """λ = τ² / (τ² + σ²/Σw), and a group's own estimate is its weighted mean."""
    _, means = replicates()
    design = design_of("y ~ 1 + (1 | g)", means, weights="n")
    posterior = fixed_draws(design, {"Intercept": 50.0, "1|g_sigma": 3.0, "sigma": 2.0})
    found = shrinkage(Posterior(posterior, design)).draws
    n = means.groupby("g").n.sum()
    np.testing.assert_allclose(found["shrinkage"][0, 0, :, 0], 9 / (9 + 4 / n), rtol=1e-10)
    own = (means.y * means.n).groupby(means.g).sum() / n - 50
    np.testing.assert_allclose(found["own"][0, 0, :, 0], own, rtol=1e-9)
    np.testing.assert_allclose(found["pooled"][0, 0, :, 0], own * 9 / (9 + 4 / n), rtol=1e-9)
    w = means.n
    typical = 4 * (len(w) - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum())  # Higgins and Thompson's, of variances 4/w
    assert break_even_size(Posterior(posterior, design)).draws["rows"].values[0, 0] == pytest.approx(typical / 9)
    assert icc(Posterior(posterior, design)).draws["latent"].values[0, 0, 0] == pytest.approx(9 / (9 + typical))


@pytest.mark.parametrize("unit", [1e-6, 4.0, 1e6])
def test_shares_of_variance_do_not_depend_on_the_unit_of_weights(unit: float) -> None:
    data = replicates()[0].assign(w=unit)
    sds = {"1|g_sigma": 3.0, "x": 1.0}
    plain = design_of("y ~ x + (1 | g)", data)
    weighted = design_of("y ~ x + (1 | g)", data, weights="w")
    for quantity in (icc, r_squared, design_effect, break_even_size):
        expected = quantity(Posterior(fixed_draws(plain, sds | {"sigma": 2.0}), plain)).draws
        found = quantity(Posterior(fixed_draws(weighted, sds | {"sigma": 2.0 * np.sqrt(unit)}), weighted)).draws
        for name in expected.data_vars:
            if expected[name].dtype.kind == "f":
                np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=str(name))


def test_crossed_factors_weigh_rows_too() -> None:
    rows, means = replicates()
    rows, means = (data.assign(s=lambda d: (d.cell if "cell" in d else d.index) % 5) for data in (rows, means))
    kept = []
    for data, options in ((rows, {}), (means, {"weights": "n"})):
        design = design_of("y ~ x + (1 | g) + (1 | s)", data, **options)
        draws = fixed_draws(design, {"1|g_sigma": 3.0, "1|s_sigma": 1.0, "sigma": 2.0})
        kept.append(shrinkage(Posterior(draws, design), "g").draws["shrinkage"].values)
    np.testing.assert_allclose(kept[0], kept[1], rtol=1e-9)


@pytest.mark.parametrize("mods", ["~ 1", "~ ablat"])
@pytest.mark.parametrize("method", ["REML", "ML", "PM"])
def test_icc_of_known_sds_is_I2(method: Any, mods: Any) -> None:
    expected = METAFOR[method, mods]
    posterior = bcg(mods, **{"1|trial_sigma": expected["tau"]})
    assert 100 * icc(posterior).draws["latent"].values[0, 0, 0] == pytest.approx(expected["I2"], abs=1e-3)
    if mods == "~ 1":
        found = r_squared(posterior).draws
        assert found["marginal"].values[0, 0] == pytest.approx(0, abs=1e-20)
        assert 100 * found["conditional"].values[0, 0] == pytest.approx(expected["I2"], abs=1e-3)


def test_shrinkage_with_known_sds() -> None:
    found = shrinkage(bcg(**{"1|trial_sigma": 0.56})).draws["shrinkage"][0, 0, :, 0]
    sd = reference_table("bcg").sd
    np.testing.assert_allclose(found, 0.56**2 / (0.56**2 + sd**2), rtol=1e-12)


def test_meta_analysis_of_statsmodels_is_metafors() -> None:
    found = classical(bcg()).table().set_index(["method", "parameter"])
    expected = METAFOR["PM", "~ 1"]
    row: Any = found.loc[("meta-analysis", "Intercept"), ["estimate", "se"]]
    np.testing.assert_allclose(row.astype(float), [expected["fixed"][0], expected["se"][0]], rtol=1e-4)
    assert found.loc[("meta-analysis", "sd(Intercept|trial)"), "estimate"] == pytest.approx(expected["tau"], rel=1e-4)
    w = reference_table("bcg").sd ** -2.0
    assert found.loc[("least squares", "Intercept"), "se"] == pytest.approx(1 / np.sqrt(w.sum()))
    assert "meta-analysis" not in classical(bcg("~ ablat")).table().method.tolist()


def test_scores_with_known_sds_are_normal_densities() -> None:
    """A trial left out is N(μ, τ² + s²); a row given its effect N(μ + u, s²)."""
    posterior = bcg(Intercept=-0.7, **{"1|trial_sigma": 0.5})
    data = reference_table("bcg")
    posterior = Posterior(posterior.dataset.isel(draw=[0] * 50).assign_coords(draw=np.arange(50)), posterior.design)
    scores = logo(posterior, "trial").draws["elpd"]
    np.testing.assert_allclose(scores, stats.norm(-0.7, np.hypot(0.5, data.sd)).logpdf(data.log_rr), rtol=1e-9)
    u = posterior.effects(posterior.design.factors[0]).u.values[0, 0, :, 0]
    np.testing.assert_allclose(
        loo(posterior).draws["elpd"], stats.norm(-0.7 + u, data.sd).logpdf(data.log_rr), rtol=1e-9
    )


@pytest.mark.parametrize(
    ("word", "sds"), [("weights", lambda w, sigma: sigma / np.sqrt(w)), ("known_sd", lambda w, sigma: w)]
)
def test_outcomes_scatter_by_their_own_sds(word: Any, sds: Any) -> None:
    data = table(60).assign(w=np.random.default_rng(0).uniform(0.2, 3, 60))
    given: Any = {word: "w"}
    fit = synthetic_fit("y ~ x + (1 | g)", data, **given, chains=4, draws=2000)
    sigma = fit.draws["posterior"].to_dataset()["sigma"].values.ravel() if word == "weights" else np.ones(8000)
    new = data.iloc[:5]
    mean, outcome = (fit.predict(new, kind=kind).draws[kind].values.reshape(-1, 5) for kind in ("mean", "outcome"))
    units = (outcome - mean) / sds(new.w.to_numpy(), sigma[:, None])
    np.testing.assert_allclose(units.std(axis=0), 1, atol=4 / np.sqrt(2 * 8000))
    np.testing.assert_allclose(units.mean(axis=0), 0, atol=4 / np.sqrt(8000))
    fit.predict(new.drop(columns="w"))  # means need no column of weights
    with pytest.raises(HierkitError, match="new_rows has no column 'w'"):
        fit.predict(new.drop(columns="w"), kind="outcome")
    with pytest.raises(HierkitError, match=f"{word}='w': the column is -1 in used row 0"):
        fit.predict(new.assign(w=-1), kind="outcome")


def test_a_prediction_interval_is_that_of_a_new_trial() -> None:
    """Its variance is Var μ + E τ²."""
    design = design_of("log_rr ~ 1 + (1 | trial)", reference_table("bcg"), known_sd="sd")
    draws = fixed_draws(design, {"1|trial_sigma": 0.5}, draws=20_000)
    draws["Intercept"] = draws["Intercept"].copy(data=np.random.default_rng(0).normal(-0.7, 0.18, (1, 20_000)))
    new = pd.DataFrame({"trial": ["another"]})
    found = predict(Posterior(draws, design), new, groups="new").draws["mean"]
    assert float(found.std()) == pytest.approx(np.hypot(0.5, 0.18), rel=0.02)


def test_given_rows_of_a_new_trial_are_weighed_by_their_sds() -> None:
    """u | y ~ N(λ (y - μ), λ s²)."""
    design = design_of("log_rr ~ 1 + (1 | trial)", reference_table("bcg"), known_sd="sd")
    draws = Posterior(fixed_draws(design, {"Intercept": -0.7, "1|trial_sigma": 0.5}, draws=20_000), design)
    new = pd.DataFrame({"trial": ["another"], "log_rr": [0.3], "sd": [0.25]})
    found = predict(draws, new, given=new).draws["mean"]
    kept = 0.5**2 / (0.5**2 + 0.25**2)
    assert float(found.mean()) == pytest.approx(-0.7 + kept, abs=4 * 0.25 * np.sqrt(kept / 20_000))
    assert float(found.std()) == pytest.approx(0.25 * np.sqrt(kept), rel=0.02)


@pytest.mark.parametrize("engine", ["joint", "pymc"])
def test_a_mean_of_known_sds_has_the_conjugate_posterior(engine: Any) -> None:
    """Without groups: precision 1/5² + Σ1/s², mean Σ y/s² over it."""
    data = hierkit.datasets.eight_schools()
    fit = hierkit.fit(
        "effect ~ 1", data, known_sd="se", priors={"Intercept": "Normal(0, 5)"}, engine=engine, draws=2000,
        random_seed=1, progressbar=False,
    )  # fmt: skip
    w = data.se**-2.0
    precision = 1 / 25 + w.sum()
    row = fit.coefficients().table().iloc[0]
    assert row.estimate == pytest.approx((w * data.effect).sum() / precision, abs=4 * precision**-0.5 / np.sqrt(2000))
    assert row.sd == pytest.approx(precision**-0.5, rel=0.06)


def test_nothing_is_left_to_integrate_where_all_sds_are_known() -> None:
    data = hierkit.datasets.eight_schools()
    with pytest.raises(HierkitError, match="engine='marginal' does not fit the model: no sd to estimate"):
        hierkit.fit("effect ~ 1", data, known_sd="se", engine="marginal", progressbar=False)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["marginal", "joint", "pymc"])
def test_eight_schools_are_those_of_posteriordb(engine: Any) -> None:
    """μ 4.4 ± 3.3, τ 3.6 ± 3.2 (posteriordb's reference draws)."""
    fit = hierkit.fit(
        "effect ~ 1 + (1 | school)", hierkit.datasets.eight_schools(), known_sd="se", priors=SCHOOLS, engine=engine,
        draws=5000, random_seed=1, progressbar=False,
    )  # fmt: skip
    assert not fit.checks().need_action
    mu = fit.coefficients().table().iloc[0]
    tau = fit.variance_components().table().iloc[0]
    np.testing.assert_allclose([mu.estimate, mu.sd, tau.estimate, tau.sd], POSTERIORDB, atol=0.2)


def test_a_saved_fit_keeps_its_sds(tmp_path: Any) -> None:
    for word in ("weights", "known_sd"):
        given: Any = {word: "sd"}
        fit = synthetic_fit("log_rr ~ 1 + (1 | trial)", reference_table("bcg"), **given)
        loaded = hierkit.load(fit.save(tmp_path / f"{word}.hierkit"))
        assert str(loaded.formula.precision) == f"{word}='sd'"
        np.testing.assert_array_equal(loaded.design.row_weights, fit.design.row_weights)
        assert loaded.summary().__str__() == fit.summary().__str__()


def test_a_report_says_what_is_known() -> None:
    fit = synthetic_fit("log_rr ~ ablat + (1 | trial)", reference_table("bcg"), known_sd="sd", draws=100)
    text = fit.report().html
    assert "Known sds" in text
    assert "sd, from 0.06294 to 0.7297" in text
    assert "The standard deviations of the rows are known; they are in sd." in text
    assert "known_sd=&#39;sd&#39;" in text or "known_sd='sd'" in text
    assert "one-row groups" not in {finding.check for finding in fit.checks()}
