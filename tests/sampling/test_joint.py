"""The joint engine draws from the posterior of the PyMC model."""

import os
import subprocess
import sys
import warnings
from dataclasses import replace

import arviz_stats
import numpy as np
import pandas as pd
import pytest
from engines import check_same_posterior, cholesky_factors, log_jacobian, pymc_point
from synthetic import design_of, table

import hierkit
from hierkit.errors import HierkitError, SamplingWarning
from hierkit.model.bambi_model import build
from hierkit.model.priors import make_priors
from hierkit.sampling import densities, joint, packing
from hierkit.sampling.joint_density import joint_draws, joint_log_posterior, unpack

MODELS = {
    "hit ~ x + (1 | g)": {},
    "hit ~ x + (1 | d)": {},
    "hit ~ x + (near | d)": {"sd(1|d)": "HalfNormal(30)"},
    "p(hits, tries) ~ x + (year | g)": {"sd(1|g)": "HalfNormal(100)"},
    "hit ~ x + (x | g)": {"x": "StudentT(4, 0, 1)", "sd(g)": "Exponential(1)", "cor(g)": "LKJ(1)"},
    "hit ~ x + (x || g)": {"sd(x|g)": "Uniform(0, 3)", "sd(1|g)": "HalfCauchy(1)"},
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
    return rows.assign(hit=rng.binomial(1, share), hits=rng.binomial(rows.tries, share))


def family_of(text: str) -> str:
    return "gaussian" if text.startswith("y ") else "bernoulli"


def model_of(text: str):
    """The model, and its log posterior."""
    design = design_of(text, data(), family_of(text))
    priors = make_priors(design, MODELS.get(text, {}))
    model = joint.make_model(design, priors)
    rest = (model.origin, model.geometry, model.layout, model.rows)
    return design, priors, model, lambda x: joint_log_posterior(x, model.numbers, *rest)


@pytest.mark.parametrize("text", MODELS)
def test_log_posterior_is_that_of_pymc_in_other_coordinates(text):
    """log p(x) - |c|^2 / 2 = log p(y, z, theta) - sum_f J_f log|L_f| + log|d v / d c| up to a constant.

    v = (beta, u) is linear in the coordinates, z = L^-1 u are PyMC's, and c those of the last factor where they are not
    sampled: for any c, because they are N(0, I).
    """
    design, priors, ours_of, log_posterior = model_of(text)
    parameters, _, geometry, layout, rows, start, spread = ours_of
    model = build(design, priors, for_sampling=True).backend.model
    log_p = model.compile_logp(jacobian=True)
    rng = np.random.default_rng(0)
    p, count, size = len(design.columns), len(parameters), len(design.columns) + layout.first[-1]
    ours, theirs = [], []
    for _ in range(3):
        x = start + spread * rng.normal(size=len(start))
        values, slopes = (a[0] for a in densities.constrain(x[None, :count], parameters.codes, parameters.numbers))
        L = cholesky_factors(design, parameters, values, slopes)
        joined = np.zeros((q := len(rows.Z), q))
        for column, own in zip(layout.columns[np.argsort(layout.order)], L, strict=True):
            joined[column : column + len(own), column : column + len(own)] = own
        drawn = rng.normal(size=size - len(x) + count - p)
        c = np.concatenate([x[:p], x[count:], drawn])
        points, v = np.vstack([c, np.zeros(size), np.eye(size)]), np.empty((size + 2, size))
        sigma = np.full(size + 2, values[-1] if "sigma" in priors else 1.0)
        joint_draws(points, np.broadcast_to(joined, (size + 2, q, q)).copy(), sigma, geometry, layout, rows, v)
        values[:p] = geometry.basis @ v[0, :p]
        z = {}
        for f, place in enumerate(layout.order):
            u = v[0, p + layout.first[f] : p + layout.first[f + 1]]
            in_head = f < geometry.head[0]
            u = u.reshape(layout.groups[f], -1).T if in_head else u.reshape(-1, layout.groups[f])
            z[place] = np.linalg.solve(L[place], u).T
        there = float(log_p(pymc_point(model, design, parameters, values, [z[f] for f in range(len(z))])))
        there -= sum(len(z[f]) * np.linalg.slogdet(own)[1] for f, own in enumerate(L))
        ours.append(log_posterior(x)[0] - drawn @ drawn / 2)
        theirs.append(there + log_jacobian(parameters, values, slopes) + np.linalg.slogdet(v[2:] - v[1])[1])
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("text", MODELS)
def test_gradient(text):
    *_, model, log_posterior = model_of(text)
    start, spread = model.start, model.spread
    x = start + 0.5 * spread * np.random.default_rng(1).normal(size=len(start))
    _, grad = log_posterior(x)
    numeric = [(log_posterior(x + 1e-6 * e)[0] - log_posterior(x - 1e-6 * e)[0]) / 2e-6 for e in np.eye(len(x))]
    np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-6 * np.abs(grad).max())


