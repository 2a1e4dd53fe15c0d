import numpy as np
import pytest
from synthetic import design_of, synthetic_draws

from hierkit.model.priors import make_priors
from hierkit.posterior.effects import read_effects
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.where_priors_hold import covariance_of_priors
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.group_effects import group_effects
from hierkit.quantities.variance_components import variance_components


@pytest.mark.parametrize("text", ["y ~ x + (x + h | g)", "y ~ x + (1 | g) + (0 + h | g)", "y ~ x + (x || g/s)"])
def test_effects_have_the_dims_that_every_quantity_reads(text, data):
    design = design_of(text, data)
    posterior = synthetic_draws(design)
    for factor in design.factors:
        effects = read_effects(posterior, factor)
        assert effects.u.dims == ("chain", "draw", "group", "effect")
        assert effects.cov.dims == ("chain", "draw", "effect", "effect_other")
        assert effects.u.effect.values.tolist() == [effect.label for effect in factor.effects]
        np.testing.assert_array_equal(effects.n, factor.counts)
        assert np.linalg.eigvalsh(effects.cov.values).min() > 0


def test_each_effect_is_its_own_variable(data):
    design = design_of("y ~ x + (x + h | g)", data)
    posterior = synthetic_draws(design)
    effects = read_effects(posterior, design.factors[0])
    np.testing.assert_array_equal(effects.u.sel(effect="x"), posterior["x|g"])
    np.testing.assert_array_equal(effects.u.sel(effect="h[top]"), posterior["h|g"].isel(h__expr_dim=1))
    sds = posterior["x|g_sigma"] * posterior["h|g_sigma"].isel(h__expr_dim=1, drop=True)
    corr = posterior["g_corr"].sel(g_effect="x", g_effect_other="h[top]", drop=True)
    np.testing.assert_allclose(effects.cov.sel(effect="x", effect_other="h[top]"), sds * corr)


def test_uncorrelated_effects_have_a_diagonal_covariance(data):
    design = design_of("y ~ x + (x || g)", data)
    cov = read_effects(synthetic_draws(design), design.factors[0]).cov
    assert (cov.sel(effect="Intercept", effect_other="x") == 0).all()


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_the_covariance_at_the_centre(data, shift):
    """T^-1 G T^-T, written out."""
    design = design_of("y ~ x + (x + h | g)", data.assign(x=data.x + shift))
    posterior, factor = synthetic_draws(design), design.factors[0]
    inverse = np.linalg.inv(factor.T)
    expected = inverse @ read_effects(posterior, factor).cov.values @ inverse.T
    found = covariance_of_priors(Posterior(posterior, design), factor, make_priors(design))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_far_zero_leaves_variances(data):
    """An effect that is nothing at the centre: what rounding leaves of its variance is not negative."""
    design = design_of("y ~ x + (x | g)", data.assign(x=data.x + 1e5))
    posterior, factor = synthetic_draws(design), design.factors[0]
    slope = np.linspace(0.1, 3, posterior["x|g_sigma"].size).reshape(posterior["x|g_sigma"].shape)
    posterior["x|g_sigma"] = posterior["x|g_sigma"].copy(data=slope)
    posterior["1|g_sigma"] = posterior["1|g_sigma"].copy(data=slope * -factor.T[0, 1])
    posterior["g_corr"] = posterior["g_corr"].copy(data=np.broadcast_to([[1, -1], [-1, 1]], posterior["g_corr"].shape))
    variances = np.diagonal(
        covariance_of_priors(Posterior(posterior, design), factor, make_priors(design)).values, axis1=2, axis2=3
    )
    assert (variances >= 0).all()
    np.testing.assert_allclose(variances[..., 1], slope**2, rtol=1e-9)


def test_coefficients_by_label(data):
    design = design_of("y ~ x + k", data)
    posterior = synthetic_draws(design)
    table = coefficients(Posterior(posterior, design)).table().set_index("term")
    assert table.index.tolist() == ["Intercept", "x", "k[b]", "k[a]"]
    assert table.estimate["k[a]"] == pytest.approx(float(posterior["k"].isel(k_dim=1).mean()))


def test_variance_components_name_what_the_model_has(data):
    design = design_of("y ~ x + (x | g) + (1 | s) + (0 + h | s)", data)
    components = variance_components(Posterior(synthetic_draws(design), design)).table().component.tolist()
    assert components == [
        "sd(Intercept|g)",
        "sd(x|g)",
        "cor(Intercept, x|g)",
        "sd(Intercept|s)",
        "sd(h[low]|s)",
        "sd(h[mid]|s)",
        "sd(h[top]|s)",
        "cor(h[low], h[mid]|s)",
        "cor(h[low], h[top]|s)",
        "cor(h[mid], h[top]|s)",
        "sigma",
    ]


def test_variance_components_without_factors(data):
    bernoulli = design_of("flag ~ x", data, "bernoulli")
    assert variance_components(Posterior(synthetic_draws(bernoulli), bernoulli)).draws.sizes["component"] == 0


def test_group_coefficients_are_added_within_draws(data):
    design = design_of("y ~ x + (x + z | g)", data)
    posterior = synthetic_draws(design)
    draws = group_effects(Posterior(posterior, design)).draws
    assert draws["coefficient"].dims == ("chain", "draw", "group", "effect")
    np.testing.assert_allclose(draws["coefficient"].sel(effect="x"), posterior["x"] + posterior["x|g"])
    np.testing.assert_allclose(draws["coefficient"].sel(effect="Intercept"), posterior["Intercept"] + posterior["1|g"])
    # z has no common coefficient: the deviation is all there is
    np.testing.assert_allclose(draws["coefficient"].sel(effect="z"), posterior["z|g"])
    np.testing.assert_array_equal(draws["n"], design.factors[0].counts)


def test_order_of_rows_changes_no_table(data):
    tables = []
    for rows in (data, data.sample(frac=1, random_state=0)):
        design = design_of("y ~ x + (x | g)", rows)
        tables.append(group_effects(Posterior(synthetic_draws(design), design)).table())
    assert tables[0].equals(tables[1])
