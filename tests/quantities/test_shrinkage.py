import time
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit
from synthetic import design_of, fixed_draws, synthetic_draws, table

from hierkit import datasets
from hierkit.errors import HierkitError
from hierkit.posterior.information import inverse, posterior_covariance, times
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.shrinkage import shrinkage
from hierkit.quantities.shrinkage_factors import square_root

CSAT = {"Intercept": 76.268, "wait": -0.899, "1|team_sigma": 19.057**0.5, "sigma": 62.167**0.5}
SLOPES = {"Intercept": 78.247, "wait": -1.014, "1|team_sigma": 68.94**0.5, "wait|team_sigma": 0.11597**0.5}
SLOPES["sigma"] = 63.81**0.5
CORRELATION = -1.477 / (68.94 * 0.11597) ** 0.5


def csat_slopes() -> Any:
    design = design_of("csat ~ wait + (wait | team)", datasets.csat_slopes())
    return design, fixed_draws(design, SLOPES, CORRELATION)


def mean(quantity: Any, name: Any) -> Any:
    return quantity.draws[name].mean(("chain", "draw"))


def test_random_intercepts_at_reml() -> None:
    """τ² / (τ² + σ²/n): 0.6478 for six rows, 0.9860 for 230."""
    design = design_of("csat ~ wait + (1 | team)", datasets.csat())
    quantity = shrinkage(Posterior(fixed_draws(design, CSAT), design))
    kept = mean(quantity, "shrinkage")
    assert kept.sel(group=0, effect="Intercept").item() == pytest.approx(0.6478, abs=5e-5)
    assert kept.sel(group=17, effect="Intercept").item() == pytest.approx(0.9860, abs=5e-5)
    n = design.factors[0].counts
    np.testing.assert_allclose(kept[:, 0], n * 19.057 / (n * 19.057 + 62.167))
    # not the slip that swaps the variances
    assert kept.sel(group=0, effect="Intercept").item() != pytest.approx(6 * 62.167 / (6 * 62.167 + 19.057), abs=0.1)
    np.testing.assert_allclose(mean(quantity, "pull"), 1 - kept)
    np.testing.assert_allclose(mean(quantity, "overall"), kept[:, 0])


def test_random_slopes_at_reml() -> None:
    """Λ of team 0: [[0.6603, 10.4098], [0.009375, 0.2805]], eigenvalues 0.8360 and 0.1048, half its trace 0.4704."""
    design, posterior = csat_slopes()
    quantity = shrinkage(Posterior(posterior, design))
    kept = mean(quantity, "shrinkage").sel(group=0)
    np.testing.assert_allclose(kept, [0.6603, 0.2805], atol=1e-4)
    assert mean(quantity, "overall").sel(group=0).item() == pytest.approx(0.4704, abs=5e-5)
    G = np.array([[68.94, -1.477], [-1.477, 0.11597]])
    Z = design.factors[0].Z[design.factors[0].codes == 0]
    M = (Z.T @ Z / 63.81)[:, :, None, None]
    full = times(posterior_covariance(G[None], M), M)[..., 0, 0]
    np.testing.assert_allclose(full, [[0.6603, 10.4098], [0.009375, 0.2805]], rtol=5e-4)
    np.testing.assert_allclose(sorted(np.linalg.eigvals(full)), [0.1048, 0.8360], atol=1e-4)


def test_spread_is_the_square_root() -> None:
    design, posterior = csat_slopes()
    M = np.moveaxis(design.factors[0].sums(design.factors[0].Z), 0, -1)[:, :, None] / 63.81
    G = np.array([[[68.94, -1.477], [-1.477, 0.11597]]])
    root = square_root(G, M)
    np.testing.assert_allclose(times(root, root), times(posterior_covariance(G, M), M), rtol=1e-8, atol=1e-12)
    assert "Louis" in shrinkage(Posterior(posterior, design), kind="spread").definition
    one = design_of("csat ~ wait + (1 | team)", datasets.csat())
    draws = fixed_draws(one, CSAT)
    spread, best = (mean(shrinkage(Posterior(draws, one), kind=kind), "shrinkage") for kind in ("spread", "blup"))
    np.testing.assert_allclose(spread**2, best)


