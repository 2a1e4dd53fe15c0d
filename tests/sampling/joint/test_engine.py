"""The joint engine draws from the posterior of the PyMC model."""

import os
import subprocess
import sys
import warnings
from dataclasses import replace
from typing import Any

import arviz_stats
import numpy as np
import pandas as pd
import pytest
from engines import check_same_posterior, cholesky_factors, log_jacobian, pymc_point
from scipy import stats
from scipy.linalg import block_diag
from synthetic import design_of, table

import hierkit
from hierkit.errors import HierkitError, SamplingWarning
from hierkit.model.bambi_model import build
from hierkit.model.priors import make_priors
from hierkit.sampling.joint import engine, pilot
from hierkit.sampling.joint.group_effects import gaussian_draws
from hierkit.sampling.joint.logit import logit_draws
from hierkit.sampling.joint.products import Sums
from hierkit.sampling.kernels import densities
from hierkit.sampling.kernels.layout import make_layout

MODELS = {
    "hit ~ x + (1 | g)": {},
    "hit ~ x + (1 | d)": {},
    "hit ~ x + (near | d)": {"sd(Intercept|d)": "HalfNormal(30)"},
    "p(hits, tries) ~ x + (year | g)": {"sd(Intercept|g)": "HalfNormal(100)"},
    "hit ~ x + (x | g)": {"x": "StudentT(4, 0, 1)", "sd(g)": "Exponential(1)", "cor(g)": "LKJ(1)"},
    "hit ~ x + (x || g)": {"sd(x|g)": "Uniform(0, 3)", "sd(Intercept|g)": "HalfCauchy(1)"},
    "hit ~ 0 + h + (0 + x | g)": {},
    "p(hits, tries) ~ x + (x + z | g)": {"cor(g)": "LKJ(3)"},
    "p(hits, tries) ~ x + offset(z) + (h | g)": {"Intercept": "Normal(0, 3)"},
    "hit ~ x + z": {"z": "Laplace(0, 1)"},
    "hit ~ x + (x | g) + (1 | d)": {"sd(d)": "Gamma(2, 2)"},
    "p(hits, tries) ~ x + (1 | d/g) + (0 + x | b)": {},
    "y ~ x + h": {"sigma": "Gamma(2, 1)"},
    "y ~ x + (1 | g) + (1 | d)": {"sigma": "Uniform(0.1, 9)"},
    "y ~ x + (1 | d/g)": {},
    "y ~ x + h + (far | g)": {"x": "Cauchy(0, 1)", "h": "Laplace(0, 1)"},
    "y ~ x + mean_x + offset(z) + (x | g) + (h | d)": {"cor(d)": "LKJ(3)"},
    "y ~ x + (x || d) + (1 | b/g)": {"sd(d)": "LogNormal(0, 1)"},
}

# models whose rows have weights or known sds
PRECISION = {
    "y ~ x + z + (1 | g)": {"weights": "w"},
    "y ~ z + (x | g) + (1 | d)": {"weights": "w"},
    "y ~ z + (1 | g)": {"known_sd": "w"},
    "y ~ x + offset(z) + (x | g) + (1 | d/b)": {"known_sd": "w"},
    "y ~ z + h": {"known_sd": "w"},
}
MODELS |= {text: {} for text in PRECISION}
HEAVY = [
    "hit ~ x + (x | g)",
    "hit ~ x + (x | g) + (1 | d)",
    "p(hits, tries) ~ x + (1 | d/g) + (0 + x | b)",
    "y ~ x + (1 | g) + (1 | d)",
    "y ~ x + (x || d) + (1 | b/g)",
    "y ~ z + (x | g) + (1 | d)",
    "y ~ z + (1 | g)",
    "y ~ x + offset(z) + (x | g) + (1 | d/b)",
]


