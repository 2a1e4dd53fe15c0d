"""Fits with the default priors land where the examples were published."""

from typing import Any

import pytest
import statsmodels.api as sm

import hierkit
from hierkit import datasets

pytestmark = pytest.mark.slow


def fitted(formula: Any, data: Any, **options: Any) -> Any:
    return hierkit.fit(formula, data, random_seed=1, progressbar=False, **options)


def test_csat_shrinks_small_teams_by_a_third_and_large_ones_by_a_hundredth() -> None:
    fit = fitted("csat ~ wait + (1 | team)", datasets.csat())
    pull = fit.shrinkage().draws["pull"].mean(("chain", "draw")).isel(effect=0)
    assert pull.sel(group=0).item() == pytest.approx(1 / 3, abs=0.06)
    assert pull.sel(group=17).item() == pytest.approx(0.01, abs=0.005)
    assert fit.break_even_size().table().estimate[0] == pytest.approx(3.26, abs=1.0)
    assert fit.icc().table().estimate[0] == pytest.approx(0.2346, abs=0.06)


def test_csat_slopes_turns_team_zero_around() -> None:
    """Its own slope +0.715 becomes one within 0.15 of REML's -0.846."""
    fit = fitted("csat ~ wait + (wait | team)", datasets.csat_slopes())
    found = fit.compare_pooling().table().set_index(["group", "term"])
    assert found.loc[(0, "wait"), "none"] == pytest.approx(0.715, abs=5e-4)
    assert found.loc[(0, "wait"), "estimate"] == pytest.approx(-0.846, abs=0.15)
    components = fit.variance_components().table().set_index("component")
    assert components.estimate["cor(Intercept, wait|team)"] == pytest.approx(-0.5, abs=0.12)


def test_churn_has_two_slopes() -> None:
    """Conditional near 0.226, marginal near 0.179 with GEE's 0.1786 inside its interval."""
    data = datasets.churn()
    fit = fitted("churn ~ wait + (1 | market)", data, family="bernoulli")
    conditional = fit.coefficients().table(long=True).query("quantity == 'coefficient'").set_index("term")
    assert conditional.estimate["wait"] == pytest.approx(0.226, abs=0.006)
    marginal = fit.marginal_coefficients().table(ci_prob=0.89, ci_kind="eti", long=True)
    row = marginal.query("quantity == 'marginal' and term == 'wait'").iloc[0]
    assert row.estimate == pytest.approx(0.179, abs=0.01)
    gee = sm.GEE(data.churn, sm.add_constant(data.wait), data.market, family=sm.families.Binomial(),
                 cov_struct=sm.cov_struct.Exchangeable()).fit()  # fmt: skip
    assert gee.params["wait"] == pytest.approx(0.1786, abs=5e-4)
    assert row.ci_lower < gee.params["wait"] < row.ci_upper