def test_the_groups_own_estimate_is_that_of_its_rows() -> None:
    """Least squares of a team's residuals from the common line; the shrunken one is Λ times it."""
    design, posterior = csat_slopes()
    quantity = shrinkage(Posterior(posterior, design))
    factor = design.factors[0]
    residual = design.outcome.y - 78.247 + 1.014 * design.X[:, 1]
    for team in (0, 9):
        rows = factor.codes == team
        own = np.linalg.lstsq(factor.Z[rows], residual[rows])[0]
        np.testing.assert_allclose(mean(quantity, "own").sel(group=team), own, rtol=1e-6)
    G, Z = np.array([[68.94, -1.477], [-1.477, 0.11597]]), factor.Z[factor.codes == 0]
    V = Z @ G @ Z.T + 63.81 * np.eye(len(Z))
    blup = G @ Z.T @ np.linalg.solve(V, residual[factor.codes == 0])
    np.testing.assert_allclose(mean(quantity, "pooled").sel(group=0), blup, rtol=1e-6)


def bernoulli(seed: int = 0) -> Any:
    """Groups of 4 to 60 rows, some of them all of one kind."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(15), np.tile([4, 8, 60], 5))
    u, x = rng.normal(0, 1.3, 15), rng.normal(size=len(g))
    won = rng.random(len(g)) < expit(-0.7 + 0.8 * x + u[g])
    data = pd.DataFrame({"g": g, "x": x, "won": np.where(g == 0, 1, np.where(g == 3, 0, won)).astype(int)})
    return data, design_of("won ~ x + (1 | g)", data, "bernoulli")


def test_an_own_estimate_of_events_is_the_maximum_of_the_likelihood() -> None:
    data, design = bernoulli()
    draws = fixed_draws(design, {"Intercept": -0.7, "x": 0.8, "1|g_sigma": 1.3, "1|g": 0.4})
    found = mean(shrinkage(Posterior(draws, design)), "own")[:, 0]
    assert np.isnan(found.sel(group=[0, 3])).all()
    for group in (1, 2, 14):
        own = data[data.g == group]
        fit = sm.GLM(own.won, np.ones(len(own)), offset=-0.7 + 0.8 * own.x, family=sm.families.Binomial()).fit()
        assert found.sel(group=group).item() == pytest.approx(fit.params.iloc[0], abs=1e-5)


@pytest.mark.parametrize("counts", [False, True])
def test_groups_of_events_break_even_where_the_weight_of_a_trial_says(counts: bool) -> None:
    """1 / (τ² times the mean of p (1 - p)), found here from each trial's probability."""
    data, design = bernoulli()
    if counts:
        cells = data.assign(x=data.x.round()).groupby(["g", "x"], as_index=False)
        data = cells.agg(won=("won", "sum"), n=("won", "size"))
        design = design_of("p(won, n) ~ x + (1 | g)", data, "bernoulli")
    draws = fixed_draws(design, {"Intercept": -0.7, "x": 0.8, "1|g_sigma": 1.3, "1|g": 0.4})
    p = expit(-0.7 + 0.8 * data.x + 0.4)
    weight = np.average(p * (1 - p), weights=data.n if counts else np.ones(len(data)))
    found = shrinkage(Posterior(draws, design)).draws.attrs["break_even"]
    assert found == pytest.approx(1 / (1.3**2 * weight), rel=1e-9)


def test_pooled_deviations_of_events_average_to_those_of_the_posterior() -> None:
    """E(u | y) is the mean over draws of E(u | y, θ), also where all rows of a group are events."""
    data, design = bernoulli()
    level, slope, tau = -0.7, 0.8, 1.3
    draws = fixed_draws(design, {"Intercept": level, "x": slope, "1|g_sigma": tau, "1|g": 0.4})
    found = mean(shrinkage(Posterior(draws, design)), "pooled")[:, 0]
    u = np.linspace(-8, 8, 4001)
    for group in (0, 1, 2, 3):
        own = data[data.g == group]
        p = expit(level + slope * own.x.to_numpy()[:, None] + u)
        weights = stats.norm.pdf(u, 0, tau) * np.where(own.won.to_numpy()[:, None] == 1, p, 1 - p).prod(axis=0)
        expected, sd = np.average(u, weights=weights), np.sqrt(np.cov(u, aweights=weights))
        assert abs(found.sel(group=group).item() - expected) < 0.05 * sd


def test_many_trials_with_few_successes_have_an_own_estimate() -> None:
    data = pd.DataFrame({"g": np.arange(6), "n": 10**7, "s": [8, 12, 9, 15, 10, 11]})
    design = design_of("p(s, n) ~ 1 + (1 | g)", data, "bernoulli")
    draws = fixed_draws(design, {"Intercept": -13.7, "1|g_sigma": 0.5, "1|g": 0.0})
    found = mean(shrinkage(Posterior(draws, design)), "own")[:, 0]
    np.testing.assert_allclose(found, logit(data.s / data.n) + 13.7, atol=1e-5)