def data() -> pd.DataFrame:
    """Nineteen groups, one of a single row, crossed with eight d and twelve b; events, counts, a Gaussian outcome."""
    rng = np.random.default_rng(8)
    rows = table(300)
    rows["g"] = np.where(rows.index == 0, 18, rng.integers(0, 18, len(rows)))
    rows["d"], rows["b"] = rng.integers(0, 8, len(rows)), rng.integers(0, 12, len(rows))
    eta = 0.3 + rng.normal(0, 1, 19)[rows.g] + (0.8 + rng.normal(0, 0.7, 19)[rows.g]) * rows.x
    eta += rng.normal(0, 0.8, 8)[rows.d] + rng.normal(0, 0.5, 12)[rows.b] * rows.x
    share = 1 / (1 + np.exp(-eta))
    rows["y"] += eta
    rows["mean_x"] = rows.groupby("g").x.transform("mean")
    rows["near"], rows["far"], rows["year"] = rows.z + 4, rows.z + 50, rows.x + 50
    rows = rows.assign(hit=rng.binomial(1, share), hits=rng.binomial(rows.tries, share))
    return rows.assign(w=rng.choice([0.3, 0.7, 1.9], len(rows)))


def family_of(text: str) -> str:
    return "gaussian" if text.startswith("y ") else "bernoulli"


def model_of(text: str, effects: Any = "normal") -> Any:
    """The design, its priors, and the model."""
    design = design_of(text, data(), family_of(text), **PRECISION.get(text, {}))
    priors = make_priors(design, MODELS.get(text, {}), effects)
    return design, priors, engine.make_model(design, priors)


def coefficients_and_effects(model: Any, c: Any, L: Any, scales: Any) -> Any:
    """v (draw, column + effects) of coordinates (draw, ...), with the same L and scales (group,) for all."""
    v, factors = np.empty_like(c), np.broadcast_to(L, (len(c), *L.shape)).copy()
    scales = np.tile(scales, (len(c), 1))
    if isinstance(model.rows, Sums):
        gaussian_draws(c, factors, scales, model.geometry, model.layout, v)
    else:
        logit_draws(c, factors, scales, model.geometry, model.layout, model.rows, v)
    return v


def log_density_of_largest(design: Any, model: Any, values: Any, L: Any, z: Any, scales: Any) -> float:
    """log p(z_last | y, all else) of the factor that is integrated out, written out; scales (group,) by factor."""
    left = design.outcome.y - design.offset - (design.X - design.column_means) @ values[: len(design.columns)]
    sd = (values[-1] if design.outcome.has_sigma else 1.0) / np.sqrt(design.row_weights)
    at = 0
    for f, factor in enumerate(design.factors):
        own = slice(at, at := at + len(factor.effects))
        wide = np.zeros((len(left), len(factor.levels), len(factor.effects)))
        wide[np.arange(len(left)), factor.codes] = factor.Z @ model.origin.T[own, own] @ L[f]
        if f in model.layout.order:
            left = left - wide.reshape(len(left), -1) @ z[f].ravel()
        else:
            last, columns = f, wide.reshape(len(left), -1) / sd[:, None]
    # of a normal distribution whose sd is the group's scale
    precision = np.diag(np.repeat(scales[last] ** -2.0, len(design.factors[last].effects))) + columns.T @ columns
    away = z[last].ravel() - np.linalg.solve(precision, columns.T @ (left / sd))
    return float(0.5 * np.linalg.slogdet(precision)[1] - 0.5 * away @ precision @ away)


@pytest.mark.parametrize("text", MODELS)
def test_log_posterior_is_that_of_pymc_in_other_coordinates(text: Any) -> None:
    check_log_posterior(text)


@pytest.mark.parametrize("text", HEAVY)
def test_log_posterior_with_student_t_effects_is_that_of_pymc_given_the_scales(text: Any) -> None:
    check_log_posterior(text, "student_t")


