"""The joint engine draws from the posterior of the PyMC model."""

import warnings

import arviz_stats
import numpy as np
import pandas as pd
import pytest
from engines import check_same_posterior, pymc_point
from synthetic import design_of, reference_table, table

import hierkit
from hierkit.errors import HierkitError, SamplingWarning
from hierkit.model.bambi_model import build
from hierkit.model.priors import make_priors
from hierkit.sampling import densities, joint
from hierkit.sampling.parameters import column_means, make_parameters

MODELS = {
    "hit ~ x + (1 | g)": {},
    "hit ~ x + (x | g)": {"x": "StudentT(4, 0, 1)", "sd(g)": "Exponential(1)", "cor(g)": "LKJ(1)"},
    "hit ~ x + (x || g)": {"sd(x|g)": "Uniform(0, 3)", "sd(1|g)": "HalfCauchy(1)"},
    "hit ~ 0 + h + (0 + x | g)": {},
    "p(hits, tries) ~ x + (x + z | g)": {"cor(g)": "LKJ(3)"},
    "p(hits, tries) ~ x + offset(z) + (h | g)": {"Intercept": "Normal(0, 3)"},
}


def data() -> pd.DataFrame:
    """Eighteen groups that differ in level and slope, one of them of a single row; events and counts of them."""
    rng = np.random.default_rng(8)
    rows = table(300)
    rows["g"] = np.where(rows.index == 0, 18, rng.integers(0, 18, len(rows)))
    eta = 0.3 + rng.normal(0, 1, 19)[rows.g] + (0.8 + rng.normal(0, 0.7, 19)[rows.g]) * rows.x
    share = 1 / (1 + np.exp(-eta))
    return rows.assign(hit=rng.binomial(1, share), hits=rng.binomial(rows.tries, share))


def model_of(text: str):
    design = design_of(text, data(), "bernoulli")
    priors = make_priors(design, MODELS[text])
    parameters = make_parameters(design, priors)
    X = design.X - column_means(design)
    found = joint.pilot(design, X)
    start, spread = joint._start(parameters, found)
    return design, priors, parameters, found, joint._log_posterior(design, parameters, X, found), start, spread


@pytest.mark.parametrize("text", MODELS)
def test_log_posterior_is_that_of_pymc_in_other_coordinates(text):
    """log p(x) = log p(y, z, theta) - J log|L| - sum_j log|K_j| up to a constant, z = L^-1 u PyMC's coordinates."""
    design, priors, parameters, found, log_posterior, start, spread = model_of(text)
    model = build(design, priors).backend.model
    log_p = model.compile_logp(jacobian=True)
    rng = np.random.default_rng(0)
    p, (n_groups, q), head = len(design.columns), found.groups.shape[:2], len(parameters)
    ours, theirs = [], []
    for _ in range(3):
        x = start + spread * rng.normal(size=len(start))
        values, slopes = (a[0] for a in densities.constrain(x[None, :head], parameters.codes, parameters.numbers))
        C = np.empty((q, q))
        densities.correlation_cholesky(values[p + q :], slopes[p + q :], parameters.pairs[0], C, np.empty(head))
        L = values[p : p + q, None] * C
        u, log_K = np.empty((n_groups, q)), 0.0
        for j, g in enumerate(found.groups):
            K = np.linalg.cholesky(g[:, :q] + np.linalg.inv(L @ L.T))
            s = g[:, -1] - g[:, q : q + p] @ (values[:p] - found.centre)
            u[j] = np.linalg.solve(K @ K.T, s) + np.linalg.solve(K.T, x[head + q * j : head + q * (j + 1)])
            log_K += np.linalg.slogdet(K)[1]
        z = np.linalg.solve(L, u.T).T
        there = float(log_p(pymc_point(model, design, parameters, values, z)))
        ours.append(log_posterior(x)[0])
        theirs.append(there - n_groups * np.linalg.slogdet(L)[1] - log_K)
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("text", MODELS)
def test_gradient(text):
    _, _, _, _, log_posterior, start, spread = model_of(text)
    x = start + 0.5 * spread * np.random.default_rng(1).normal(size=len(start))
    _, grad = log_posterior(x)
    numeric = [(log_posterior(x + 1e-6 * e)[0] - log_posterior(x - 1e-6 * e)[0]) / 2e-6 for e in np.eye(len(x))]
    np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-6 * np.abs(grad).max())