def test_rows_that_cannot_tell_effects_apart_have_no_own_estimate() -> None:
    rows = table(60).assign(g=lambda d: np.where(d.index == 0, 99, d.g))
    design = design_of("y ~ x + (x | g)", rows)
    quantity = shrinkage(Posterior(synthetic_draws(design), design))
    assert np.isnan(mean(quantity, "own").sel(group=99)).all()
    assert np.isfinite(mean(quantity, "shrinkage")).all()
    assert np.isfinite(mean(quantity, "pooled")).all()


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_units_change_nothing(unit: Any) -> None:
    design = design_of("y ~ x + (x | g)", table(60).assign(x=lambda d: d.x * unit))
    posterior = fixed_draws(design, {"x": 0.3 / unit, "x|g": 0.2 / unit, "x|g_sigma": 0.5 / unit}, corr=0.3)
    assert np.isfinite(mean(shrinkage(Posterior(posterior, design)), "own")).all()


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_eigenvalues_lie_between_nothing_and_everything(family: Any) -> None:
    text = "y ~ x + (x + z | g)" if family == "gaussian" else "p(hits, tries) ~ x + (x + z | g) + (1 | s)"
    design = design_of(text, table(90), family)
    quantity = shrinkage(Posterior(synthetic_draws(design), design), "g")
    overall = quantity.draws["overall"]
    assert ((overall >= 0) & (overall <= 1)).all()
    assert quantity.draws["shrinkage"].dims == ("chain", "draw", "group", "effect")
    assert ("Conditional on" in quantity.definition) == (family == "bernoulli")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(-1e4, 1e4), q=st.sampled_from(["1", "x", "x + z"]))
def test_order_and_origin_change_nothing(seed: Any, shift: Any, q: Any) -> None:
    """Permuted rows, permuted columns, and another zero of y leave λ as it was."""
    rows = table(50, seed)
    design = design_of(f"y ~ x + z + ({q} | g)", rows)
    posterior = synthetic_draws(design, draws=5)
    expected = shrinkage(Posterior(posterior, design)).draws["shrinkage"]
    overall = shrinkage(Posterior(posterior, design)).draws["overall"]
    assert ((overall >= 0) & (overall <= 1)).all()
    shuffled = rows.sample(frac=1, random_state=seed).reset_index(drop=True)
    moved = shuffled[list(reversed(shuffled.columns))].assign(y=lambda d: d.y + shift)
    if q == "1":  # a slope's zero is where the intercept's λ is meant
        moved["x"] += shift
    other = design_of(f"y ~ x + z + ({q} | g)", moved)
    np.testing.assert_allclose(
        shrinkage(Posterior(posterior, other)).draws["shrinkage"], expected, rtol=1e-7, atol=1e-10
    )


def test_more_rows_keep_more() -> None:
    rows = table(50)
    doubled = pd.concat([rows, rows[rows.g == 0]], ignore_index=True)
    before, after = (design_of("y ~ x + (1 | g)", data) for data in (rows, doubled))
    posterior = synthetic_draws(before, draws=5)
    kept, more = (shrinkage(Posterior(posterior, design)).draws["shrinkage"] for design in (before, after))
    assert (more.sel(group=0) > kept.sel(group=0)).all()
    np.testing.assert_allclose(more.sel(group=10), kept.sel(group=10))


def test_unknown_kind_and_factor() -> None:
    design = design_of("y ~ x + (1 | g)", table())
    with pytest.raises(HierkitError, match="It is one of 'blup', 'spread'"):
        shrinkage(Posterior(synthetic_draws(design), design), kind="mean")  # type: ignore[arg-type]
    with pytest.raises(HierkitError, match="no factor 'team'"):
        shrinkage(Posterior(synthetic_draws(design), design), "team")


def test_small_inverses() -> None:
    A = np.random.default_rng(0).normal(size=(7, 4, 6))
    spd = A @ np.swapaxes(A, 1, 2)
    found = inverse(np.moveaxis(spd, 0, -1)[..., None])
    np.testing.assert_allclose(np.moveaxis(found[..., 0], -1, 0), np.linalg.inv(spd), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("effects", ["1", "x"])
def test_a_thousand_groups_in_less_than_a_gigabyte(effects: Any) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"g": np.arange(1000).repeat(4), "x": rng.normal(size=4000), "y": rng.normal(size=4000)})
    design = design_of(f"y ~ x + ({effects} | g)", rows)
    posterior = synthetic_draws(design, chains=4, draws=1000)
    tracemalloc.start()
    start = time.perf_counter()
    shrinkage(Posterior(posterior, design))
    print(f"{time.perf_counter() - start:.2f} s, {tracemalloc.get_traced_memory()[1] / 1e9:.2f} GB")
    assert tracemalloc.get_traced_memory()[1] < 1e9
    tracemalloc.stop()
