"""Classical methods: published numbers, lme4's, and what each answers."""

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from synthetic import REFERENCE, design_of, reference_table, synthetic_draws, synthetic_fit, table

import hierkit
from hierkit.classical.classical import classical
from hierkit.classical.mixed_models import linear_mixed, variational
from hierkit.posterior.posterior import Posterior


def found(text: Any, data: Any, family: Any = "gaussian") -> Any:
    quantity = synthetic_fit(text, data, family, draws=50).classical()
    return quantity, quantity.table().set_index(["method", "parameter"])


def near(values: Any, name: Any, estimate: Any, se: Any = np.nan, digits: Any = 3) -> None:
    """Equal to published numbers as they were rounded."""
    assert values.loc[name, "estimate"] == pytest.approx(estimate, abs=0.5 * 10**-digits + 1e-9)
    if np.isfinite(se):
        assert values.loc[name, "se"] == pytest.approx(se, abs=0.5 * 10**-digits + 1e-9)


def test_published_numbers_of_csat() -> None:
    _, values = found("csat ~ wait + (1 | team)", hierkit.datasets.csat())
    near(values, ("REML", "Intercept"), 76.268, 1.140)
    near(values, ("REML", "wait"), -0.899, 0.024)
    assert values.loc[("REML", "sd(Intercept|team)"), "estimate"] ** 2 == pytest.approx(19.057, abs=0.01)
    assert values.loc[("REML", "sigma"), "estimate"] ** 2 == pytest.approx(62.167, abs=0.001)


def test_published_numbers_of_csat_slopes() -> None:
    _, values = found("csat ~ wait + (wait | team)", hierkit.datasets.csat_slopes())
    near(values, ("REML", "Intercept"), 78.247, 2.103, digits=2)
    near(values, ("REML", "wait"), -1.014, 0.091)
    assert values.loc[("REML", "sd(Intercept|team)"), "estimate"] ** 2 == pytest.approx(68.94, abs=0.1)
    assert values.loc[("REML", "sd(wait|team)"), "estimate"] ** 2 == pytest.approx(0.11597, abs=2e-4)
    near(values, ("REML", "cor(Intercept, wait|team)"), -0.522)
    assert values.loc[("REML", "sigma"), "estimate"] ** 2 == pytest.approx(63.81, abs=0.01)


def test_published_numbers_of_churn() -> None:
    quantity, values = found("churn ~ wait + (1 | market)", hierkit.datasets.churn(), "bernoulli")
    near(values, ("GEE", "Intercept"), -2.541)
    near(values, ("GEE", "wait"), 0.1786, 0.0160, digits=4)
    assert values.loc[("logistic regression", "wait"), "se"] == pytest.approx(0.006, abs=0.0005)
    near(values, ("variational Bayes", "wait"), 0.2257, digits=2)
    answers = values["answers"].groupby("method").first()
    assert answers["GEE"] == answers["logistic regression"] == answers["posterior, marginal"] == "across the population"
    assert answers["posterior"] == answers["variational Bayes"] == "within a group"
    assert "larger in absolute value than across the population" in quantity.definition


LME4 = json.loads((REFERENCE / "lme4_estimates.json").read_text())["models"]


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ConvergenceWarning")  # of one start of several
@pytest.mark.parametrize("name", ["radon", "sleepstudy", "sleepstudy_uncorrelated", "penicillin", "pastes"])
def test_reml_is_that_of_lme4(name: Any) -> None:
    model = LME4[name]
    values = linear_mixed(design_of(model["formula"], reference_table(name.split("_")[0])), reml=True)
    for parameter, estimate in model["fixed"].items():
        assert values[parameter][0] == pytest.approx(estimate, rel=1e-4)
    for effect, sd in model["sd"].items():
        assert values[f"sd({effect})"][0] == pytest.approx(sd, rel=2e-3)
    assert values["sigma"][0] == pytest.approx(model["sigma"], rel=1e-3)


