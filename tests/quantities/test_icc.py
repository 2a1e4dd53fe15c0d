"""Intraclass correlations."""

from typing import Any

import numpy as np
import pytest
from synthetic import design_of, fixed_draws, table

from hierkit.errors import HierkitError
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.icc import icc

CSAT = {"Intercept": 76.268, "wait": -0.899, "1|team_sigma": 19.057**0.5, "sigma": 62.167**0.5}


def value(quantity: Any, name: Any, **labels: Any) -> Any:
    return quantity.draws[name].mean(("chain", "draw")).sel(**labels).item()


def test_latent_and_response_scale() -> None:
    """Variance 0.2 at a logit of -2.2: 0.0573 latent, 0.0194 on the response scale."""
    design = design_of("won ~ 1 + (1 | g)", table(200), "bernoulli")
    quantity = icc(Posterior(fixed_draws(design, {"Intercept": -2.2, "1|g_sigma": 0.2**0.5}), design))
    assert value(quantity, "latent", factor="g") == pytest.approx(0.0573, abs=5e-5)
    assert value(quantity, "response", factor="g") == pytest.approx(0.0194, abs=5e-5)
    assert quantity.draws["latent"].dims == ("chain", "draw", "factor")


@pytest.mark.parametrize("far", [5.0, 30.0, 45.0])
def test_certain_events_and_their_opposites_have_the_same_share(far: Any) -> None:
    design = design_of("won ~ 1 + (1 | g)", table(200), "bernoulli")
    shares = [
        value(icc(Posterior(fixed_draws(design, {"Intercept": at, "1|g_sigma": 2.0}), design)), "response", factor="g")
        for at in (-far, far)
    ]
    assert shares[0] == pytest.approx(shares[1], rel=1e-6)
    assert 0 < shares[0] < 1


def test_several_factors_and_their_sum() -> None:
    design = design_of("y ~ x + (1 | g) + (1 | s)", table(100))
    quantity = icc(Posterior(fixed_draws(design, {"1|g_sigma": 1.0, "1|s_sigma": 2.0, "sigma": 2.0}), design))
    assert [value(quantity, "latent", factor=f) for f in ("g", "s", "all")] == pytest.approx([1 / 9, 4 / 9, 5 / 9])


def test_slopes_make_a_curve() -> None:
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


def test_the_mean_row_is_a_row() -> None:
    """With one effect for each level every row has the same ICC."""
    design = design_of("y ~ 1 + (0 + h | g)", table(90))
    posterior = fixed_draws(design, {"h|g_sigma": 1.0, "sigma": 1.0})
    assert value(icc(Posterior(posterior, design)), "latent", factor="g") == pytest.approx(0.5)
