"""ICC, design effect and R²: golden numbers and what must hold for any draws."""

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, fixed_draws, synthetic_draws, table

from hierkit import datasets
from hierkit.errors import HierkitError
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.design_effect import design_effect
from hierkit.quantities.icc import icc
from hierkit.quantities.r_squared import r_squared

CSAT = {"Intercept": 76.268, "wait": -0.899, "1|team_sigma": 19.057**0.5, "sigma": 62.167**0.5}


def value(quantity, name, **labels):
    return quantity.draws[name].mean(("chain", "draw")).sel(**labels).item()


def test_csat_at_reml():
    """ICC 0.2346; m 142.05, design effect 34.09."""
    design = design_of("csat ~ wait + (1 | team)", datasets.csat())
    posterior = fixed_draws(design, CSAT)
    assert value(icc(Posterior(posterior, design)), "latent", factor="team") == pytest.approx(0.2346, abs=5e-5)
    quantity = design_effect(Posterior(posterior, design))
    assert value(quantity, "design_effect") == pytest.approx(34.09, abs=0.005)
    assert "142" in quantity.definition


def test_fifty_groups_of_a_hundred():
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


def test_latent_and_response_scale():
    """Variance 0.2 at a logit of -2.2: 0.0573 latent, 0.0194 on the response scale."""
    design = design_of("won ~ 1 + (1 | g)", table(200), "bernoulli")
    quantity = icc(Posterior(fixed_draws(design, {"Intercept": -2.2, "1|g_sigma": 0.2**0.5}), design))
    assert value(quantity, "latent", factor="g") == pytest.approx(0.0573, abs=5e-5)
    assert value(quantity, "response", factor="g") == pytest.approx(0.0194, abs=5e-5)
    assert quantity.draws["latent"].dims == ("chain", "draw", "factor")


@pytest.mark.parametrize("far", [5.0, 30.0, 45.0])
def test_certain_events_and_their_opposites_have_the_same_share(far):
    design = design_of("won ~ 1 + (1 | g)", table(200), "bernoulli")
    shares = [
        value(icc(Posterior(fixed_draws(design, {"Intercept": at, "1|g_sigma": 2.0}), design)), "response", factor="g")
        for at in (-far, far)
    ]
    assert shares[0] == pytest.approx(shares[1], rel=1e-6)
    assert 0 < shares[0] < 1


def test_several_factors_and_their_sum():
    design = design_of("y ~ x + (1 | g) + (1 | s)", table(100))
    quantity = icc(Posterior(fixed_draws(design, {"1|g_sigma": 1.0, "1|s_sigma": 2.0, "sigma": 2.0}), design))
    assert [value(quantity, "latent", factor=f) for f in ("g", "s", "all")] == pytest.approx([1 / 9, 4 / 9, 5 / 9])


def test_slopes_make_a_curve():
    """z'Gz at each x, at the mean row, and Johnson's average tr(ZGZ')/n."""
    design = design_of("y ~ x + (x | g)", table(100))
    posterior = fixed_draws(design, {"1|g_sigma": 1.0, "x|g_sigma": 0.5, "sigma": 2.0}, corr=0.3)
    G, x = np.array([[1, 0.15], [0.15, 0.25]]), design.X[:, 1]
    variances = np.einsum("na,ab,nb->n", design.factors[0].Z, G, design.factors[0].Z)
    quantity = icc(Posterior(posterior, design))
    at_mean = np.array([1, x.mean()]) @ G @ np.array([1, x.mean()])
    assert value(quantity, "latent", factor="g") == pytest.approx(at_mean / (at_mean + 4))
    assert value(quantity, "average", factor="g") == pytest.approx(variances.mean() / (variances.mean() + 4))
    curve = icc(Posterior(posterior, design), along="x").draws["latent"].sel(factor="g").mean(("chain", "draw"))
    expected = 1 + 0.3 * curve.x + 0.25 * curve.x**2
    np.testing.assert_allclose(curve, expected / (expected + 4))
    with pytest.raises(HierkitError, match="no predictor 'w'"):
        icc(Posterior(posterior, design), along="w")


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_r_squared(family):
    text = "y ~ x + h + (x | g) + (1 | s)" if family == "gaussian" else "p(hits, tries) ~ x + (x | g) + (1 | s)"
    design = design_of(text, table(100), family)
    posterior = synthetic_draws(design)
    quantity = r_squared(Posterior(posterior, design))
    assert (quantity.draws["marginal"] <= quantity.draws["conditional"]).all()
    one = posterior.isel(chain=0, draw=0)
    eta = design.X @ np.concatenate([np.ravel(one[term]) for term in dict.fromkeys(c.term for c in design.columns)])
    rest = float(one["sigma"]) ** 2 if family == "gaussian" else np.pi**2 / 3
    groups = float(one["1|s_sigma"]) ** 2
    sds = np.array([float(one["1|g_sigma"]), float(one["x|g_sigma"])])
    G = np.outer(sds, sds) * one["g_corr"].values
    groups += np.einsum("na,ab,nb->n", design.factors[0].Z, G, design.factors[0].Z).mean()
    expected = eta.var() / (eta.var() + groups + rest)
    assert quantity.draws["marginal"][0, 0].item() == pytest.approx(expected)


def test_counts_have_the_design_effect_of_their_trials():
    """Eighteen players with one row of 45 trials each: 1 + 44 ρ."""
    rows = pd.DataFrame({"hits": np.arange(18) + 5, "tries": 45, "g": np.arange(18)})
    design = design_of("p(hits, tries) ~ 1 + (1 | g)", rows, "bernoulli")
    posterior = fixed_draws(design, {"Intercept": -1.0, "1|g_sigma": 0.5})
    rho = value(icc(Posterior(posterior, design)), "response", factor="g")
    quantity = design_effect(Posterior(posterior, design))
    assert value(quantity, "design_effect") == pytest.approx(1 + 44 * rho)
    assert value(quantity, "effective_rows") == pytest.approx(18 * 45 / (1 + 44 * rho))


def test_an_offset_explains_nothing():
    rows = table(60).assign(o=lambda d: 10 * d.x)
    design = design_of("y ~ 1 + offset(o) + (1 | g)", rows)
    np.testing.assert_allclose(r_squared(Posterior(synthetic_draws(design), design)).draws["marginal"], 0, atol=1e-12)


def test_the_mean_row_is_a_row():
    """With one effect for each level every row has the same ICC."""
    design = design_of("y ~ 1 + (0 + h | g)", table(90))
    posterior = fixed_draws(design, {"h|g_sigma": 1.0, "sigma": 1.0})
    assert value(icc(Posterior(posterior, design)), "latent", factor="g") == pytest.approx(0.5)


def test_without_groups():
    design = design_of("y ~ x", table())
    posterior = synthetic_draws(design)
    quantity = r_squared(Posterior(posterior, design))
    np.testing.assert_allclose(quantity.draws["marginal"], quantity.draws["conditional"])
    with pytest.raises(HierkitError, match="The model has no grouping factor"):
        icc(Posterior(posterior, design))
    with pytest.raises(HierkitError, match="It has no grouping factor"):
        design_effect(Posterior(posterior, design))