@pytest.mark.parametrize(
    "text", ["y ~ x + (x || d) + (1 | b/g)", "y ~ 0 + (1 | g) + (1 | d)", "hit ~ x + (x | g) + (1 | d)"]
)
def test_log_posterior_is_that_of_pymc_where_the_information_is_not_formed(text: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("hierkit.sampling.joint.pilot.MOST_DENSE", 1)
    monkeypatch.setattr("hierkit.sampling.joint.coordinates.MOST_IN_HEAD", 2)
    check_log_posterior(text)


def check_log_posterior(text: Any, effects: Any = "normal") -> None:
    """log p(x) = log p(y, z, theta) - log p(z_last | ...) - sum_f J_f log|L_f| + log|d v / d c| up to a constant.

    v = (beta, u) is linear in the coordinates and z = L^-1 u are PyMC's; the last factor of a Gaussian model is
    integrated out, which any z_last shows. Where effects are Student-t, PyMC's t(z) gives way to N(z; 0, s²) p(c).
    """
    design, priors, model = model_of(text, effects)
    parameters, layout = model.parameters, model.layout
    pymc_model = build(design, priors, effects, for_sampling=True).backend.model
    log_p = pymc_model.compile_logp(jacobian=True)
    rng = np.random.default_rng(0)
    p, count, n_scales = len(design.columns), len(parameters), model.group_scales.coordinates
    ours, theirs = [], []
    for _ in range(3):
        x = model.start + model.spread * rng.normal(size=len(model.start))
        values, slopes = (a[0] for a in densities.constrain(x[None, :count], parameters.codes, parameters.numbers))
        L = cholesky_factors(design, parameters, values, slopes)
        scales, there = scales_and_log_density(design, model, values, x[count : count + n_scales])
        c, joined = np.concatenate([x[:p], x[count + n_scales :]]), block_diag(np.empty((0, 0)), *L)
        every = np.concatenate([np.ones(0), *(scales[f] for f in make_layout(design.factors).order)])
        v = coefficients_and_effects(model, np.vstack([c, np.zeros(len(c)), np.eye(len(c))]), joined, every)
        values[:p] = model.geometry.basis @ v[0, :p]
        z = {}
        for f, place in enumerate(layout.order):
            u = v[0, p + layout.first[f] : p + layout.first[f + 1]]
            in_head = f < model.geometry.head[0]
            u = u.reshape(layout.groups[f], -1).T if in_head else u.reshape(-1, layout.groups[f])
            z[place] = np.linalg.solve(L[place], u).T
        there -= sum(len(z[f]) * np.linalg.slogdet(L[f])[1] for f in z)
        for f, factor in enumerate(design.factors):
            if f not in z:
                z[f] = rng.normal(size=(len(factor.levels), len(factor.effects)))
                there -= log_density_of_largest(design, model, values, L, z, scales)
        for f, factor in enumerate(design.factors):
            if effects == "student_t":
                q, nu = z[f].shape[1], values[parameters.names.index(factor.nu)]
                there -= stats.multivariate_t(np.zeros(q), df=nu).logpdf(z[f]).sum()
                there += stats.norm.logpdf(z[f], 0, scales[f][:, None]).sum()
        there += float(log_p(pymc_point(pymc_model, design, parameters, values, [z[f] for f in range(len(z))])))
        ours.append(engine.log_posterior_of(model)(x)[0])
        theirs.append(there + log_jacobian(parameters, values, slopes) + np.linalg.slogdet(v[2:] - v[1])[1])
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-8, atol=1e-8)


def scales_and_log_density(design: Any, model: Any, values: Any, c: Any) -> Any:
    """The scale of each group (group,) by factor, and log p(c | nu); without coordinates c they are 1."""
    scales, total, at = {}, 0.0, 0
    for f in make_layout(design.factors).order:
        n_groups = len(design.factors[f].levels)
        scales[f] = np.ones(n_groups)
        if len(c):
            a = values[model.parameters.names.index(design.factors[f].nu)] / 2
            squares = np.exp(c[at : at + n_groups] / np.sqrt(a))
            total += (stats.invgamma.logpdf(squares, a, scale=a) + np.log(squares) - 0.5 * np.log(a)).sum()
            scales[f] = np.sqrt(squares)
        at += n_groups
    return scales, total


@pytest.mark.parametrize(
    ("text", "effects"), [*((text, "normal") for text in MODELS), *((text, "student_t") for text in HEAVY)]
)
def test_gradient(text: Any, effects: Any) -> None:
    *_, model = model_of(text, effects)
    x = model.start + 0.5 * model.spread * np.random.default_rng(1).normal(size=len(model.start))
    log_posterior = engine.log_posterior_of(model)
    _, grad = log_posterior(x)
    steps = 1e-6 * np.eye(len(x))
    numeric = [(log_posterior(x + e)[0] - log_posterior(x - e)[0]) / 2e-6 for e in steps]
    np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-6 * np.abs(grad).max())