def test_pilot_is_near_the_posterior_of_cbpp():
    """lme4: -1.399, -0.991, -1.128, -1.579; sd 0.648."""
    design = design_of("p(incidence, size) ~ period + (1 | herd)", reference_table("cbpp"), "bernoulli")
    found = joint.pilot(design, design.X - column_means(design))
    np.testing.assert_allclose(found.centre[1:], [-0.991, -1.128, -1.579], atol=0.1)
    assert np.sqrt(found.G[0, 0]) == pytest.approx(0.65, abs=0.15)


@pytest.mark.parametrize("x", [-800.0, -40.0, 40.0, 800.0])
def test_extreme_points_return_and_do_not_raise(x):
    _, _, _, _, log_posterior, start, _ = model_of("hit ~ x + (x | g)")
    value, grad = log_posterior(np.full(len(start), x))
    assert isinstance(value, float)
    assert grad.shape == start.shape


def test_separated_data_have_a_pilot():
    rows = data().assign(hit=lambda d: (d.x > 0).astype(int))
    design = design_of("hit ~ x + (1 | g)", rows, "bernoulli")
    found = joint.pilot(design, design.X - column_means(design))
    assert np.isfinite(found.centre).all()
    assert np.isfinite(found.groups).all()


@pytest.mark.slow
@pytest.mark.parametrize("text", MODELS)
def test_same_posterior_as_pymc(text):
    check_same_posterior(text, data(), "bernoulli", MODELS[text], "joint")


@pytest.mark.slow
def test_same_seed_same_draws_whatever_the_cores():
    options = {"family": "bernoulli", "random_seed": 3, "draws": 500, "progressbar": False, "engine": "joint"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        one, other = (hierkit.fit("hit ~ x + (x | g)", data(), cores=n, **options) for n in (1, 2))
    assert one.draws["posterior"].to_dataset().identical(other.draws["posterior"].to_dataset())


@pytest.mark.slow
def test_a_poor_pilot_costs_speed_not_truth(monkeypatch):
    good = hierkit.fit("hit ~ x + (x | g)", data(), family="bernoulli", random_seed=3, progressbar=False)
    pilot = joint.pilot

    def poor_pilot(design, X):
        found = pilot(design, X)
        return joint.Pilot(found.centre + 1, found.spread * 5, found.G * 9, found.groups * 0.3)

    monkeypatch.setattr(joint, "pilot", poor_pilot)
    poor = hierkit.fit("hit ~ x + (x | g)", data(), family="bernoulli", random_seed=3, progressbar=False)
    for name in ("Intercept", "x", "1|g_sigma", "x|g_sigma"):
        one, other = (fit.draws["posterior"][name] for fit in (good, poor))
        error = np.hypot(*(float(arviz_stats.mcse(values, method="mean")) for values in (one, other)))
        assert abs(float(one.mean() - other.mean())) < 4 * error


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ x + (x | g)", {"family": "gaussian"}, "gaussian outcome"),
        ("won ~ x + (x | g) + (1 | s)", {}, "2 grouping factors"),
        ("won ~ x + (1 | g)", {"priors": {"x": "Gumbel(0, 1)"}}, "prior Gumbel on x"),
        ("won ~ x + (1 | g)", {"effects": "student_t"}, "Student-t effects"),
    ],
)
def test_models_that_it_is_not_for(formula, options, reason):
    with pytest.raises(HierkitError, match=f"engine='joint' does not fit the model: {reason}"):
        hierkit.fit(formula, table(), engine="joint", **({"family": "bernoulli"} | options))
