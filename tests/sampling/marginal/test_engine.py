"""The marginal engine draws from the posterior of the PyMC model."""

import warnings
from dataclasses import replace
from typing import Any

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
from hierkit.model.basis import make_basis
from hierkit.model.priors import make_priors
from hierkit.sampling.kernels import densities
from hierkit.sampling.kernels.layout import make_layout
from hierkit.sampling.marginal import engine

MODELS = {
    "y ~ x + (1 | g)": {},
    "y ~ x + (x | g)": {"x": "Normal(1, 0.5)", "sd(g)": "Exponential(1)", "cor(g)": "LKJ(1)"},
    "y ~ x + (x || g)": {"sigma": "Uniform(0.1, 9)", "sd(Intercept|g)": "HalfCauchy(1)"},
    "y ~ x + (0 + x | g)": {"Intercept": "Normal(0, 2)", "sd(g)": "LogNormal(0, 1)"},
    "y ~ x + (near + x | g)": {"cor(g)": "LKJ(3)", "sd(x|g)": "Gamma(2, 2)"},
    "y ~ x + (z + year | g)": {"sd(Intercept|g)": "HalfNormal(100)", "sd(z|g)": "Gamma(2, 2)"},
    "y ~ h + (h | g)": {},
    "y ~ x + (1 | g) + (0 + h | g)": {"sigma": "InverseGamma(3, 2)"},
    "y ~ 0 + h + x + (x | g)": {},
    "y ~ x + mean_x + (x | g)": {"mean_x": "Flat"},
    "y ~ x + offset(z) + (1 | g:s)": {},
    "y ~ x * far + (1 | g) + (far | s)": {},
    "y ~ x + h": {"sigma": "Gamma(2, 1)"},
}

# models whose rows have weights or known sds
PRECISION = {
    "y ~ x + z + (x | g)": {"weights": "w"},
    "y ~ z + (1 | g) + (1 | s)": {"weights": "w"},
    "y ~ z + (1 | g)": {"known_sd": "w"},
    "y ~ x + offset(z) + (x | g) + (1 | s)": {"known_sd": "w"},
}
MODELS |= {text: {} for text in PRECISION}


def data() -> pd.DataFrame:
    """Eighteen groups that differ in level and slope, one of them of a single row."""
    rng = np.random.default_rng(8)
    rows = table(240)
    rows["g"] = np.where(rows.index == 0, 18, rng.integers(0, 18, len(rows)))
    rows["y"] += rng.normal(0, 1, 19)[rows.g] + (0.5 + rng.normal(0, 0.7, 19)[rows.g]) * rows.x
    rows["w"] = rng.choice([0.3, 0.7, 1.9], len(rows))
    return rows.assign(mean_x=rows.groupby("g").x.transform("mean"), near=rows.z + 4, far=rows.z + 50, year=rows.x + 50)


def model_of(text: str, effects: Any = "normal") -> Any:
    """Design, priors, and the model without curves."""
    design = design_of(text, data(), **PRECISION.get(text, {}))
    return design, (priors := make_priors(design, MODELS[text], effects)), model_without_curves(design, priors)


def model_without_curves(design: Any, priors: Any) -> Any:
    return engine.make_model(design, priors, make_basis(design, priors), make_layout(design.factors))[0]


def log_density_of(y: Any, mean: Any, factors: Any, sds: Any, prior: Any, values: Any, z: Any) -> float:
    """Log p(beta, z | y, all sds, correlations), with matrices written out; sds of rows, prior (means, sds) of beta."""
    X, *Zs = factors
    columns = np.hstack([X, *Zs]) / sds[:, None]
    point = np.concatenate([values, *(one.ravel() for one in z)])
    centre = np.concatenate([prior[0], np.zeros(columns.shape[1] - X.shape[1])])
    precision = np.diag(np.concatenate([prior[1] ** -2.0, np.ones(columns.shape[1] - X.shape[1])]))
    joint = columns.T @ columns + precision
    away = point - np.linalg.solve(joint, columns.T @ ((y - mean) / sds) + precision @ centre)
    return float(0.5 * np.linalg.slogdet(joint)[1] - 0.5 * away @ joint @ away)


