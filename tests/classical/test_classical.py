"""Classical methods: published numbers, lme4's, and what each answers."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from synthetic import design_of, many_groups, reference_table, synthetic_draws, synthetic_fit, table

import hierkit
from hierkit.classical.bernoulli import gee, variational
from hierkit.classical.classical import classical
from hierkit.classical.linear_mixed import linear_mixed
from hierkit.errors import HierkitError
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


def test_estimates_follow_the_units_of_predictors() -> None:
    data = hierkit.datasets.churn()
    text = "churn ~ wait + (wait || market)"
    one, other = (
        variational(design_of(text, rows, "bernoulli"))[0] for rows in (data, data.assign(wait=data.wait / 1000))
    )
    for name in ("Intercept", "sd(Intercept|market)"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-3)
    for name in ("wait", "sd(wait|market)"):
        np.testing.assert_allclose(other[name], 1000 * np.array(one[name]), rtol=1e-3)


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


def test_several_factors_with_correlated_effects_have_estimates() -> None:
    _, values = found("y ~ x + (x | g) + (1 | s)", table(80))
    assert {"posterior", "REML", "maximum likelihood", "least squares", "own regressions"} == set(
        values.index.get_level_values("method")
    )


def test_what_a_method_cannot_do_is_said() -> None:
    quantity, values = found("y ~ x + z + (1 | g)", table(80).assign(z=lambda t: 2 * t.x))
    assert "REML" not in values.index.get_level_values("method")
    assert "No REML: A column can be computed from others" in quantity.definition


def test_own_regressions_show_what_they_estimate() -> None:
    """Where z differs between groups only, the groups' own intercepts contain it."""
    data = table(80).assign(level=lambda t: t.g % 7 - 2.0)
    own = found("y ~ x + level + (1 | g)", data)[1].loc["own regressions"]
    assert own.index.tolist() == ["x"]
    own = found("y ~ x * level + (x | g)", data)[1]
    assert "own regressions" not in own.index.get_level_values("method")
    own = found("y ~ x + z + (x | g)", data)[1].loc["own regressions"]
    assert own.index.tolist() == ["Intercept", "x", "z"]


def test_gee_of_few_groups_has_a_word() -> None:
    values = found("won ~ x + (1 | g)", table(200), "bernoulli")[1]
    assert "se too small with 6 groups" in values.loc["GEE", "note"].iloc[0]
    many = many_groups(60).assign(won=lambda t: t.y > 0)
    assert found("won ~ x + (1 | g)", many, "bernoulli")[1].loc["GEE", "note"].iloc[0] == "groups of g"


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


@pytest.mark.parametrize(("shift", "scale"), [(10.0, 1.0), (1e4, 1.0), (0.0, 1e-6)])
def test_zero_and_units_of_a_predictor_do_not_matter_to_variational_bayes_and_gee(shift: Any, scale: Any) -> None:
    """Its vague prior is about the rows; on an intercept at a far zero it made a slope of 0.8 to one of 0.003."""
    rows = table(300, seed=4)
    rows["won"] = np.random.default_rng(1).binomial(1, 1 / (1 + np.exp(-rows.x - rows.g / 30)))
    methods = []
    for a, b in ((0.0, 1.0), (shift, scale)):
        design = design_of("won ~ x + (1 | g)", rows.assign(x=b * (rows.x + a)), "bernoulli")
        methods.append(
            [np.array(method["x"]) * b for method in (variational(design)[0], gee(design, design.factors[0])[0])]
        )
    np.testing.assert_allclose(methods[1], methods[0], rtol=1e-5)


@pytest.mark.parametrize("rows", [2, 3])
def test_as_many_rows_as_coefficients_leave_no_variance(rows: Any) -> None:
    data = table().iloc[:rows].assign(g=["a", "b", "b"][:rows])
    with pytest.raises(HierkitError, match=r"There are \d rows and 3 coefficients\. A residual variance is estimated"):
        linear_mixed(design_of("y ~ x + z + (1 | g)", data), reml=True)


def test_a_model_without_coefficients_has_estimates_of_its_variances() -> None:
    """Balanced groups around zero: the mean squares within and of the groups' means."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 10)
    y = rng.normal(size=30)[g] + rng.normal(size=300)
    design = design_of("y ~ 0 + (1 | g)", pd.DataFrame({"y": y, "g": g}))
    found = classical(Posterior(synthetic_draws(design), design)).draws
    assert found["method"].values.tolist() == ["posterior", "REML", "maximum likelihood"]
    means = np.bincount(g, y) / 10
    within = ((y - means[g]) ** 2).sum() / 270
    expected = {"sd(Intercept|g)": np.sqrt((means**2).mean() - within / 10), "sigma": np.sqrt(within)}
    for name, value in expected.items():
        np.testing.assert_allclose(found["estimate"].sel(parameter=name).values[1:], value, rtol=1e-4)
