"""Posteriors agree with brms under the same priors, and sit where lme4 puts its estimates."""

import functools
import json
from typing import Any

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from synthetic import REFERENCE, linear_predictor, reference_table

import hierkit
from hierkit import datasets
from hierkit.posterior.effects import read_effects

pytestmark = [pytest.mark.slow]

BRMS = json.loads((REFERENCE / "brms_posteriors.json").read_text())["models"]
LME4 = json.loads((REFERENCE / "lme4_estimates.json").read_text())["models"]
MODELS = {
    "sleepstudy": (
        "Reaction ~ Days + (Days | Subject)",
        "gaussian",
        {
            "Intercept": "Normal(300, 100)",
            "Days": "Normal(0, 20)",
            "sd(Intercept|Subject)": "HalfNormal(50)",
            "sd(Days|Subject)": "HalfNormal(20)",
            "cor(Subject)": "LKJ(2)",
            "sigma": "HalfNormal(50)",
        },
    ),
    "cbpp": (
        "p(incidence, size) ~ period + (1 | herd)",
        "bernoulli",
        {"Intercept": "Normal(0, 2.5)", "period": "Normal(0, 2.5)", "sd(herd)": "HalfNormal(1)"},
    ),
    "penicillin": (
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        "gaussian",
        {
            "Intercept": "Normal(23, 5)",
            "sd(plate)": "HalfNormal(3)",
            "sd(sample)": "HalfNormal(3)",
            "sigma": "HalfNormal(3)",
        },
    ),
}


FITS = [(name, engine) for name in MODELS for engine in ("pymc", "auto")]


@functools.cache
def fitted(name: str, engine: str) -> hierkit.Fit:
    formula, family, priors = MODELS[name]
    options: dict[str, Any] = {"family": family, "priors": priors, "engine": engine, "random_seed": 11, "draws": 2000}
    return hierkit.fit(formula, reference_table(name), progressbar=False, **options)


def brms_names(fit: hierkit.Fit) -> dict[str, xr.DataArray]:
    """Our draws under brms' names."""
    posterior = fit.draws["posterior"].to_dataset()
    names = {}
    draws = fit.coefficients().draws["coefficient"]
    for label in draws.term.values:
        names[f"b_{label.replace('[', '').replace(']', '')}"] = draws.sel(term=label)
    for factor in fit.design.factors:
        effects = read_effects(posterior, factor)
        for effect in factor.effects:
            own = "Intercept" if effect.is_intercept else effect.label
            variance = effects.cov.sel(effect=effect.label, effect_other=effect.label)
            names[f"sd_{factor.label}__{own}"] = variance**0.5
            for level in factor.levels:
                names[f"r_{factor.label}[{level},{own}]"] = effects.u.sel(group=level, effect=effect.label)
        if len(factor.effects) == 2:
            cov = effects.cov.sel(effect="Intercept", effect_other=factor.effects[1].label)
            sds = [names[f"sd_{factor.label}__{own}"] for own in ("Intercept", factor.effects[1].label)]
            names[f"cor_{factor.label}__Intercept__{factor.effects[1].label}"] = cov / (sds[0] * sds[1])
    if "sigma" in posterior:
        names["sigma"] = posterior["sigma"]
    return names


@pytest.mark.parametrize(("name", "engine"), FITS)
def test_agrees_with_brms(name: Any, engine: Any) -> None:
    """Means within four combined Monte Carlo standard errors, sds within 10 %."""
    ours, theirs = brms_names(fitted(name, engine)), BRMS[name]["posterior"]
    assert set(theirs) <= set(ours)
    wrong = {}
    for key, reference in theirs.items():
        draws = ours[key]
        error = np.hypot(
            float(arviz_stats.mcse(draws.rename("x"), method="mean")), reference["sd"] / np.sqrt(reference["ess_bulk"])
        )
        distance = abs(float(draws.mean()) - reference["mean"]) / error
        ratio = float(draws.std()) / reference["sd"]
        if distance > 4 or not 0.9 < ratio < 1.1:
            wrong[key] = (round(distance, 2), round(ratio, 3))
    assert wrong == {}


@pytest.mark.parametrize(("name", "engine"), FITS)
def test_sampling_found_nothing_wrong(name: Any, engine: Any) -> None:
    assert fitted(name, engine).checks().need_action == ()


