"""The number of rows with which a group keeps half of its own evidence."""

from typing import Any

import numpy as np
import pytest
from synthetic import design_of, fixed_draws, synthetic_draws, table

from hierkit import datasets
from hierkit.errors import HierkitError
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.break_even_size import break_even_size

CSAT = {"Intercept": 76.268, "wait": -0.899, "1|team_sigma": 19.057**0.5, "sigma": 62.167**0.5}
SLOPES = {"Intercept": 78.247, "wait": -1.014, "1|team_sigma": 68.94**0.5, "wait|team_sigma": 0.11597**0.5}
SLOPES["sigma"] = 63.81**0.5
CORRELATION = -1.477 / (68.94 * 0.11597) ** 0.5


def csat_slopes() -> Any:
    design = design_of("csat ~ wait + (wait | team)", datasets.csat_slopes())
    return design, fixed_draws(design, SLOPES, CORRELATION)


def mean(quantity: Any, name: Any) -> Any:
    return quantity.draws[name].mean(("chain", "draw"))


def test_break_even_size() -> None:
    """σ²/τ²: 3.26 for csat; 5.3 for σ = 0.76, τ = 0.33 (Gelman and Hill)."""
    design = design_of("csat ~ wait + (1 | team)", datasets.csat())
    assert mean(break_even_size(Posterior(fixed_draws(design, CSAT), design)), "rows").item() == pytest.approx(
        3.26, abs=0.005
    )
    other = fixed_draws(design, CSAT | {"sigma": 0.76, "1|team_sigma": 0.33})
    assert mean(break_even_size(Posterior(other, design)), "rows").item() == pytest.approx(5.3, abs=0.01)


def test_break_even_size_of_events_is_where_half_is_kept() -> None:
    design = design_of("won ~ 1 + (1 | g)", table(200), "bernoulli")
    posterior = fixed_draws(design, {"Intercept": 0.0, "1|g": 0.0, "1|g_sigma": 0.8})
    assert mean(break_even_size(Posterior(posterior, design)), "rows").item() == pytest.approx(1 / (0.64 * 0.25))
    design = design_of("won ~ 0 + (0 + x | g)", table(200), "bernoulli")
    with pytest.raises(HierkitError, match="'g' has no group intercept"):
        break_even_size(Posterior(synthetic_draws(design), design))


def test_its_estimate_is_the_median_because_it_has_no_mean() -> None:
    """τ half-normal, as where the data say nothing of it: σ²/τ² has no mean, and its median is (1 / 0.6745)²."""
    design = design_of("csat ~ wait + (1 | team)", datasets.csat())
    posterior = fixed_draws(design, CSAT | {"sigma": 1.0}, draws=4000)
    posterior["1|team_sigma"] = abs(posterior["1|team_sigma"] * 0 + np.random.default_rng(0).normal(size=(1, 4000)))
    found = break_even_size(Posterior(posterior, design)).table().iloc[0]
    assert found.estimate == pytest.approx(2.198, rel=4 * 0.04)  # 4 standard errors of the median of 4,000 draws
    assert np.isnan(found.sd)
