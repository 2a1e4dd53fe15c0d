"""The marginal engine draws from the posterior of the PyMC model."""

import warnings

import arviz_stats
import numpy as np
import pandas as pd
import pytest
from engines import check_same_posterior, cholesky_factors, pymc_point
from scipy import stats
from synthetic import design_of, reference_table, table

import hierkit
from hierkit.errors import HierkitError, SamplingWarning
from hierkit.model.bambi_model import build
from hierkit.model.priors import make_priors
from hierkit.sampling import densities, marginal
from hierkit.sampling.marginal_density import marginal_log_posterior
from hierkit.sampling.parameters import make_parameters

MODELS = {
    "y ~ x + (1 | g)": {},
    "y ~ x + (x | g)": {"x": "StudentT(4, 0, 1)", "sd(g)": "Exponential(1)", "cor(g)": "LKJ(1)"},
    "y ~ x + (x || g)": {"sigma": "Uniform(0.1, 9)", "sd(1|g)": "HalfCauchy(1)"},
    "y ~ x + (0 + x | g)": {"Intercept": "Cauchy(0, 2)", "sd(g)": "LogNormal(0, 1)"},
    "y ~ x + (x + z | g)": {"cor(g)": "LKJ(3)", "sd(z|g)": "Gamma(2, 2)"},
    "y ~ h + (h | g)": {"h": "Laplace(0, 1)"},
    "y ~ x + (1 | g) + (0 + h | g)": {"sigma": "InverseGamma(3, 2)"},
    "y ~ 0 + h + x + (x | g)": {},
    "y ~ x + mean_x + (x | g)": {"mean_x": "Flat"},
    "y ~ x + offset(z) + (1 | g:s)": {},
}


def data() -> pd.DataFrame:
    """Eighteen groups that differ in level and slope, one of them of a single row."""
    rng = np.random.default_rng(8)
    rows = table(240)
    rows["g"] = np.where(rows.index == 0, 18, rng.integers(0, 18, len(rows)))
    rows["y"] += rng.normal(0, 1, 19)[rows.g] + (0.5 + rng.normal(0, 0.7, 19)[rows.g]) * rows.x
    return rows.assign(mean_x=rows.groupby("g").x.transform("mean"))


def model_of(text: str):
    design = design_of(text, data())
    return design, make_priors(design, MODELS[text])


@pytest.mark.parametrize("text", MODELS)
def test_log_posterior_is_that_of_pymc_with_the_effects_integrated_out(text):
    """log p(y, theta) = log p(y, z, theta) - log p(z | y, theta) at any z, up to a constant."""
    design, priors = model_of(text)
    parameters, statistics = make_parameters(design, priors), marginal.sufficient_statistics(design)
    data = marginal.arguments(parameters, statistics)
    model = build(design, priors).backend.model
    factor, (q, _, n_groups) = design.factors[0], statistics.groups.shape
    log_p = model.compile_logp(jacobian=True)
    start, _ = marginal.pilot(parameters, statistics)
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    for _ in range(3):
        x = start + rng.normal(0, 0.4, len(start))
        z = rng.normal(size=(n_groups, q))
        values, slopes = (a[0] for a in densities.constrain(x[None], parameters.codes, parameters.numbers))
        p = len(design.columns)
        (L,), s2 = cholesky_factors(design, parameters, values, slopes), values[-1] ** 2
        given = 0.0
        for j in range(n_groups):
            Z, rows = factor.Z[factor.codes == j], factor.codes == j
            e = (design.outcome.y - design.offset - (design.X - design.column_means) @ values[:p])[rows]
            M = np.eye(q) + L.T @ Z.T @ Z @ L / s2
            covariance = np.linalg.inv(M)
            given += stats.multivariate_normal.logpdf(z[j], covariance @ L.T @ Z.T @ e / s2, covariance)
        ours.append(marginal_log_posterior(x, *data)[0])
        theirs.append(float(log_p(pymc_point(model, design, parameters, values, [z]))) - given)
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("text", MODELS)
def test_gradient(text):
    design, priors = model_of(text)
    parameters, statistics = make_parameters(design, priors), marginal.sufficient_statistics(design)
    data = marginal.arguments(parameters, statistics)
    start, _ = marginal.pilot(parameters, statistics)
    x = start + np.random.default_rng(1).normal(0, 0.3, len(start))
    _, grad = marginal_log_posterior(x, *data)
    numeric = [
        (marginal_log_posterior(x + 1e-6 * e, *data)[0] - marginal_log_posterior(x - 1e-6 * e, *data)[0]) / 2e-6
        for e in np.eye(len(x))
    ]
    np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-6 * np.abs(grad).max())


