from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from synthetic import design_of, fixed_draws, linear_predictor, many_groups, synthetic_draws, table

from hierkit.errors import HierkitError
from hierkit.model.logistic_normal import mean_probability
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.response_curve import response_curve
from hierkit.quantities.slopes import slopes


def logistic(text: str = "won ~ x + h + (x | g)") -> Any:
    design = design_of(text, table(120), "bernoulli")
    return design, synthetic_draws(design, draws=20)


def average(quantity: Any) -> Any:
    return quantity.draws["average"]


def test_conditional_slope_is_the_average_derivative() -> None:
    """p (1 - p) (β + u_j), averaged over rows within each draw."""
    design, posterior = logistic()
    p = expit(linear_predictor(design, posterior))
    codes = design.factors[0].codes
    own = posterior["x"].values[..., None] + posterior["x|g"].values[..., codes]
    quantity = slopes(Posterior(posterior, design), "x")
    np.testing.assert_allclose(average(quantity), (p * (1 - p) * own).mean(axis=-1), rtol=1e-5)
    by_group = np.stack([(p * (1 - p) * own)[..., codes == j].mean(axis=-1) for j in range(6)], axis=-1)
    np.testing.assert_allclose(quantity.draws["groups"], np.sort(by_group, axis=-1), rtol=1e-5, atol=1e-8)
    for prob in (0.5, 0.89):
        found = quantity.table(ci_prob=prob, long=True).set_index("quantity").estimate
        lower, upper = np.quantile(by_group, [(1 - prob) / 2, (1 + prob) / 2], axis=-1).mean(axis=(1, 2))
        assert found["groups_lower"] == pytest.approx(lower, abs=1e-6)
        assert found["groups_upper"] == pytest.approx(upper, abs=1e-6)


@pytest.mark.parametrize("text", ["won ~ x + z + (1 | s) + (x | g)", "won ~ x + z + (z | s) + (1 + x | g)"])
def test_the_spread_is_that_of_the_factor_that_has_the_slope(text: Any) -> None:
    design, posterior = logistic(text)
    found = slopes(Posterior(posterior, design), "x", scale="link")
    assert found.draws.sizes["place"] == 6
    assert "the groups of g have their own slopes" in found.definition
    own = np.sort((posterior["x"] + posterior["x|g"]).values, axis=-1)
    np.testing.assert_allclose(found.draws["groups"], own, rtol=1e-6, atol=1e-9)
    other = slopes(Posterior(posterior, design), "x", scale="link", factor="s")
    assert "the groups of s have their own slopes" in other.definition


def test_of_many_groups_quantiles_are_kept() -> None:
    rows = many_groups(500)
    design = design_of("y ~ x + (x | g)", rows)
    posterior = synthetic_draws(design, draws=4)
    found = slopes(Posterior(posterior, design), "x")
    own = (posterior["x"] + posterior["x|g"]).values
    assert found.draws.sizes["place"] == 201
    expected = np.quantile(own, 0.055, axis=-1).mean()
    spread = own.std()
    assert found.table(long=True).set_index("quantity").estimate["groups_lower"] == pytest.approx(
        expected, abs=0.02 * spread
    )


def test_typical_and_marginal_slopes() -> None:
    design, posterior = logistic("won ~ x + (1 | g)")
    eta = design.X @ np.array([0.4, -0.9])
    posterior = fixed_draws(design, {"Intercept": 0.4, "x": -0.9, "1|g_sigma": 1.5})
    p = expit(eta)
    typical = slopes(Posterior(posterior, design), "x", kind="typical")
    np.testing.assert_allclose(average(typical), (-0.9 * p * (1 - p)).mean(), rtol=1e-6)
    assert list(typical.draws) == ["average"]
    step = 1e-4
    change = mean_probability(eta - 0.9 * step, np.array(2.25)) - mean_probability(eta + 0.9 * step, np.array(2.25))
    marginal = slopes(Posterior(posterior, design), "x", kind="marginal")
    np.testing.assert_allclose(average(marginal), change.mean() / (2 * step), rtol=1e-5)
    assert abs(average(marginal)[0, 0]) < abs(average(typical)[0, 0])


def test_categories_are_differences_from_the_first() -> None:
    design, posterior = logistic()
    quantity = slopes(Posterior(posterior, design), "h", scale="link")
    assert quantity.draws["contrast"].values.tolist() == ["mid - low", "top - low"]
    np.testing.assert_allclose(average(quantity).sel(contrast="top - low"), posterior["h"].isel(h_dim=1), rtol=1e-9)


