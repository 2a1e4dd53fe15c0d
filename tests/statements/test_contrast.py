"""Expressions within draws, and the share of draws in which statements hold."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit
from synthetic import design_of, synthetic_draws, synthetic_fit, table

from hierkit.errors import HierkitError
from hierkit.posterior.posterior import Posterior
from hierkit.statements.contrast import contrast, probability


@pytest.fixture(scope="module")
def fit() -> Any:
    return synthetic_fit("y ~ x * h + (x | g) + (1 | s)", table(90))


def drawn(fit: Any, text: str, **options: Any) -> Any:
    return fit.contrast(text, **options).draws["value"].isel(expression=0).values


def test_coefficients_are_combined_within_draws(fit: Any) -> None:
    beta = fit.coefficients().draws["coefficient"]
    x, mid = beta.sel(term="x"), beta.sel(term="x:h[mid]")
    np.testing.assert_allclose(drawn(fit, "x + `x:h[mid]`"), x + mid)
    np.testing.assert_allclose(
        drawn(fit, "exp(2 * x) / 3 - abs(`h[mid]`)**2"), np.exp(2 * x) / 3 - beta.sel(term="h[mid]") ** 2
    )
    np.testing.assert_allclose(drawn(fit, "h[mid] - h[top]"), beta.sel(term="h[mid]") - beta.sel(term="h[top]"))


def test_variance_components_have_their_names(fit: Any) -> None:
    value = fit.variance_components().draws["value"]
    ratio = value.sel(component="sd(Intercept|g)") / value.sel(component="sigma")
    np.testing.assert_allclose(drawn(fit, "sd(Intercept|g) / sigma"), ratio)
    np.testing.assert_allclose(drawn(fit, "cor(Intercept, x|g)"), value.sel(component="cor(Intercept, x|g)"))


def test_groups_have_their_own_coefficients(fit: Any) -> None:
    own = fit.group_effects("g").draws["coefficient"]
    np.testing.assert_allclose(
        drawn(fit, "g[20] - g[0]"), own.sel(effect="Intercept", group=20) - own.sel(effect="Intercept", group=0)
    )
    np.testing.assert_allclose(drawn(fit, "g[30, x]"), own.sel(effect="x", group=30))
    level = fit.group_effects("s").draws["coefficient"].sel(effect="Intercept")
    np.testing.assert_allclose(drawn(fit, "s[N] - s['S']"), level.sel(group="N") - level.sel(group="S"))


def test_rows_are_predicted_means() -> None:
    """The ratio of the odds of two rows of a typical group is exp(β)."""
    fit = synthetic_fit("won ~ x + (1 | g)", table(90), "bernoulli")
    rows = pd.DataFrame({"x": [0.0, 1.0], "g": [0, 0]})
    beta = fit.coefficients().draws["coefficient"]
    np.testing.assert_allclose(drawn(fit, "odds(rows[1]) / odds(rows[0])", rows=rows), np.exp(beta.sel(term="x")))
    means = fit.predict(rows, "marginal").draws["mean"]
    np.testing.assert_allclose(
        drawn(fit, "rows[1] - rows[0]", rows=rows, groups="marginal"), means[..., 1] - means[..., 0]
    )


def test_pairs_of_groups_and_of_categories(fit: Any) -> None:
    own = fit.group_effects("s").draws["coefficient"].sel(effect="Intercept")
    found = fit.contrast("pairs(s)").draws["value"]
    assert found["expression"].values.tolist() == ["s: N - E", "s: S - E", "s: S - N"]
    np.testing.assert_allclose(found.sel(expression="s: S - N"), own.sel(group="S") - own.sel(group="N"))
    changes = fit.slopes("h").draws["average"]
    found = fit.contrast("pairs(h)").draws["value"]
    assert found["expression"].values.tolist() == ["h: mid - low", "h: top - low", "h: top - mid"]
    np.testing.assert_allclose(found.isel(expression=0), changes.isel(contrast=0))
    np.testing.assert_allclose(found.isel(expression=2), changes.isel(contrast=1) - changes.isel(contrast=0))


def test_a_probability_is_the_share_of_draws() -> None:
    """Draws N(0, 1): P(x < 1) = 0.841, with four times its Monte Carlo error."""
    design = design_of("y ~ x + z + (1 | g)", table(60))
    posterior = Posterior(synthetic_draws(design, chains=4, draws=1000), design)
    found = probability(posterior, "x < 1", "-1 < x < 1", "x < 0 and z < 0", "x < 0 or z < 0", "not x < 1").table()
    normal = stats.norm.cdf
    expected = [normal(1), normal(1) - normal(-1), 0.25, 0.75, normal(-1)]
    assert found["statement"].tolist()[2] == "x < 0 and z < 0"
    np.testing.assert_array_less(np.abs(found["probability"] - expected), 4 * found["mcse"])
    np.testing.assert_allclose(found["mcse"], np.sqrt(np.array(expected) * (1 - np.array(expected)) / 4000), rtol=0.3)


def test_where_all_draws_agree_there_is_no_error(fit: Any) -> None:
    found = fit.probability("sigma > 0").table()
    assert found["probability"].tolist() == [1.0]
    assert found["mcse"].tolist() == [0.0]


def test_a_means_odds_are_those_of_its_probability(fit: Any) -> None:
    value = contrast(fit._posterior, "odds(1 / (1 + exp(-x)))").draws["value"]
    p = expit(fit.coefficients().draws["coefficient"].sel(term="x"))
    np.testing.assert_allclose(value.isel(expression=0), p / (1 - p))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("xx < 0", r"no parameter 'xx'.*Did you mean 'x'\?"),
        ("g[7] < 0", "'g' has no group '7'. Its groups are 0, 10, 20"),
        ("g[10, z] < 0", "'g' has no group effect 'z'. Its effects are 'Intercept', 'x'"),
        ("rows[0] < 0", r"no parameter '0'|no parameter 'rows"),
        ("x", "compares nothing"),
        ("1 < 2", "it names nothing of the fit"),
        ("x == 0", "has no meaning there"),
        ("x and z < 0", "x is a number, and neither holds nor does not"),
        ("not x", "x is a number"),
        ("(x < 0) + x > 0", "holds or does not, and is no number"),
        ("log(x) < 0", "log.x. is not a finite number in .* draws"),
        ("x:h[mid] > 0", "go into backticks"),
    ],
)
def test_refused_statements(fit: Any, text: str, message: str) -> None:
    with pytest.raises(HierkitError, match=message):
        fit.probability(text)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ((), r"contrast\(\) was given nothing"),
        (("x", " x"), "'x' is given more than once"),
        (("x < 0",), r"holds or does not.*Use probability\(\)"),
        (("pairs(x)",), "'x' is a number"),
        (("pairs(q)",), "no predictor 'q'"),
    ],
)
def test_refused_expressions(fit: Any, texts: Any, message: str) -> None:
    with pytest.raises(HierkitError, match=message):
        fit.contrast(*texts)


def test_a_ratio_is_estimated_by_its_median(fit: Any) -> None:
    """A ratio of normal draws has no mean."""
    beta = fit.coefficients().draws["coefficient"]
    ratio = beta.sel(term="x") / beta.sel(term="h[mid]")
    found = fit.contrast("x / h[mid]")
    assert found.table().estimate.item() == pytest.approx(float(np.median(ratio)))
    assert found.table().sd.isna().all()
    assert "medians" in found.definition
    assert fit.contrast("x / 2").table().sd.notna().all()


def test_rows_that_are_not_there(fit: Any) -> None:
    rows = pd.DataFrame({"x": [0.0], "h": ["low"]})
    with pytest.raises(HierkitError, match=r"The rows are rows\[0\] to rows\[0\]"):
        fit.contrast("rows[1]", rows=rows)