@pytest.mark.parametrize("text", ["hit ~ x + (1 | g)", "y ~ x + (x || d) + (1 | b/g)", "hit ~ x + z"])
def test_packed_and_unpacked_the_model_is_the_same(text):
    *_, model, log_posterior = model_of(text)
    block = packing.pack(*model.numbers, *model.origin, *model.geometry, *model.layout, *model.rows)
    assert joint_log_posterior(model.start, *unpack(block))[0] == log_posterior(model.start)[0]


@pytest.mark.parametrize("x", [-800.0, -40.0, 40.0, 800.0])
@pytest.mark.parametrize("text", ["hit ~ x + (x | g) + (1 | d)", "y ~ x + (x || d) + (1 | b/g)"])
def test_extreme_points_return_and_do_not_raise(text, x):
    *_, model, log_posterior = model_of(text)
    value, grad = log_posterior(np.full(len(model.start), x))
    assert isinstance(value, float)
    assert grad.shape == model.start.shape


@pytest.mark.slow
@pytest.mark.parametrize("text", MODELS)
def test_same_posterior_as_pymc(text):
    check_same_posterior(text, data(), family_of(text), MODELS[text], "joint")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["hit ~ x + (x | g)", "y ~ x + (1 | d/g)"])
def test_same_seed_same_draws_whatever_the_cores(text):
    options = {"family": family_of(text), "random_seed": 3, "draws": 500, "progressbar": False, "engine": "joint"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        one, other = (hierkit.fit(text, data(), cores=n, **options) for n in (1, 2))
    assert one.draws["posterior"].to_dataset().identical(other.draws["posterior"].to_dataset())


@pytest.mark.slow
def test_same_seed_same_draws_whether_compiled_now_or_read_from_the_cache(tmp_path):
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
def test_a_poor_pilot_costs_speed_not_truth(text, monkeypatch):
    options = {"family": family_of(text), "random_seed": 3, "engine": "joint", "progressbar": False}
    good = hierkit.fit(text, data(), **options)
    make = joint.make_pilot

    def poor_pilot(*args):
        """Estimates far off, as if from rows of a third of their weight."""
        found = make(*args)
        weighted = {name: 0.3 * getattr(found, name) for name in ("W", "M", "C", "b")}
        estimates = {"G": tuple(9 * own for own in found.G), "v": found.v + 1, "R": 0.5 * found.R}
        return replace(found, sigma2=found.sigma2 / 0.3, **weighted, **estimates)

    monkeypatch.setattr(joint, "make_pilot", poor_pilot)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        poor = hierkit.fit(text, data(), draws=4000, **options)
    for name in [name for name in good.draws["posterior"] if good.draws["posterior"][name].ndim == 2]:
        one, other = (fit.draws["posterior"][name] for fit in (good, poor))
        error = np.hypot(*(float(arviz_stats.mcse(values, method="mean")) for values in (one, other)))
        assert abs(float(one.mean() - other.mean())) < 4 * error


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("won ~ x + (1 | g)", {"priors": {"x": "Gumbel(0, 1)"}}, "prior Gumbel on x"),
        ("won ~ x + (1 | g)", {"effects": "student_t"}, "Student-t effects"),
        ("y ~ x + (1 | g)", {"family": "gaussian", "nuts_sampler": "pymc"}, "nuts_sampler pymc"),
    ],
)
def test_models_that_it_is_not_for(formula, options, reason):
    with pytest.raises(HierkitError, match=f"engine='joint' does not fit the model: {reason}"):
        hierkit.fit(formula, table(), engine="joint", **({"family": "bernoulli"} | options))
