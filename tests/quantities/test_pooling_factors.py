"""Pooling factors of Gelman and Pardoe."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, fixed_draws, synthetic_draws, table

from hierkit import datasets
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.pooling_factors import pooling_factors

CSAT = {"Intercept": 76.268, "wait": -0.899, "1|team_sigma": 19.057**0.5, "sigma": 62.167**0.5}
SLOPES = {"Intercept": 78.247, "wait": -1.014, "1|team_sigma": 68.94**0.5, "wait|team_sigma": 0.11597**0.5}
SLOPES["sigma"] = 63.81**0.5
CORRELATION = -1.477 / (68.94 * 0.11597) ** 0.5


def csat_slopes() -> Any:
    design = design_of("csat ~ wait + (wait | team)", datasets.csat_slopes())
    return design, fixed_draws(design, SLOPES, CORRELATION)


def mean(quantity: Any, name: Any) -> Any:
    return quantity.draws[name].mean(("chain", "draw"))


def test_pooling_factor_of_a_balanced_batch() -> None:
    """n = 5, τ = 1, σ = 2: 1 - λ = 0.444. Effects from their posterior under the model, 5,000 groups."""
    rng = np.random.default_rng(0)
    groups, kept = 5000, 1 / (1 + 4 / 5)
    design = design_of(
        "y ~ 1 + (1 | g)", pd.DataFrame({"g": np.arange(groups).repeat(2), "y": rng.normal(size=2 * groups)})
    )
    posterior = fixed_draws(design, {"1|g_sigma": 1.0}, draws=200)
    means = kept * rng.normal(0, np.sqrt(1 + 4 / 5), groups)
    posterior["1|g"] = posterior["1|g"].copy(data=means + rng.normal(0, np.sqrt(1 - kept), (1, 200, groups)))
    quantity = pooling_factors(Posterior(posterior, design))
    assert quantity.draws["pooling"].item() == pytest.approx(0.444, abs=0.02)
    assert quantity.draws["group_pooling"].mean().item() == pytest.approx(1 - kept, abs=0.02)
    assert list(quantity.table().columns) == ["group", "effect", "n", "pooling", "group_pooling"]


def test_few_groups_are_mostly_noise() -> None:
    design = design_of("y ~ x + (1 | s)", table(60))
    assert "mostly noise" in pooling_factors(Posterior(synthetic_draws(design), design)).definition


@pytest.mark.parametrize(("groups", "noisy"), [(9, True), (10, False)])
def test_with_fewer_than_ten_groups_the_batch_is_noise(groups: Any, noisy: Any) -> None:
    design = design_of("y ~ x + (1 | g)", table(60).assign(g=np.arange(60) % groups))
    found = pooling_factors(Posterior(synthetic_draws(design), design))
    assert ("mostly noise" in found.definition) == noisy