def test_zero_of_x_and_y_costs_no_digits():
    """The same model with x and y far from zero has the same density in the centred coordinates."""
    rows = table()
    differences = []
    for change in (0, 1e6):
        design = design_of("y ~ x + (1 | g)", rows.assign(x=rows.x + change, y=rows.y + change))
        parameters = make_parameters(design, make_priors(design))
        statistics = marginal.sufficient_statistics(design)
        start, _ = marginal.pilot(parameters, statistics)
        data = marginal.arguments(parameters, statistics)
        differences.append(marginal_log_posterior(start + 0.3, *data)[0] - marginal_log_posterior(start, *data)[0])
    assert differences[0] == pytest.approx(differences[1], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("text", MODELS)
def test_same_posterior_as_pymc(text):
    check_same_posterior(text, data(), "gaussian", MODELS[text], "marginal")


@pytest.mark.slow
def test_same_seed_same_draws_whatever_the_cores():
    rows = reference_table("sleepstudy")
    options = {"random_seed": 3, "draws": 200, "tune": 200, "progressbar": False, "engine": "marginal"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        one, other = (hierkit.fit("Reaction ~ Days + (Days | Subject)", rows, cores=n, **options) for n in (1, 2))
    assert one.draws["posterior"].to_dataset().identical(other.draws["posterior"].to_dataset())


@pytest.mark.slow
def test_a_poor_pilot_costs_tuning_not_truth(monkeypatch):
    rows = reference_table("sleepstudy")
    good = hierkit.fit("Reaction ~ Days + (Days | Subject)", rows, random_seed=3, progressbar=False)
    pilot = marginal.pilot
    monkeypatch.setattr(marginal, "pilot", lambda *args: (pilot(*args)[0] + 2.0, pilot(*args)[1] * 10))
    poor = hierkit.fit("Reaction ~ Days + (Days | Subject)", rows, random_seed=3, progressbar=False)
    assert good.draws.attrs["engine"] == poor.draws.attrs["engine"] == "marginal"
    for name in ("Intercept", "Days", "1|Subject_sigma", "Days|Subject_sigma", "sigma"):
        one, other = (fit.draws["posterior"][name] for fit in (good, poor))
        error = np.hypot(*(float(arviz_stats.mcse(values, method="mean")) for values in (one, other)))
        assert abs(float(one.mean() - other.mean())) < 4 * error


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ x + (x | g) + (1 | s)", {}, "2 grouping factors"),
        ("y ~ x", {}, "no grouping factor"),
        ("won ~ x + (1 | g)", {"family": "bernoulli"}, "bernoulli outcome"),
        ("y ~ x + (1 | g)", {"priors": {"x": "Gumbel(0, 1)"}}, "prior Gumbel on x"),
        ("y ~ x + (1 | g)", {"priors": {"sd(g)": "Weibull(2, 1)"}}, r"prior Weibull on sd\(1\|g\)"),
        ("y ~ x + (1 | g)", {"effects": "student_t"}, "Student-t effects"),
        ("y ~ x + (1 | g)", {"nuts_sampler": "pymc"}, "nuts_sampler pymc"),
    ],
)
def test_models_that_it_is_not_for(formula, options, reason):
    with pytest.raises(HierkitError, match=f"engine='marginal' does not fit the model: {reason}"):
        hierkit.fit(formula, table(), engine="marginal", **options)