def test_estimates_follow_the_units_of_predictors() -> None:
    data = hierkit.datasets.churn()
    text = "churn ~ wait + (wait || market)"
    one, other = (
        variational(design_of(text, rows, "bernoulli")) for rows in (data, data.assign(wait=data.wait / 1000))
    )
    for name in ("Intercept", "sd(Intercept|market)"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-3)
    for name in ("wait", "sd(wait|market)"):
        np.testing.assert_allclose(other[name], 1000 * np.array(one[name]), rtol=1e-3)
    data = hierkit.datasets.csat_slopes()
    text = "csat ~ wait + (wait | team)"
    one, other = (linear_mixed(design_of(text, rows), True) for rows in (data, data.assign(wait=data.wait * 1000)))
    assert other["wait"][0] == pytest.approx(one["wait"][0] / 1000, rel=1e-4)


def test_counts_are_taken_trial_by_trial() -> None:
    data = reference_table("cbpp")
    rows: Any = data.itertuples()
    trials = [
        {"herd": row.herd, "period": row.period, "sick": sick}
        for row in rows
        for sick in [1] * row.incidence + [0] * (row.size - row.incidence)
    ]
    _, counted = found("p(incidence, size) ~ period + (1 | herd)", data, "bernoulli")
    _, each = found("sick ~ period + (1 | herd)", pd.DataFrame(trials), "bernoulli")
    for method in ("GEE", "variational Bayes", "logistic regression"):
        np.testing.assert_allclose(
            counted.loc[method, ["estimate", "se"]], each.loc[method, ["estimate", "se"]], rtol=1e-4
        )


def test_what_statsmodels_has_not_is_said() -> None:
    quantity, values = found("y ~ x + (x | g) + (1 | s)", table(80))
    assert "REML" not in values.index.get_level_values("method")
    assert "No REML: Several factors have correlated effects" in quantity.definition
    assert {"posterior", "least squares", "own regressions"} <= set(values.index.get_level_values("method"))


def test_separated_rows_have_no_estimates() -> None:
    data = table(80).assign(won=lambda t: t.x > 0)
    quantity, values = found("won ~ x + (1 | g)", data, "bernoulli")
    assert set(values.index.get_level_values("method")) <= {"posterior", "posterior, marginal"}
    assert "the rows are separated" in quantity.definition


def test_student_t_effects_are_said_to_be() -> None:
    design = design_of("y ~ x + (1 | g)", table(80))
    posterior = synthetic_draws(design)
    posterior["g_nu"] = posterior["sigma"] * 0 + 5
    values = classical(Posterior(posterior, design)).table()
    assert "Student-t" in values[values.method == "posterior"]["note"].iloc[0]
    assert "nu(g)" in values["parameter"].tolist()


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("y ~ x", "gaussian"),
        ("won ~ x + h", "bernoulli"),
        ("y ~ x + offset(z) + (1 | s/g)", "gaussian"),
        ("won ~ x + offset(z) + (1 | g) + (1 | s)", "bernoulli"),
        ("p(hits, tries) ~ 0 + h + (0 + x | g)", "bernoulli"),
        ("y ~ 0 + (1 | g)", "gaussian"),
    ],
)
def test_every_model_has_a_table(text: Any, family: Any) -> None:
    _, values = found(text, table(80), family)
    assert "posterior" in values.index.get_level_values("method")
    assert np.isfinite(values["estimate"]).all()


@pytest.mark.slow
def test_dummies_with_a_prior_from_the_mixed_model_give_its_blups() -> None:
    data = hierkit.datasets.noise()
    value, group = data.columns[-1], data.columns[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of the first of two optimizers
        mixed = MixedLM(data[value], np.ones((len(data), 1)), groups=data[group]).fit()
    assert mixed.cov_re.iloc[0, 0] == pytest.approx(0.540, abs=0.005)  # whatever it says of its convergence
    mean, tau, sigma = float(mixed.fe_params.iloc[0]), float(mixed.cov_re.iloc[0, 0]) ** 0.5, mixed.scale**0.5
    blups = {label: mean + float(effect.iloc[0]) for label, effect in mixed.random_effects.items()}
    dummies = hierkit.fit(
        f"{value} ~ 0 + C({group})",
        data,
        priors={f"C({group})": f"Normal({mean}, {tau})", "sigma": f"LogNormal({np.log(sigma)}, 0.0001)"},
        random_seed=1,
        progressbar=False,
        draws=4000,
    )
    found: Any = dummies.coefficients().table().itertuples()
    for (label, blup), row in zip(blups.items(), found, strict=True):
        assert row.term == f"C({group})[{label}]"
        # 16,000 draws, of which at least a quarter are effective
        assert abs(row.estimate - blup) < 4 * row.sd / np.sqrt(4000)
