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
from engines import check_same_posterior
from joint_density import check_log_posterior
from synthetic import design_of, table

import hierkit
from hierkit.errors import HierkitError, SamplingWarning
from hierkit.model.priors import make_priors
from hierkit.sampling.joint import engine, pilot

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


@pytest.mark.parametrize("text", MODELS)
def test_log_posterior_is_that_of_pymc_in_other_coordinates(text: Any) -> None:
    check_log_posterior(*model_of(text)[:2])


@pytest.mark.parametrize("text", HEAVY)
def test_log_posterior_with_student_t_effects_is_that_of_pymc_given_the_scales(text: Any) -> None:
    design, priors, _ = model_of(text, "student_t")
    check_log_posterior(design, priors, "student_t")


@pytest.mark.parametrize(
    "text", ["y ~ x + (x || d) + (1 | b/g)", "y ~ 0 + (1 | g) + (1 | d)", "hit ~ x + (x | g) + (1 | d)"]
)
def test_log_posterior_is_that_of_pymc_where_the_information_is_not_formed(text: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("hierkit.sampling.joint.pilot.MOST_DENSE", 1)
    monkeypatch.setattr("hierkit.sampling.joint.coordinates.MOST_IN_HEAD", 2)
    check_log_posterior(*model_of(text)[:2])


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
