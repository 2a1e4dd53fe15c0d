from typing import Any

import numpy as np
import pytest
from synthetic import design_of, synthetic_draws

from hierkit.posterior.effects import read_effects
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.coefficients import coefficients


@pytest.mark.parametrize("text", ["y ~ x + (x + h | g)", "y ~ x + (1 | g) + (0 + h | g)", "y ~ x + (x || g/s)"])
def test_effects_have_the_dims_that_every_quantity_reads(text: Any, data: Any) -> None:
    design = design_of(text, data)
    posterior = synthetic_draws(design)
    for factor in design.factors:
        effects = read_effects(posterior, factor)
        assert effects.u.dims == ("chain", "draw", "group", "effect")
        assert effects.cov.dims == ("chain", "draw", "effect", "effect_other")
        assert effects.u.effect.values.tolist() == [effect.label for effect in factor.effects]
        assert np.linalg.eigvalsh(effects.cov.values).min() > 0


def test_each_effect_is_its_own_variable(data: Any) -> None:
    design = design_of("y ~ x + (x + h | g)", data)
    posterior = synthetic_draws(design)
    effects = read_effects(posterior, design.factors[0])
    np.testing.assert_array_equal(effects.u.sel(effect="x"), posterior["x|g"])
    np.testing.assert_array_equal(effects.u.sel(effect="h[top]"), posterior["h|g"].isel(h__expr_dim=1))
    sds = posterior["x|g_sigma"] * posterior["h|g_sigma"].isel(h__expr_dim=1, drop=True)
    corr = posterior["g_corr"].sel(g_effect="x", g_effect_other="h[top]", drop=True)
    np.testing.assert_allclose(effects.cov.sel(effect="x", effect_other="h[top]"), sds * corr)


def test_uncorrelated_effects_have_a_diagonal_covariance(data: Any) -> None:
    design = design_of("y ~ x + (x || g)", data)
    cov = read_effects(synthetic_draws(design), design.factors[0]).cov
    assert (cov.sel(effect="Intercept", effect_other="x") == 0).all()


def test_coefficients_by_label(data: Any) -> None:
    design = design_of("y ~ x + k", data)
    posterior = synthetic_draws(design)
    table = coefficients(Posterior(posterior, design)).table().set_index("term")
    assert table.index.tolist() == ["Intercept", "x", "k[b]", "k[a]"]
    assert table.estimate["k[a]"] == pytest.approx(float(posterior["k"].isel(k_dim=1).mean()))