@pytest.mark.parametrize(("name", "engine"), FITS)
def test_bambi_predicts_the_returned_draws(name: Any, engine: Any) -> None:
    """In-sample `bambi.Model.predict` on the draws is the link of X beta + Z u, to 1e-10."""
    fit = fitted(name, engine)
    draws = xr.DataTree.from_dict({"posterior": fit.draws["posterior"].to_dataset().isel(draw=slice(0, 50))})
    fit.model.predict(draws, kind="response_params", inplace=True)
    parameter = "mu" if fit.design.family.has_residual else "p"
    eta = linear_predictor(fit.design, draws["posterior"].to_dataset())
    expected = eta if parameter == "mu" else 1 / (1 + np.exp(-eta))
    np.testing.assert_allclose(draws["posterior"].to_dataset()[parameter].values, expected, rtol=1e-10, atol=1e-10)


LME4_MODELS = [
    (*model, engine)
    for model in (
        ("pastes", "strength ~ 1 + (1 | batch/cask)", "pastes"),
        ("radon", "log_radon ~ floor + log_uranium + (floor | county)", "radon"),
        ("sleepstudy_uncorrelated", "Reaction ~ Days + (Days || Subject)", "sleepstudy"),
    )
    for engine in ("pymc", "auto")
]


@pytest.mark.parametrize(("name", "formula", "data", "engine"), LME4_MODELS)
def test_sits_where_lme4_puts_it(name: Any, formula: Any, data: Any, engine: Any) -> None:
    """Fixed effects within 0.15 posterior sd of lme4's; lme4's sd estimates inside the 89 % interval.

    Of correlated effects the priors hold where predictors are zero, as lme4's parameters do.
    """
    # PyMC's coordinates diverge at 0.8 on nested factors
    options: dict[str, Any] = {
        "random_seed": 3,
        "draws": 2000,
        "progressbar": False,
        "target_accept": 0.95 if engine == "pymc" else 0.8,
        "priors": {"cor(county)": "LKJ(2)"} if name == "radon" else None,
    }
    fit = hierkit.fit(formula, reference_table(data), engine=engine, **options)
    assert fit.checks().need_action == ()
    beta = fit.coefficients().table().set_index("term")
    for term, estimate in LME4[name]["fixed"].items():
        assert abs(beta.estimate[term] - estimate) < 0.15 * beta.sd[term], term
    components = fit.variance_components().table(ci_prob=0.89, ci_kind="eti").set_index("component")
    for effect, estimate in LME4[name]["sd"].items() | {("sigma", LME4[name]["sigma"])}:
        label = "sigma" if effect == "sigma" else f"sd({effect})"
        assert components.ci_lower[label] < estimate < components.ci_upper[label], label


def test_csat_slopes_as_published() -> None:
    """Team 0's own slope +0.715 becomes one near REML's -0.846; the correlation is near -0.5."""
    fit = hierkit.fit("csat ~ wait + (wait | team)", datasets.csat_slopes(), random_seed=1, progressbar=False)
    slopes = fit.group_effects("team").draws["coefficient"].sel(effect="wait").mean(("chain", "draw"))
    assert float(slopes.sel(group=0)) == pytest.approx(-0.846, abs=0.15)
    assert -0.7 < fit.variance_components().table().set_index("component").estimate["cor(Intercept, wait|team)"] < -0.3


def test_student_t_effects_free_an_outlying_group() -> None:
    """One group far out: with Student-t effects it is shrunk less, and the others' spread is judged smaller."""
    rng = np.random.default_rng(5)
    data = datasets.noise().assign(y=lambda d: rng.normal(0, 0.5, 12)[d.group] + rng.normal(0, 1, len(d)))
    data.loc[data.group == 11, "y"] += 8
    normal, heavy = (
        hierkit.fit("y ~ 1 + (1 | group)", data, effects=effects, random_seed=2, progressbar=False)
        for effects in ("normal", "student_t")
    )
    deviation = [
        fit.group_effects().draws["deviation"].sel(group=11, effect="Intercept").mean().item()
        for fit in (normal, heavy)
    ]
    scale = [fit.draws["posterior"]["1|group_sigma"].mean().item() for fit in (normal, heavy)]
    assert deviation[1] > deviation[0]
    assert scale[1] < scale[0]
    assert "group_nu" in heavy.draws["posterior"]
