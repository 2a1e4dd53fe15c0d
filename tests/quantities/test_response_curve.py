"""Curves of the mean along a predictor."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from synthetic import design_of, synthetic_draws, table

from hierkit.errors import HierkitError
from hierkit.model.logistic_normal import mean_probability
from hierkit.model.matrices import changed_matrices
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.response_curve import response_curve


def logistic(text: str = "won ~ x + h + (x | g)") -> Any:
    design = design_of(text, table(120), "bernoulli")
    return design, synthetic_draws(design, draws=20)


def average(quantity: Any) -> Any:
    return quantity.draws["average"]


def test_columns_called_like_a_dim() -> None:
    design = design_of("y ~ group + (1 | factor)", table(80).rename(columns={"x": "group", "g": "factor"}))
    curve = response_curve(Posterior(synthetic_draws(design), design), "group")
    assert curve.draws["by_group"].dims == ("chain", "draw", "group", "group_")


def test_curves() -> None:
    design, posterior = logistic("won ~ x + z + (x | g) + (1 | s)")
    quantity = response_curve(Posterior(posterior, design), "x", factor="g")
    draws = quantity.draws
    assert draws["by_group"].dims == ("chain", "draw", "group", "x")
    x, z = draws["x"], float(design.rows.frame["z"].mean())
    eta = posterior["Intercept"] + posterior["x"] * x + posterior["z"] * z
    np.testing.assert_allclose(draws["typical"], expit(eta), rtol=1e-9)
    u = posterior["1|g"] + posterior["x|g"] * x
    np.testing.assert_allclose(draws["by_group"].sel(group=30), expit(eta + u.sel(g__factor_dim=30)), rtol=1e-9)
    corr = posterior["g_corr"][..., 0, 1]
    sds = posterior["1|g_sigma"], posterior["x|g_sigma"]
    variance = sds[0] ** 2 + 2 * x * corr * sds[0] * sds[1] + x**2 * sds[1] ** 2 + posterior["1|s_sigma"] ** 2
    expected = mean_probability(
        eta.transpose("chain", "draw", "x").values, variance.transpose("chain", "draw", "x").values
    )
    np.testing.assert_allclose(draws["marginal"], expected, rtol=1e-9)
    some = response_curve(Posterior(posterior, design), "x", "g", groups=[30, 10]).draws["by_group"]
    assert some.group.values.tolist() == [30, 10]
    np.testing.assert_array_equal(some.sel(group=30), draws["by_group"].sel(group=30))


@pytest.mark.parametrize(
    ("text", "family"), [("y ~ x + h + flag + (1 | g)", "gaussian"), ("won ~ x * h + flag", "bernoulli")]
)
def test_curves_average_over_the_levels_of_other_predictors(text: Any, family: Any) -> None:
    """Each combination of levels with its share of the rows, numbers at their means: here the rows' own levels."""
    design = design_of(text, table(60), family)
    posterior = synthetic_draws(design)
    curve = response_curve(Posterior(posterior, design), "x").draws["typical"]
    first = changed_matrices(design, {"x": float(curve.x[0])})
    eta = Posterior(posterior, design).parameters.beta @ first.X.T
    expected = (eta if family == "gaussian" else expit(eta)).mean(axis=1)
    assert curve.sizes["x"] == 50
    np.testing.assert_allclose(curve[..., 0].values.ravel(), expected, rtol=1e-9)


def test_curves_of_what_is_no_number_or_no_group() -> None:
    design, posterior = logistic()
    with pytest.raises(HierkitError, match="'h' is a category"):
        response_curve(Posterior(posterior, design), "h")
    with pytest.raises(HierkitError, match="'g' has no group 7"):
        response_curve(Posterior(posterior, design), "x", groups=[7])