@pytest.mark.parametrize("x", [-800.0, -40.0, 40.0, 800.0])
@pytest.mark.parametrize("text", ["hit ~ x + (x | g) + (1 | d)", "y ~ x + (x || d) + (1 | b/g)"])
def test_extreme_points_return_and_do_not_raise(text: Any, x: Any) -> None:
    *_, model = model_of(text)
    value, grad = engine.log_posterior_of(model)(np.full(len(model.start), x))
    assert isinstance(value, float)
    assert grad.shape == model.start.shape


@pytest.mark.slow
@pytest.mark.parametrize("text", MODELS)
def test_same_posterior_as_pymc(text: Any) -> None:
    check_same_posterior(text, data(), family_of(text), MODELS[text], "joint", **PRECISION.get(text, {}))


@pytest.mark.slow
@pytest.mark.parametrize("text", ["hit ~ x + (x | g)", "y ~ x + (1 | d/g)"])
def test_same_posterior_as_pymc_with_student_t_effects(text: Any) -> None:
    check_same_posterior(text, data(), family_of(text), {}, "joint", effects="student_t")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["hit ~ x + (x | g)", "y ~ x + (1 | d/g)"])
def test_same_seed_same_draws_whatever_the_cores(text: Any) -> None:
    options: dict[str, Any] = {
        "family": family_of(text),
        "random_seed": 3,
        "draws": 500,
        "progressbar": False,
        "engine": "joint",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        one, other = (hierkit.fit(text, data(), cores=n, **options) for n in (1, 2))
    assert one.draws["posterior"].to_dataset().identical(other.draws["posterior"].to_dataset())


@pytest.mark.slow
def test_same_seed_same_draws_whether_compiled_now_or_read_from_the_cache(tmp_path: Any) -> None:
    code = (
        "import hierkit, hashlib; f = hierkit.fit('churn ~ wait + (wait | market)', hierkit.datasets.churn(), "
        "family='bernoulli', draws=100, tune=200, random_seed=1, progressbar=False, engine='joint'); "
        "print(hashlib.sha256(f.draws['posterior']['wait|market'].values.tobytes()).hexdigest())"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    environments = (os.environ, os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)})
    warm, cold = (subprocess.run(command, env=env, capture_output=True, check=True).stdout for env in environments)
    assert len(warm) == 65
    assert warm == cold


@pytest.mark.slow
@pytest.mark.parametrize("text", ["hit ~ x + (x | g)", "y ~ x + (1 | g) + (1 | d)"])
def test_a_poor_pilot_costs_speed_not_truth(text: Any, monkeypatch: Any) -> None:
    options: dict[str, Any] = {"family": family_of(text), "random_seed": 3, "engine": "joint", "progressbar": False}
    good = hierkit.fit(text, data(), **options)
    make: Any = pilot.make_pilot

    def poor_pilot(*args: Any) -> Any:
        """Estimates far off, as if from rows of a third of their weight."""
        found: Any = make(*args)
        weighted = {name: 0.3 * getattr(found, name) for name in ("W", "M", "C", "b")}
        estimates = {"G": tuple(9 * own for own in found.G), "v": found.v + 1, "R": 0.5 * found.R}
        return replace(found, sigma2=found.sigma2 / 0.3, **weighted, **estimates)

    monkeypatch.setattr(engine, "make_pilot", poor_pilot)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        poor = hierkit.fit(text, data(), draws=4000, **options)
    for name in [name for name in good.draws["posterior"] if good.draws["posterior"][name].ndim == 2]:
        one, other = (fit.draws["posterior"][name] for fit in (good, poor))
        errors = [float(arviz_stats.mcse(values, method="mean")) for values in (one, other)]
        assert abs(float(one.mean() - other.mean())) < 4 * np.hypot(errors[0], errors[1])


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("won ~ x + (1 | g)", {"priors": {"x": "Gumbel(0, 1)"}}, "prior Gumbel on x"),
        ("y ~ x + (1 | g)", {"family": "gaussian", "nuts_sampler": "pymc"}, "nuts_sampler pymc"),
    ],
)
def test_models_that_it_is_not_for(formula: Any, options: Any, reason: Any) -> None:
    with pytest.raises(HierkitError, match=f"engine='joint' does not fit the model: {reason}"):
        hierkit.fit(formula, table(), engine="joint", **({"family": "bernoulli"} | options))
