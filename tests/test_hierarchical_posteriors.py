"""The committed reference posteriors hold to posteriordb's recipe, engines agree on them, and new fits find them."""

import json
from typing import Any

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from joint_density import check_log_posterior
from reference.hierarchical_posteriors import FILE, MODELS, engines_of, entries
from synthetic import design_of

from hierkit.model.priors import make_priors

KEPT = json.loads(FILE.read_text())
QUICK = [
    "radon_mn-radon_variable_intercept_slope",
    "rats_data-rats_model",
    "pilots-pilots",
    "seeds_data-seeds_stanified_model",
    "surgical_data-surgical_model",
]


def test_there_are_sixteen() -> None:
    assert set(KEPT) == set(MODELS)
    assert len(KEPT) == 16


@pytest.mark.parametrize("name", MODELS)
def test_the_recipe_holds(name: str) -> None:
    found = KEPT[name]
    assert found["draws"] == 10_000
    assert found["largest_r_hat"] < 1.01
    assert found["largest_autocorrelation"] < 0.05
    assert found["divergent"] == 0
    assert found["smallest_e_bfmi"] > 0.2


@pytest.mark.parametrize("name", MODELS)
def test_engines_agree(name: str) -> None:
    """Of hundreds of parameters the mean of one may be four Monte Carlo errors away, and an sd a seventh."""
    assert set(KEPT[name]["compared"]) >= set(engines_of(MODELS[name])[1:])
    for other in KEPT[name]["compared"].values():
        assert other["parameters"] == len(KEPT[name]["posterior"])
        assert other["largest_distance_in_errors"] < 4.5
        assert other["largest_difference_of_sds"] < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MODELS if "pymc" not in engines_of(MODELS[name])])
def test_models_too_large_to_sample_with_pymc_have_its_log_density(name: str) -> None:
    """At three points, up to a constant; with an intercept, because Bambi takes no other constant column."""
    given = MODELS[name]
    formula = given.formula.replace("0 + one", "1")
    design = design_of(formula, given.table(), given.family)
    priors = {"Intercept" if parameter == "one" else parameter: prior for parameter, prior in given.priors.items()}
    check_log_posterior(design, make_priors(design, priors))


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_new_fits_find_them(name: str) -> None:
    """Means within four and a half Monte Carlo errors, for all parameters and group effects."""
    draws = MODELS[name].fit("auto", draws=1000).draws["posterior"].to_dataset()
    by_name: dict[str, Any] = entries(draws)
    mean, sd = np.array([KEPT[name]["posterior"][key] for key in by_name]).T
    own = xr.concat(list(by_name.values()), "entry", coords="minimal", compat="override")
    errors = np.hypot(arviz_stats.mcse(own, method="mean"), sd / 100)
    assert (np.abs(own.mean(("chain", "draw")).values - mean) / errors).max() < 4.5
