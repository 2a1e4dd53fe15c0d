import numpy as np
import pytest
from synthetic import design_of, fixed_draws, synthetic_draws, table

from hierkit.errors import HierkitError
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.coefficients import coefficients


def test_odds_ratios_are_exponentials_within_draws() -> None:
    """Their estimates are medians: those of the event the other way round are one over them."""
    design = design_of("won ~ x + h + (1 | g)", table(), "bernoulli")
    posterior = synthetic_draws(design)
    quantity = coefficients(Posterior(posterior, design))
    ratios = quantity.draws["odds_ratio"]
    np.testing.assert_allclose(ratios.sel(term="x"), np.exp(posterior["x"]))
    estimate = quantity.table(long=True).query("quantity == 'odds_ratio' and term == 'x'").estimate.item()
    assert estimate == pytest.approx(np.exp(posterior["x"].median()).item(), rel=1e-3)
    assert "odds_ratio is exp(β)" in quantity.definition


def test_gaussian_coefficients_have_none() -> None:
    design = design_of("y ~ x + (1 | g)", table())
    assert list(coefficients(Posterior(synthetic_draws(design), design)).draws.data_vars) == [
        "coefficient",
        "r_hat",
        "ess_bulk",
        "ess_tail",
    ]


def test_a_model_without_coefficients() -> None:
    design = design_of("y ~ 0 + (1 | g)", table())
    with pytest.raises(HierkitError, match="The model has no coefficients"):
        coefficients(Posterior(synthetic_draws(design), design))


def test_odds_ratios_beyond_all_numbers_are_finite() -> None:
    """A slope of 1,500 per unit, of a predictor in thousandths."""
    design = design_of("won ~ x + (1 | g)", table(), "bernoulli")
    posterior = fixed_draws(design, {"x": 1500.0})
    found = coefficients(Posterior(posterior, design)).table().query("term == 'x'")
    bounds = found[["odds_ratio", "odds_ratio_lower", "odds_ratio_upper"]].to_numpy()
    assert bounds == pytest.approx(1e100, rel=0.3)
