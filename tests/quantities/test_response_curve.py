"""Curves of the mean along a predictor."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from synthetic import design_of, synthetic_draws, table

from hierkit.errors import HierkitError
from hierkit.model.logistic_normal import mean_probability
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


def test_other_predictors_stand_at_their_commonest_level() -> None:
    design = design_of("y ~ x + h + flag + (1 | g)", table(60))
    posterior = synthetic_draws(design)
    curve = response_curve(Posterior(posterior, design), "x").draws["typical"]
    h = design.rows.frame["h"]
    row = design.X[(h == h.mode()[0]).argmax()]
    assert curve.sizes["x"] == 50
    labels = [column.label for column in design.columns]
    shift = posterior["h"].values @ row[[labels.index("h[mid]"), labels.index("h[top]")]]
    flag = float(design.rows.frame["flag"].mode()[0] == "yes") * posterior["flag"].values[..., 0]
    expected = posterior["Intercept"].values + posterior["x"].values * float(curve.x[0]) + shift + flag
    np.testing.assert_allclose(curve[..., 0], expected, rtol=1e-9)


def test_curves_of_what_is_no_number_or_no_group() -> None:
    design, posterior = logistic()
    with pytest.raises(HierkitError, match="'h' is not a number"):
        response_curve(Posterior(posterior, design), "h")
    with pytest.raises(HierkitError, match="'g' has no group 7"):
        response_curve(Posterior(posterior, design), "x", groups=[7])
