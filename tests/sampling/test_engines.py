from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from synthetic import design_of, many_groups, table

from hierkit.errors import HierkitError, HierkitWarning
from hierkit.model.priors import make_priors
from hierkit.sampling import sample
from hierkit.sampling.engines import ENGINES, choose
from hierkit.sampling.settings import make_settings


@pytest.mark.parametrize(
    ("formula", "family", "priors", "effects", "engine", "reason"),
    [
        ("y ~ x + (x | g)", "gaussian", {}, "normal", "marginal", "Gaussian outcome, one grouping factor"),
        ("y ~ x + (1 | g) + (1 | s)", "gaussian", {}, "normal", "marginal", "Gaussian outcome, 2 grouping factors"),
        (
            "y ~ x + (1 | g)",
            "gaussian",
            {"x": "Cauchy(0, 1)"},
            "normal",
            "joint",
            "Gaussian outcome, one grouping factor",
        ),
        ("won ~ x + (x | g)", "bernoulli", {}, "normal", "joint", "Bernoulli outcome, one grouping factor"),
        ("p(hits, tries) ~ x + (x || g)", "bernoulli", {}, "normal", "joint", "Binomial outcome, one grouping factor"),
        ("won ~ x + (x | g) + (1 | s)", "bernoulli", {}, "normal", "joint", "Bernoulli outcome, 2 grouping factors"),
        ("y ~ x", "gaussian", {}, "normal", "marginal", "Gaussian outcome, no grouping factor"),
        ("y ~ x + (x | g)", "gaussian", {}, "student_t", "marginal", "Gaussian outcome, one grouping factor"),
        ("won ~ x + (1 | g)", "bernoulli", {}, "student_t", "joint", "Bernoulli outcome, one grouping factor"),
        ("y ~ x + (x | g)", "gaussian", {"x": "Gumbel(0, 1)"}, "normal", "pymc", "prior Gumbel on x"),
    ],
)
def test_auto_takes_the_fastest_that_fits_and_says_why(
    formula: Any, family: Any, priors: Any, effects: Any, engine: Any, reason: Any
) -> None:
    design = design_of(formula, table(), family)
    choice = choose("auto", design, make_priors(design, priors, effects))
    assert (choice.engine, choice.reason) == (engine, reason)


def test_named_engines() -> None:
    design = design_of("y ~ x + (x | g)", table())
    assert choose("pymc", design, make_priors(design)).reason == "asked for"
    assert choose("auto", design, make_priors(design), "pymc").engine == "pymc"
    with pytest.raises(HierkitError, match="It is one of 'auto', 'marginal', 'joint', 'pymc'"):
        choose("stan", design, make_priors(design))  # type: ignore[arg-type]


@pytest.mark.parametrize(("engine", "tune"), [("marginal", 500), ("joint", 500), ("pymc", 1000)])
def test_half_the_tuning_draws_where_a_pilot_chose_the_coordinates(engine: Any, tune: Any) -> None:
    design = design_of("y ~ x + (x | g)", table())
    assert ENGINES[choose(engine, design, make_priors(design)).engine].tune == tune


def test_effects_that_memory_cannot_hold_are_refused_before_sampling() -> None:
    n = 200_000
    data = pd.DataFrame({"y": np.arange(n) % 7.0, "g": np.arange(n) // 2})
    design = design_of("y ~ 1 + (1 | g)", data)
    priors = make_priors(design)
    with pytest.raises(HierkitError, match=r"100,000 group effects would take 8\.0 GB.*Pass draws=625 or fewer"):
        sample(design, priors, "normal", choose("pymc", design, priors), make_settings(draws=2500))


@pytest.mark.parametrize(("draws", "chains"), [(10**9, 4), (4, 10**9)])
def test_draws_of_parameters_that_memory_cannot_hold_are_refused(draws: int, chains: int) -> None:
    """Four parameters, with the sampler's statistics 14 numbers each."""
    design = design_of("y ~ x + (1 | g)", table())
    priors = make_priors(design)
    with pytest.raises(HierkitError, match=r"draws of .* chains of 4 parameters would take 448\.0 GB.*Pass draws="):
        sample(design, priors, "normal", choose("auto", design, priors), make_settings(draws, chains=chains))


def test_the_scales_of_student_t_effects_are_sampled_and_need_memory() -> None:
    """Effects are drawn afterwards and thinned, but a scale for each group is not."""
    n = 200_000
    data = pd.DataFrame({"y": np.arange(n) % 7.0, "g": np.arange(n) // 2})
    design = design_of("y ~ 1 + (1 | g)", data)
    priors = make_priors(design, effects="student_t")
    with pytest.raises(HierkitError, match=r"100,000 group effects would take 8\.0 GB.*Pass draws=625 or fewer"):
        sample(design, priors, "student_t", choose("marginal", design, priors), make_settings(draws=2500))


def test_marginal_keeps_no_effects_where_memory_would_not_hold_them(monkeypatch: Any) -> None:
    """The other draws are those of a fit that keeps them, to the bit."""
    design = design_of("y ~ x + (1 | g) + (1 | s)", many_groups(40).assign(s=lambda d: d.index % 3))
    priors = make_priors(design)
    settings = make_settings(100, tune=100, chains=2, random_seed=1, progressbar=False)
    choice = choose("auto", design, priors)
    kept = sample(design, priors, "normal", choice, settings)["posterior"].to_dataset()
    monkeypatch.setattr("hierkit.sampling.MOST_BYTES", 8 * 40 * 100 * 2)
    found = sample(design, priors, "normal", choice, settings)
    assert found.attrs["thin"] == 1
    xr.testing.assert_equal(found["posterior"].to_dataset(), kept.drop_vars(["1|g", "g__factor_dim"]))


def test_joint_keeps_as_many_draws_as_memory_holds_and_says_so_first(monkeypatch: Any) -> None:
    monkeypatch.setattr("hierkit.sampling.MOST_BYTES", 8 * 40 * 200 * 2)
    design = design_of("y ~ x + (1 | g)", many_groups(40))
    priors = make_priors(design)
    settings = make_settings(500, tune=100, chains=2, random_seed=1, progressbar=False)
    with pytest.warns(HierkitWarning, match=r"one draw in 3 is kept, 167 of each chain"):
        draws = sample(design, priors, "normal", choose("joint", design, priors), settings)
    assert draws["posterior"].sizes["draw"] == draws["sample_stats"].sizes["draw"] == 167
    assert (draws.attrs["draws"], draws.attrs["thin"]) == (500, 3)