@pytest.mark.parametrize("text", MODELS)
def test_log_posterior_is_that_of_pymc_with_the_rest_integrated_out(text: Any) -> None:
    """log p(y, theta) = log p(y, beta, z, theta) - log p(beta, z | y, theta) at any beta and z, up to a constant."""
    design, priors, fast = model_of(text)
    parameters, origin = fast.parameters, fast.origin
    p, q = len(design.columns), len(origin.T)
    model = build(design, priors, for_sampling=True).backend.model
    log_p = model.compile_logp(jacobian=True)
    given = [list(priors[c.label].args.values()) or [0.0, np.inf] for c in design.columns]
    prior = np.array(given)[:, 0], np.array(given)[:, 1]
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    for _ in range(3):
        x = np.concatenate([rng.normal(0, 0.4, p), np.log(0.5) + rng.normal(0, 0.4, len(parameters) - p)])
        values, slopes = (a[0] for a in densities.constrain(x[None], parameters.codes, parameters.numbers))
        L = cholesky_factors(design, parameters, values, slopes)
        z = [rng.normal(size=(len(f.levels), len(f.effects))) for f in design.factors]
        columns, at = [design.X - design.column_means], 0
        for factor, own in zip(design.factors, L, strict=True):
            T = origin.T[at : at + len(own), at : at + len(own)]
            wide = np.zeros((len(factor.Z), len(factor.levels), len(own)))
            wide[np.arange(len(factor.Z)), factor.codes] = factor.Z @ T @ own
            columns.append(wide.reshape(len(factor.Z), -1))
            at += len(own)
        sd = (values[-1] if design.outcome.has_sigma else 1.0) / np.sqrt(design.row_weights)
        known = log_density_of(design.outcome.y, design.offset, columns, sd, prior, values[:p], z)
        ours.append(engine.log_posterior_of(fast)(x[p:])[0])
        theirs.append(float(log_p(pymc_point(model, design, parameters, values, z))) - known)
    assert q == sum(len(factor.effects) for factor in design.factors)
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("text", [text for text in MODELS if "|" in text])
def test_student_t_effects_are_normal_ones_of_columns_with_a_scale_for_each_group(text: Any) -> None:
    """log p(theta, nu, c) = log p(theta) of Z times the scales + log p(c | nu) + the prior of nu."""
    design, _, heavy = model_of(text, "student_t")
    names = heavy.parameters.names[heavy.parameters.coefficients :]
    layout = make_layout(design.factors)
    rng = np.random.default_rng(3)
    ours, expected = [], []
    for _ in range(3):
        nu = {factor.nu: rng.uniform(1, 20) for factor in design.factors}
        common = [np.log(nu[name]) if name in nu else rng.normal(-0.5, 0.4) for name in names]
        squares = {f: rng.uniform(0.3, 3, len(factor.levels)) for f, factor in enumerate(design.factors)}
        c = [np.sqrt(nu[design.factors[f].nu] / 2) * np.log(squares[f]) for f in layout.order]
        ours.append(engine.log_posterior_of(heavy)(np.concatenate([common, *c]))[0])
        factors = [
            replace(factor, Z=np.sqrt(squares[f])[factor.codes][:, None] * factor.Z)
            for f, factor in enumerate(design.factors)
        ]
        scaled = replace(design, factors=tuple(factors))
        normal = model_without_curves(scaled, make_priors(design, MODELS[text]))
        there, _ = engine.log_posterior_of(normal)(
            np.array([x for x, name in zip(common, names, strict=True) if name not in nu])
        )
        for f, factor in enumerate(design.factors):
            given = nu[factor.nu]
            # the inverse gamma density of the square by c, and Gamma(2, 0.1) of nu by its log
            own = stats.invgamma.logpdf(squares[f], given / 2, scale=given / 2) + np.log(squares[f])
            there += own.sum() - 0.5 * len(own) * np.log(given / 2)
            there += stats.gamma.logpdf(given, 2, scale=10) + np.log(given)
        expected.append(there)
    np.testing.assert_allclose(np.diff(ours), np.diff(expected), rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("effects", ["normal", "student_t"])
@pytest.mark.parametrize("text", MODELS)
def test_gradient(text: Any, effects: Any) -> None:
    design, _, model = model_of(text, effects)
    model, start, _ = engine.pilot(model, engine.find_mode(design, model))
    log_posterior = engine.log_posterior_of(model)
    x = start + np.random.default_rng(1).normal(0, 0.3, len(start))
    value, grad = log_posterior(x)
    numeric = [(log_posterior(x + 1e-6 * e)[0] - log_posterior(x - 1e-6 * e)[0]) / 2e-6 for e in np.eye(len(x))]
    rounding = 4 * np.finfo(float).eps * abs(value) / 1e-6  # of the differences
    np.testing.assert_allclose(grad, numeric, rtol=1e-5, atol=1e-6 * np.abs(grad).max() + rounding)


def test_zero_of_x_and_y_costs_no_digits() -> None:
    """The same model with x and y far from zero has the same density at the same point."""
    rows = table()
    differences = []
    for change in (0, 1e6):
        design = design_of("y ~ x + (x | g)", rows.assign(x=rows.x + change, y=rows.y + change))
        log_posterior = engine.log_posterior_of(model_without_curves(design, make_priors(design)))
        start = np.full(4, -0.5)
        differences.append(log_posterior(start + 0.3)[0] - log_posterior(start)[0])
    assert differences[0] == pytest.approx(differences[1], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("text", MODELS)
def test_same_posterior_as_pymc(text: Any) -> None:
    check_same_posterior(text, data(), "gaussian", MODELS[text], "marginal", **PRECISION.get(text, {}))


@pytest.mark.slow
@pytest.mark.parametrize("text", ["y ~ x + (x | g)", "y ~ x + (1 | g) + (0 + h | g)"])
def test_same_posterior_as_pymc_with_student_t_effects(text: Any) -> None:
    check_same_posterior(text, data(), "gaussian", {}, "marginal", effects="student_t")


@pytest.mark.slow
def test_same_seed_same_draws_whatever_the_cores() -> None:
    rows = reference_table("sleepstudy")
    options: dict[str, Any] = {"random_seed": 3, "draws": 200, "tune": 200, "progressbar": False, "engine": "marginal"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        one, other = (hierkit.fit("Reaction ~ Days + (Days | Subject)", rows, cores=n, **options) for n in (1, 2))
    assert one.draws["posterior"].to_dataset().identical(other.draws["posterior"].to_dataset())


@pytest.mark.slow
def test_a_poor_pilot_costs_tuning_not_truth(monkeypatch: Any) -> None:
    rows = reference_table("sleepstudy")
    good = hierkit.fit("Reaction ~ Days + (Days | Subject)", rows, random_seed=3, progressbar=False)
    pilot = engine.pilot

    def poor_pilot(*args: Any) -> Any:
        model, start, spread = pilot(*args)
        return model, start + 2.0, spread * 3

    monkeypatch.setattr(engine, "pilot", poor_pilot)
    poor = hierkit.fit("Reaction ~ Days + (Days | Subject)", rows, random_seed=3, progressbar=False)
    assert good.draws.attrs["engine"] == poor.draws.attrs["engine"] == "marginal"
    for name in ("Intercept", "Days", "1|Subject_sigma", "Days|Subject_sigma", "sigma"):
        one, other = (fit.draws["posterior"][name] for fit in (good, poor))
        errors = [float(arviz_stats.mcse(values, method="mean")) for values in (one, other)]
        assert abs(float(one.mean() - other.mean())) < 4 * np.hypot(errors[0], errors[1])


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ x + (1 | g)", {"priors": {"x": "Cauchy(0, 1)"}}, "prior Cauchy on x"),
        ("won ~ x + (1 | g)", {"family": "bernoulli"}, "Bernoulli outcome"),
        ("y ~ x + (1 | g)", {"priors": {"x": "Gumbel(0, 1)"}}, "prior Gumbel on x"),
        ("y ~ x + (1 | g)", {"priors": {"sd(g)": "Weibull(2, 1)"}}, r"prior Weibull on sd\(Intercept\|g\)"),
        ("y ~ x + (1 | g)", {"nuts_sampler": "pymc"}, "nuts_sampler pymc"),
    ],
)
def test_models_that_it_is_not_for(formula: Any, options: Any, reason: Any) -> None:
    with pytest.raises(HierkitError, match=f"engine='marginal' does not fit the model: {reason}"):
        hierkit.fit(formula, table(), engine="marginal", **options)
