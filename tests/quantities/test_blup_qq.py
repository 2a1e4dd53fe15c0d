from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from synthetic import design_of, fixed_draws, synthetic_draws, table

import hierkit
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.blup_qq import Moments, _distances, _envelope, blup_qq, outlying_groups, studentised


def truly_normal(groups: int, outlier: float = 0.0) -> Any:
    """Random intercepts with groups of 1 to 20 rows and the posterior means that they have, one group moved away."""
    rng = np.random.default_rng(3)
    n = rng.integers(1, 21, groups)
    design = design_of(
        "y ~ 1 + (1 | g)", pd.DataFrame({"g": np.arange(groups).repeat(n), "y": rng.normal(size=n.sum())})
    )
    posterior = fixed_draws(design, {"1|g_sigma": 1.0, "sigma": 2.0}, draws=200)
    kept = n / (n + 4.0)
    means = np.sqrt(kept) * rng.normal(size=groups)
    means[-1] += outlier * np.sqrt(kept[-1])
    posterior["1|g"] = posterior["1|g"].copy(data=np.broadcast_to(means, posterior["1|g"].shape))
    return design, posterior


def test_standardised_effects_are_standard_normal() -> None:
    """Not by sqrt(v), by which truly normal effects would have another spread."""
    design, posterior = truly_normal(800)
    numbers = blup_qq(Posterior(posterior, design)).draws
    z = numbers["standardised"].values[:, 0]
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * 800)
    inside = (numbers["standardised"] >= numbers["lower"]) & (numbers["standardised"] <= numbers["upper"])
    assert inside.all()
    order = np.argsort(z)
    assert (np.diff(numbers["expected"].values[order, 0]) > 0).all()
    assert not numbers["outlying"].any()


def test_outlying_groups_are_named() -> None:
    design, posterior = truly_normal(40, outlier=8.0)
    quantity = blup_qq(Posterior(posterior, design))
    assert quantity.draws["outlying"].values.nonzero()[0].tolist() == [39]
    assert "Outlying groups: 39." in quantity.definition


def test_groups_without_information_are_left_out_and_counted() -> None:
    """Where x is the same in all of a group's rows they say nothing of a slope without an intercept at x = 0."""
    data = pd.DataFrame({"g": np.repeat(np.arange(8), 3), "x": np.tile([0.0, 1.0, 2.0], 8), "y": np.arange(24.0) % 5})
    data.loc[data.g < 3, "x"] = 0.0
    design = design_of("y ~ x + (0 + x | g)", data)
    quantity = blup_qq(Posterior(fixed_draws(design, {"sigma": 1.0, "x|g_sigma": 1.0}, draws=20), design))
    assert np.isnan(quantity.draws["standardised"].values[:3]).all()
    assert "3 groups whose rows say nothing" in quantity.definition
    assert "8 groups say little about the shape" in quantity.definition


def test_without_information_in_any_group_nothing_is_standardised() -> None:
    """Offsets that make every outcome certain, whatever the effects are."""
    data = table(60).assign(far=lambda t: np.where(t.won, 900.0, -900.0))
    design = design_of("won ~ x + offset(far) + (1 | g)", data, "bernoulli")
    quantity = blup_qq(Posterior(synthetic_draws(design), design))
    assert np.isnan(quantity.draws["standardised"]).all()
    assert "6 groups whose rows say nothing" in quantity.definition


@pytest.mark.parametrize("groups", [5, 30])
def test_envelope_holds_95_percent_of_samples_throughout(groups: Any) -> None:
    _, lower, upper = _envelope(groups)
    samples = np.sort(studentised(np.random.default_rng(5).normal(size=(4000, groups)), np.zeros(groups)), axis=1)
    inside = ((samples >= lower) & (samples <= upper)).all(axis=1).mean()
    assert abs(inside - 0.95) < 4 * np.sqrt(0.05 * 0.95 * (1 / 4000 + 1 / 2000))


@pytest.mark.parametrize(("groups", "estimated"), [(4, 0), (4, 1), (8, 2), (40, 1)])
def test_studentised_effects_are_standard_normal_whatever_their_scale(groups: Any, estimated: Any) -> None:
    """Externally studentised residuals of a regression, which are Student-t exactly."""
    rng = np.random.default_rng(1)
    X, _ = np.linalg.qr(rng.normal(size=(groups, estimated)))
    samples = rng.normal(0, 7, (20_000, groups))
    values, leverage = samples - samples @ X @ X.T, (X**2).sum(axis=1)
    found = studentised(values, leverage)
    np.testing.assert_allclose(found, studentised(values / 100, leverage), rtol=1e-6)
    for group in range(min(groups, 4)):
        assert stats.kstest(found[:, group], "norm").pvalue > 0.001
    own = sm.OLS(samples[0], X).fit().get_influence().resid_studentized_external if estimated else None
    if own is not None:
        tails = stats.t.sf(np.abs(own), groups - estimated - 1)
        np.testing.assert_allclose(stats.norm.sf(np.abs(found[0])), tails, rtol=1e-6)


@pytest.mark.parametrize(("groups", "inflated"), [(5, 1.0), (5, 3.0), (8, 2.0), (40, 1.3)])
@pytest.mark.parametrize("effects", [1, 2])
def test_five_percent_of_good_models_have_an_outlying_group(groups: Any, inflated: Any, effects: Any) -> None:
    """Also where the posterior mean of G is too large, as it is with few groups."""
    rng = np.random.default_rng(2)
    kept, found = rng.uniform(0.3, 0.95, groups), 0
    shares = np.broadcast_to(np.eye(effects), (groups, effects, effects))
    gain = kept[:, None, None] * inflated * np.eye(effects)
    X = np.sqrt(kept)[:, None] / np.sqrt(kept.sum())
    for _ in range(2000):
        values = rng.normal(size=(groups, effects))
        means = np.sqrt(kept)[:, None] * (values - X @ (X.T @ values))
        found += int(_distances(Moments(means, gain, inflated * np.eye(effects), shares))[2].any())
    # Bonferroni's bound is a little below it where groups are few and their distances share one scale
    assert 0.035 < found / 2000 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.slow
def test_five_percent_of_fits_with_few_groups_have_an_outlying_group() -> None:
    """From sampled fits of six groups; of the old standardisation it was one in a hundred."""
    found = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        g = np.repeat(np.arange(6), 8)
        data = pd.DataFrame({"g": g, "y": rng.normal(size=6)[g] + rng.normal(size=48)})
        fit = hierkit.fit("y ~ 1 + (1 | g)", data, random_seed=seed, progressbar=False, draws=500)
        found += int(len(outlying_groups(fit._posterior, fit.design.factors[0])) > 0)
    assert abs(found / 200 - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 200)


def test_several_effects_have_a_distance() -> None:
    design = design_of("y ~ x + (x | g)", table(100))
    quantity = blup_qq(Posterior(synthetic_draws(design, draws=400), design))
    assert quantity.draws["distance"].dims == ("group",)
    columns = list(quantity.table().columns)
    assert columns[:2] == ["group", "effect"]
    assert "expected_distance" in columns
