"""What group effects say against the model, on effects drawn from it and on others."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, synthetic_draws

from hierkit.checks.groups import group_findings
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.blup_qq import blup_qq


def rows(groups: int = 40, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), 5)
    x = rng.normal(size=groups)[g] + rng.normal(size=len(g))
    return pd.DataFrame({"y": rng.normal(size=len(g)), "x": x, "z": np.sin(g), "g": g})


def posterior_of(design: Any, levels: Any, sd: Any = 0.1) -> Any:
    """Group levels known up to an sd, drawn from N(0, 1) in truth."""
    posterior = synthetic_draws(design, chains=2, draws=500)
    noise = np.random.default_rng(1).normal(0, sd, posterior["1|g"].shape)
    posterior["1|g"] = posterior["1|g"].copy(data=levels + noise)
    posterior["1|g_sigma"] = posterior["1|g_sigma"] * 0 + 1.0
    return posterior


def checks(posterior: Any, design: Any) -> Any:
    return {finding.check: finding for finding in group_findings(Posterior(posterior, design))}


def test_levels_that_go_with_the_means_of_a_predictor() -> None:
    data = rows()
    design = design_of("y ~ x + z + (1 | g)", data)
    means = data.groupby("g").x.mean().to_numpy()
    found = checks(posterior_of(design, means), design)
    assert found["within and between"].severity == "warning"
    assert "The intercepts of g are correlated (1.00) with the group means of x." in found["within and between"].message
    assert 'hierkit.center_within(data, "x", by="g")' in found["within and between"].advice


def test_independent_levels_are_found_as_rarely_as_said() -> None:
    """1,000 sets of levels that have nothing to do with x: p < 0.001 comes about once, five times one time in 250."""
    design = design_of("y ~ x + (1 | g)", rows())
    rng = np.random.default_rng(2)
    found = [checks(posterior_of(design, rng.normal(size=40)), design) for _ in range(1000)]
    assert sum("within and between" in each for each in found) <= 5
    # one good model in twenty has an outlying group: 50 of 1,000, with a standard deviation of 7
    assert 50 - 28 < sum("outlying groups" in each for each in found) < 50 + 28


def test_outlying_groups_are_those_of_the_plot() -> None:
    design = design_of("y ~ x + (1 | g)", rows())
    levels = 0.5 * np.random.default_rng(3).normal(size=40)
    levels[[7, 11]] = 6.0, -7.0
    posterior = posterior_of(design, levels)
    found = checks(posterior, design)["outlying groups"]
    assert found.severity == "note"
    assert found.message.endswith(": 7, 11.")
    marked = blup_qq(Posterior(posterior, design)).draws["outlying"]
    assert list(marked["group"].values[marked.values]) == [7, 11]


@pytest.mark.parametrize("formula", ["y ~ z + (1 | g)", "y ~ w + (1 | g)", "y ~ x + (0 + x | g)", "y ~ (1 | g)"])
def test_predictors_of_one_kind_of_variation_have_nothing_to_mix(formula: Any) -> None:
    data = rows()
    data["w"] = data.x - data.groupby("g").x.transform("mean")
    design = design_of(formula, data)
    posterior = synthetic_draws(design, chains=2, draws=500)
    if "1|g" in posterior:
        posterior = posterior_of(design, np.sin(np.arange(40)))
    assert "within and between" not in checks(posterior, design)


def test_few_groups_and_broken_draws_are_left_to_other_checks() -> None:
    design = design_of("y ~ x + (1 | g)", rows(9))
    means = rows(9).groupby("g").x.mean().to_numpy()
    assert "within and between" not in checks(posterior_of(design, means), design)
    broken = posterior_of(design, means)
    broken["1|g"][0, 0, 0] = np.nan
    assert checks(broken, design) == {}
