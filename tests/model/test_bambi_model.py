"""The PyMC model is the model that the design and the priors say: predictions, densities, and prior moments."""

from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats
from synthetic import design_of, linear_predictor, synthetic_draws, table

from hierkit.errors import HierkitError
from hierkit.model.bambi_model import build
from hierkit.model.priors import make_priors

FORMULAS = [
    "y ~ x + (x | g)",
    "y ~ x + (x || g)",
    "y ~ x + (0 + x | g)",
    "y ~ 0 + h + (1 | g/s)",
    "y ~ h * x + (h | g) + (1 | day)",
    "y ~ x + (h | g) + (0 + h | s)",
    "y ~ x + (1 | g) + (0 + h | g)",
    "y ~ x + (k:x | g)",
    "y ~ x + (h || g)",
    "y ~ bs(x, df=4) + (poly(z, 2) | g)",
    "y ~ `km/h` + I(`km/h` / 10) + _low + time_offset + (`km/h` | `the unit`)",
    "y ~ x + offset(log(z)) + (x | won) + (1 | day:s)",
    "y ~ scale(x) + center(z) + (scale(x) | g)",
    "y ~ C(h, Treatment('mid')) + C(h, Sum):x + (1 | g)",
    "y ~ 1",
    "y ~ 0 + (1 | g)",
    "y ~ factor(tries) * x + (I(x > 0) | g)",
    "y ~ (x + z + h)^2 - x:z + (sqrt(pmax(x, 0)) | g)",
    "y ~ h:k + I((x - 1)^2) + I(z / 2) + (1 | s)",
    "y ~ k:h + h + (h:k | g)",
    "y ~ exp(log(z)) + exp(x) * h + (exp(log(z)) + exp(x) | g)",
    "y ~ 0 + cut(z, c(0, 1.5, 2)):x + ns(x, df=3) + (0 + ifelse(x > 0, x, 0) | g)",
    "y ~ C(h, contr.poly) + ave(x, s) + I(z - mean(z)) + (1 | g)",
    "log(z + 3) ~ x + (1 | g)",
    "y / z ~ x + (1 | g)",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_bambi_predicts_x_beta_plus_z_u(text: Any, data: Any) -> None:
    design = design_of(text, data)
    posterior = synthetic_draws(design)
    draws = xr.DataTree.from_dict({"posterior": posterior})
    build(design, make_priors(design)).predict(draws, kind="response_params", inplace=True)
    eta = linear_predictor(design, posterior)
    np.testing.assert_allclose(draws["posterior"].to_dataset()["mu"].values, eta, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(
    "outcome",
    [
        "flag ~ x + (x | g)",
        "won ~ x + (1 | g)",
        "p(hits, tries) ~ x + (x || g)",
        "cbind(hits, tries - hits) ~ x + (1 | g)",
        "cbind(hits, 2 * tries) ~ log(tries) + (1 | g)",
        "hits / tries ~ x + (1 | g)",
        "hits / (hits + tries) ~ x + (1 | g)",
        "!(x > 0) ~ z + (1 | g)",
        "I(x > 0) ~ z + (1 | g)",
    ],
)
def test_bambi_predicts_probabilities(outcome: Any, data: Any) -> None:
    design = design_of(outcome, data, "bernoulli")
    posterior = synthetic_draws(design)
    draws = xr.DataTree.from_dict({"posterior": posterior})
    build(design, make_priors(design)).predict(draws, kind="response_params", inplace=True)
    p = 1 / (1 + np.exp(-linear_predictor(design, posterior)))
    np.testing.assert_allclose(draws["posterior"].to_dataset()["p"].values, p, atol=1e-10)


@pytest.mark.parametrize("text", FORMULAS)
def test_every_name_of_the_design_is_a_variable_of_the_model(text: Any, data: Any) -> None:
    design = design_of(text, data)
    names = set(build(design, make_priors(design)).backend.model.named_vars)
    assert {column.term for column in design.columns} <= names
    for factor in design.factors:
        variables = {factor.variable(effect) for effect in factor.effects}
        assert variables | {f"{variable}_sigma" for variable in variables} <= names


@pytest.mark.parametrize("effects", ["normal", "student_t"])
@pytest.mark.parametrize("text", ["y ~ x + (x + z | g)", "y ~ x + (h | g)"])
def test_centred_effects_have_their_joint_density(text: Any, effects: Any, data: Any) -> None:
    """log p(u | sds, correlations) is the sum over groups of log N(u_j; 0, G), or of log t_nu(u_j; 0, G)."""
    design = design_of(text, data)
    model = build(design, make_priors(design, effects=effects), effects, centred={"g"}).backend.model
    rng = np.random.default_rng(0)
    point = {name: value + rng.normal(0, 0.3, np.shape(value)) for name, value in model.initial_point().items()}

    def value(variable: Any) -> np.ndarray:
        expression = model.replace_rvs_by_values([variable])[0]
        found: np.ndarray = model.compile_fn(expression, inputs=model.value_vars, on_unused_input="ignore")(point)
        return found

    factor = design.factors[0]
    variables = dict.fromkeys(factor.variable(effect) for effect in factor.effects)
    sds = np.concatenate([np.atleast_1d(value(model[f"{name}_sigma"])) for name in variables])
    u_variables = [model[f"g_{i}_offset"] for i in range(3)]
    u = np.column_stack([value(effect) for effect in u_variables])
    inverse = np.linalg.inv(factor.T)  # sampled are the effects at the centre
    scale = inverse @ (np.outer(sds, sds) * value(model["g_corr"])) @ inverse.T
    if effects == "normal":
        expected = stats.multivariate_normal.logpdf(u, cov=scale).sum()
    else:
        t: Any = stats.multivariate_t
        expected = t.logpdf(u, shape=scale, df=float(value(model["g_nu"]))).sum()
    assert value(model.logp(u_variables, jacobian=False)) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("centred", [set(), {"g"}], ids=["non-centred", "centred"])
def test_prior_of_correlations_and_effects(centred: Any, data: Any) -> None:
    """LKJ(eta) over q effects: a correlation has variance 1 / (2 eta + q - 1). Effects have the sds of their prior."""
    design = design_of("y ~ 1 + (x + z | g)", data)
    priors = make_priors(design, {"sd(g)": "LogNormal(0, 0.01)", "cor(g)": "LKJ(2)"})
    model = build(design, priors, centred=centred).backend.model
    n = 20_000
    corr, *u = pm.draw([model[name] for name in ("g_corr", "1|g", "x|g", "z|g")], draws=n, random_seed=1)
    variance = 1 / (2 * 2 + 3 - 1)
    kurtosis = 3 - 6 / (2 * 3.5 + 1)  # of a Beta(2.5, 2.5) on (-1, 1)
    error = variance * np.sqrt((kurtosis - 1) / n)
    for i, j in ((1, 0), (2, 0), (2, 1)):
        assert corr[:, i, j].var() == pytest.approx(variance, abs=4 * error)
        assert np.corrcoef(u[i][:, 0], u[j][:, 0])[0, 1] == pytest.approx(0, abs=4 / np.sqrt(n) * 1.3)
    for effect in u:
        assert effect[:, 0].std() == pytest.approx(1, abs=4 / np.sqrt(2 * n) + 1e-3)
    np.testing.assert_allclose(corr, np.swapaxes(corr, 1, 2))
    assert np.linalg.eigvalsh(corr).min() > 0


@pytest.mark.parametrize("centred", [set(), {"g"}], ids=["non-centred", "centred"])
def test_student_t_effects_have_the_t_distribution(centred: Any, data: Any) -> None:
    design = design_of("y ~ 1 + (1 | g)", data)
    priors = make_priors(design, {"sd(g)": "LogNormal(0, 0.001)", "nu(g)": "LogNormal(1.6094379, 0.001)"}, "student_t")
    model = build(design, priors, "student_t", centred).backend.model
    u = pm.draw(model["1|g"], draws=20_000, random_seed=1)[:, 0]
    assert stats.kstest(u, stats.t(5).cdf).pvalue > 1e-3


@pytest.mark.parametrize("centred", [set(), {"g"}], ids=["non-centred", "centred"])
def test_several_student_t_effects_are_multivariate_t(centred: Any, data: Any) -> None:
    """u' R^-1 u / q over the sds of t_nu effects has the F distribution with q and nu degrees of freedom."""
    design = design_of("y ~ 1 + (x + z | g)", data)
    given = {"sd(g)": "LogNormal(0, 0.001)", "nu(g)": "LogNormal(1.6094379, 0.001)", "cor(g)": "LKJ(1)"}
    model = build(design, make_priors(design, given, "student_t"), "student_t", centred).backend.model
    corr, *u = pm.draw([model[name] for name in ("g_corr", "1|g", "x|g", "z|g")], draws=20_000, random_seed=1)
    first = np.stack([effect[:, 0] for effect in u], axis=1)
    distance = np.einsum("da,dab,db->d", first, np.linalg.inv(corr), first) / 3
    assert stats.kstest(distance, stats.f(3, 5).cdf).pvalue > 1e-3


def test_columns_of_one_term_may_have_priors_of_several_kinds(data: Any) -> None:
    design = design_of("y ~ k + (k | g)", data)
    priors = make_priors(
        design, {"k[b]": "Normal(5, 0.1)", "k[a]": "Laplace(-5, 0.1)", "sd(k[a]|g)": "Exponential(1000)"}
    )
    model = build(design, priors).backend.model
    k, sd = pm.draw([model["k"], model["k|g_sigma"]], draws=500, random_seed=1)
    np.testing.assert_allclose(k.mean(axis=0), [5, -5], atol=0.1)
    assert sd[:, 1].max() < 0.1 < sd[:, 0].max()


def test_priors_reach_bambi() -> None:
    design = design_of("y ~ x + (x || g)", table())
    model = build(design, make_priors(design, {"x": "StudentT(4, 1, 2)", "sd(x|g)": "Gamma(2, 3)"}))
    component = model.conditional_parameters["mu"]
    assert str(component.terms["x"].prior) == "StudentT(nu: 4.0, mu: 1.0, sigma: 2.0)"
    assert str(component.terms["x|g"].prior.args["sigma"]) == "Gamma(alpha: 2.0, beta: 3.0)"


def test_a_constant_column_is_refused() -> None:
    """The compiled engines take it: a prior of the intercept where predictors are zero is written so."""
    design = design_of("y ~ 0 + one + x", table().assign(one=1.0))
    with pytest.raises(HierkitError, match=r"'one' is constant\. Bambi's model has no other constant column than the"):
        build(design, make_priors(design))