def test_transformed_predictors_are_transformed_again() -> None:
    design = design_of("y ~ np.log(z) + scale(x) + (1 | g)", table(100))
    posterior = synthetic_draws(design)
    z = design.rows.frame["z"].to_numpy()
    expected = posterior["np.log(z)"] * (1 / z).mean()
    np.testing.assert_allclose(average(slopes(Posterior(posterior, design), "z")), expected, rtol=1e-6)
    expected = posterior["scale_(x)"] / design.rows.frame["x"].to_numpy().std(ddof=1)
    np.testing.assert_allclose(average(slopes(Posterior(posterior, design), "x")), expected, rtol=1e-6)


def test_steps_stay_where_a_transformation_is_defined() -> None:
    rows = table(80).assign(w=lambda d: np.exp(6 * d.x), v=lambda d: (d.x - d.x.min()) ** 2 + 1)
    design = design_of("y ~ np.log(w) + np.sqrt(v) + (1 | g)", rows)
    posterior = synthetic_draws(design)
    for name in ("w", "v"):
        assert np.isfinite(slopes(Posterior(posterior, design), name).draws["average"]).all()


def test_numbers_used_as_categories() -> None:
    design = design_of("y ~ C(year) + z + (1 | g)", table(80).assign(year=lambda d: 2000 + d.index % 3))
    posterior = synthetic_draws(design)
    quantity = slopes(Posterior(posterior, design), "year")
    assert quantity.draws["contrast"].values.tolist() == ["2001 - 2000", "2002 - 2000"]
    assert response_curve(Posterior(posterior, design), "z").draws["typical"].sizes["z"] == 50


def test_gaussian_slopes_are_the_same_in_kind() -> None:
    design = design_of("y ~ x + h + (1 | g)", table(100))
    posterior = synthetic_draws(design)
    for kind in ("conditional", "typical", "marginal"):
        for scale in ("response", "link"):
            np.testing.assert_allclose(
                average(slopes(Posterior(posterior, design), "x", kind, scale)), posterior["x"], rtol=1e-6
            )


def test_by_another_column() -> None:
    design, posterior = logistic("won ~ x * h + (1 | g)")
    quantity = slopes(Posterior(posterior, design), "x", kind="typical", scale="link", by="h")
    expected = posterior["x"] + posterior["x:h"].isel({"x:h_dim": 0})
    np.testing.assert_allclose(average(quantity).sel(h="mid"), expected, rtol=1e-6)
    assert list(quantity.table().columns) == ["h", "estimate", "sd", "ci_lower", "ci_upper"]


def test_averages_are_within_draws() -> None:
    """An interval of averages is narrower than the average of rows' intervals."""
    design, posterior = logistic("won ~ x + (1 | g)")
    quantity = slopes(Posterior(posterior, design), "x")
    p = expit(linear_predictor(design, posterior))
    by_row = p * (1 - p) * posterior["x"].values[..., None]
    rows_interval = np.diff(np.quantile(by_row, [0.055, 0.945], axis=(0, 1)), axis=0).mean()
    table_row = quantity.table(ci_prob=0.89, ci_kind="eti", long=True).query("quantity == 'average'").iloc[0]
    assert table_row.ci_upper - table_row.ci_lower < rows_interval
    expected = np.quantile(by_row.mean(axis=-1), [0.055, 0.945])
    np.testing.assert_allclose([table_row.ci_lower, table_row.ci_upper], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variable": "w"}, "no predictor 'w'. The predictors are"),
        ({"variable": "x", "kind": "average"}, "It is one of 'conditional', 'typical', 'marginal'"),
        ({"variable": "x", "scale": "odds"}, "It is one of 'response', 'link'"),
        ({"variable": "x", "by": "k"}, "by='k' is not a used column"),
    ],
)
def test_refusals(options: Any, message: Any) -> None:
    design, posterior = logistic()
    with pytest.raises(HierkitError, match=message):
        slopes(Posterior(posterior, design), **options)


def test_values_of_a_category_keep_their_order_and_have_no_spread_of_all_groups() -> None:
    """The groups' own slopes are over all rows, which beside one value's average would be misread."""
    data = table(120).assign(dose=lambda t: pd.Categorical([["low", "mid", "high"][i % 3] for i in range(len(t))]))
    data["dose"] = data.dose.cat.reorder_categories(["low", "mid", "high"], ordered=True)
    design = design_of("y ~ x * dose + (x | g)", data)
    found = slopes(Posterior(synthetic_draws(design), design), "x", by="dose")
    assert found.draws["dose"].values.tolist() == ["low", "mid", "high"]
    assert "groups" not in found.draws
    assert "groups_lower" not in found.definition
