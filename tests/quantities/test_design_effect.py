"""Design effects and effective rows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, fixed_draws

from hierkit import datasets
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.design_effect import design_effect
from hierkit.quantities.icc import icc

CSAT = {"Intercept": 76.268, "wait": -0.899, "1|team_sigma": 19.057**0.5, "sigma": 62.167**0.5}


def value(quantity: Any, name: Any, **labels: Any) -> Any:
    return quantity.draws[name].mean(("chain", "draw")).sel(**labels).item()


def test_csat_at_reml() -> None:
    """ICC 0.2346; m 142.05, design effect 34.09."""
    design = design_of("csat ~ wait + (1 | team)", datasets.csat())
    posterior = fixed_draws(design, CSAT)
    assert value(icc(Posterior(posterior, design)), "latent", factor="team") == pytest.approx(0.2346, abs=5e-5)
    quantity = design_effect(Posterior(posterior, design))
    assert value(quantity, "design_effect") == pytest.approx(34.09, abs=0.005)
    assert "142" in quantity.definition


def test_fifty_groups_of_a_hundred() -> None:
    """ρ = 0.1: design effect 10.9, and 5,000 rows are worth 458.7."""
    rng = np.random.default_rng(0)
    g = np.arange(50).repeat(100)
    rows = pd.DataFrame({"g": g, "y": rng.normal(size=5000), "x": rng.normal(size=5000), "z": (g % 7) * 1.0})
    rows["both"] = rows.x + rows.z
    design = design_of("y ~ x + z + both:x + (1 | g)", rows)
    quantity = design_effect(Posterior(fixed_draws(design, {"1|g_sigma": 0.1**0.5, "sigma": 0.9**0.5}), design))
    assert value(quantity, "design_effect") == pytest.approx(10.9)
    assert value(quantity, "effective_rows") == pytest.approx(458.7, abs=0.05)
    varies = quantity.draws["varies"]
    assert varies.sel(term="z").item() == varies.sel(term="Intercept").item() == "between"
    assert varies.sel(term="x").item() == varies.sel(term="both:x").item() == "both"
    centred = design_of("y ~ x + (1 | g)", rows.assign(x=rows.x - rows.groupby("g").x.transform("mean")))
    posterior = fixed_draws(centred, {"1|g_sigma": 1.0, "sigma": 1.0})
    assert design_effect(Posterior(posterior, centred)).draws["varies"].sel(term="x").item() == "within"


def test_counts_have_the_design_effect_of_their_trials() -> None:
    """Eighteen players with one row of 45 trials each: 1 + 44 ρ."""
    rows = pd.DataFrame({"hits": np.arange(18) + 5, "tries": 45, "g": np.arange(18)})
    design = design_of("p(hits, tries) ~ 1 + (1 | g)", rows, "bernoulli")
    posterior = fixed_draws(design, {"Intercept": -1.0, "1|g_sigma": 0.5})
    rho = value(icc(Posterior(posterior, design)), "response", factor="g")
    quantity = design_effect(Posterior(posterior, design))
    assert value(quantity, "design_effect") == pytest.approx(1 + 44 * rho)
    assert value(quantity, "effective_rows") == pytest.approx(18 * 45 / (1 + 44 * rho))


def balanced_slopes() -> Any:
    x = np.tile(np.linspace(-1, 1, 20), 60)
    rows = pd.DataFrame({"x": x, "g": np.arange(60).repeat(20), "y": x})
    design = design_of("y ~ x + (x || g)", rows)
    return design, {"1|g_sigma": 0.3, "x|g_sigma": 2.0, "sigma": 1.0}


def nested() -> Any:
    place = np.arange(600)
    rows = pd.DataFrame({"a": place // 50, "b": place // 10 % 5, "y": place * 1.0})
    return design_of("y ~ 1 + (1 | a/b)", rows), {"1|a_sigma": 1.0, "1|a:b_sigma": 1.0, "sigma": 1.0}


def test_slopes_that_are_balanced_inflate_no_mean() -> None:
    """60 groups of 20, x in [-1, 1], τ = 0.3 and 2, σ = 1: 1.1, where the formula of an intercept would give 13.3."""
    design, values = balanced_slopes()
    quantity = design_effect(Posterior(fixed_draws(design, values), design))
    assert value(quantity, "design_effect") == pytest.approx(
        (1 + 20 * 0.09) / (1.09 + 4 * np.mean(design.X[:, 1] ** 2))
    )
    assert value(quantity, "design_effect") == pytest.approx(1.1, abs=0.02)
    assert "all_factors" not in quantity.draws


def test_effective_rows_take_all_factors() -> None:
    """`(1 | a/b)`, 12 × 5 × 10 rows, all variances 1: design effect 20.3, 29.5 rows, whichever factor is asked for."""
    design, values = nested()
    posterior = Posterior(fixed_draws(design, values), design)
    for factor, own in (("a", 1 + 49 / 3), ("a:b", 1 + 9 / 3)):
        quantity = design_effect(posterior, factor)
        assert value(quantity, "design_effect") == pytest.approx(own)
        assert value(quantity, "all_factors") == pytest.approx(20.3, abs=0.05)
        assert value(quantity, "effective_rows") == pytest.approx(29.5, abs=0.05)


@pytest.mark.parametrize("structure", [balanced_slopes, nested])
def test_it_is_the_variance_of_simulated_means(structure: Any) -> None:
    """n Var(mean of y) / Var(y) over 20,000 simulated data sets; the standard error of a variance is 1 % of it."""
    design, values = structure()
    rng = np.random.default_rng(1)
    means, squares, n = np.zeros(20_000), np.zeros(20_000), len(design.trials)
    for simulation in range(20_000):
        y = rng.normal(size=n) * values["sigma"]
        for factor in design.factors:
            sds = [values[f"{effect.term}|{factor.name}_sigma"] for effect in factor.effects]
            u = rng.normal(size=(len(factor.levels), len(sds))) * sds
            y += (u[factor.codes] * factor.Z).sum(axis=1)
        means[simulation], squares[simulation] = y.mean(), (y**2).mean()
    quantity = design_effect(Posterior(fixed_draws(design, values), design), design.factors[0].label)
    found = n / value(quantity, "effective_rows")
    assert found == pytest.approx(n * means.var() / squares.mean(), rel=0.04)
