"""How the columns of a simulated data set are made, and its parameters and group effects."""

from typing import Any

import numpy as np
import pytest

from hierkit.errors import HierkitError
from hierkit.model.formula import parse
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.variance_components import variance_components
from hierkit.simulation.truth import Plan, check_plan, design_of, make_columns, truths_of

TRUTH = {
    "Intercept": 1.0,
    "x": 2.0,
    "sd(Intercept|g)": 3.0,
    "sd(x|g)": 0.5,
    "cor(g)": -0.4,
    "sigma": 1.0,
}


def plan(formula: str = "y ~ x + (x | g)", **changes: Any) -> Plan:
    given: dict[str, Any] = {
        "family": "gaussian",
        "groups": {"g": 6},
        "rows": 8,
        "predictors": {},
        "between": (),
        "truth": TRUTH,
    }
    return Plan(parse(formula), **(given | changes))


def columns(**changes: Any) -> Any:
    return make_columns(plan(**changes), np.random.default_rng(1))


def test_groups_have_as_many_rows_as_asked() -> None:
    assert columns().groupby("g").size().tolist() == [8] * 6
    sizes = columns(groups={"g": 500}, rows=(3, 5)).groupby("g").size()
    assert set(sizes) == {3, 4, 5}
    assert abs(sizes.mean() - 4) < 5 * np.sqrt(2 / 3 / 500)


def test_predictors_have_their_distributions() -> None:
    data = columns(groups={"g": 1000}, predictors={"x": "Uniform(10, 30)"})
    error = 20 / np.sqrt(12 * 8000)
    assert abs(data["x"].mean() - 20) < 5 * error
    assert data["x"].between(10, 30).all()
    assert abs(columns(groups={"g": 1000})["x"].mean()) < 5 / np.sqrt(8000)


def test_levels_of_a_category_are_shared_out_evenly() -> None:
    formula = "y ~ h + (1 | g)"
    data = columns(formula=formula, predictors={"h": ["a", "b", "c"]})
    assert data["h"].value_counts().to_dict() == {"a": 16, "b": 16, "c": 16}


def test_predictors_between_groups_are_constant_within() -> None:
    data = columns(formula="y ~ x + h + (1 | g)", between=["h"], predictors={"h": ["a", "b"]})
    assert (data.groupby("g")["h"].nunique() == 1).all()
    assert data["h"].value_counts().to_dict() == {"a": 24, "b": 24}
    assert (data.groupby("g")["x"].nunique() == 8).all()


def test_other_factors_cross_the_first_evenly() -> None:
    data = columns(formula="y ~ x + (1 | g) + (1 | s)", groups={"g": 6, "s": 12})
    assert (data.groupby("s").size() == 4).all()
    nested = columns(formula="y ~ x + (1 | g/s)", groups={"g": 6, "s": 4})
    assert (nested.groupby(["g", "s"]).size() == 2).all()


def test_effects_have_the_covariance_that_was_asked_for() -> None:
    large = plan(groups={"g": 40_000}, rows=1)
    rng = np.random.default_rng(2)
    design = design_of(large, make_columns(large, rng))
    u = Posterior(truths_of(large, design, rng), design).effects(design.factors[0]).u.values[0, 0]
    wanted = np.array([[9.0, -0.6], [-0.6, 0.25]])
    errors = np.sqrt((np.outer(np.diag(wanted), np.diag(wanted)) + wanted**2) / 40_000)
    np.testing.assert_array_less(np.abs(np.cov(u.T) - wanted), 5 * errors)


def test_the_truth_is_a_posterior_of_one_draw() -> None:
    small = plan()
    rng = np.random.default_rng(3)
    design = design_of(small, make_columns(small, rng))
    posterior = Posterior(truths_of(small, design, rng), design)
    assert posterior.coefficients().values.ravel().tolist() == [1.0, 2.0]
    components = variance_components(posterior).draws["value"].values.ravel()
    np.testing.assert_allclose(components, [3.0, 0.5, -0.4, 1.0])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"groups": {"team": 6}}, "groups= names 'team'. The grouping columns are 'g'. Name these."),
        ({"formula": "y ~ x"}, "The grouping columns are none: the formula has no group terms"),
        ({"predictors": {"z": "Normal(0, 1)"}}, "'z' is no predictor. The predictors are 'x'"),
        ({"between": ["z"]}, "'z' is no predictor"),
        ({"truth": TRUTH | {"z": 1.0}}, "truth has 'z'. The parameters are Intercept, x, sd"),
        ({"truth": {"Intercept": 1.0}}, "truth has no 'x'. It needs Intercept, x, sd"),
    ],
)
def test_what_does_not_belong_to_the_formula_is_refused(changes: Any, said: Any) -> None:
    with pytest.raises(HierkitError) as error:
        check_plan(plan(**changes))
    assert said in str(error.value)
