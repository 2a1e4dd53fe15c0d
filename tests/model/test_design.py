from typing import Any

import numpy as np
import pytest
from synthetic import design_of

from hierkit.errors import HierkitError
from hierkit.model.priors import make_priors


def test_columns_and_values(data: Any) -> None:
    design = design_of("y ~ x * k + I(z / 2) + np.log(z)", data)
    labels = ["Intercept", "x", "k[b]", "k[a]", "I(z / 2)", "np.log(z)", "x:k[b]", "x:k[a]"]
    assert [column.label for column in design.columns] == labels
    X = dict(zip(labels, design.X.T, strict=True))
    np.testing.assert_array_equal(X["k[b]"], data.k == "b")
    np.testing.assert_array_equal(X["x:k[a]"], data.x * (data.k == "a"))
    np.testing.assert_array_equal(X["I(z / 2)"], data.z / 2)
    np.testing.assert_array_equal(X["np.log(z)"], np.log(data.z))


def test_labels_keep_the_users_spelling(data: Any) -> None:
    design = design_of("y ~ `km/h` + _low + I((`km/h` + 1) / 10) + time_offset", data)
    assert [c.label for c in design.columns] == ["Intercept", "km/h", "_low", "I((`km/h` + 1) / 10)", "time_offset"]
    assert [c.term for c in design.columns] == [
        "Intercept",
        "km_h",
        "x_low",
        "I(divide(km_h + 1, 10))",
        "time_offset_",
    ]


def test_parentheses_count(data: Any) -> None:
    np.testing.assert_allclose(design_of("y ~ 0 + I((x + 1) * 2)", data).X[:, 0], (data.x + 1) * 2)


def test_offsets_are_summed_and_no_columns(data: Any) -> None:
    design = design_of("y ~ x + offset(z) + offset(log(z))", data)
    np.testing.assert_allclose(design.offset, data.z + np.log(data.z))
    assert [column.label for column in design.columns] == ["Intercept", "x"]


@pytest.mark.parametrize("text", ["y ~ 0 + x", "y ~ x - 1", "y ~ -1 + x"])
def test_no_intercept(data: Any, text: Any) -> None:
    assert not design_of(text, data).has_intercept


def test_computed_outcome(data: Any) -> None:
    np.testing.assert_allclose(design_of("np.exp(y) ~ x", data).outcome.y, np.exp(data.y))


def test_counts(data: Any) -> None:
    outcome = design_of("p(hits, tries) ~ x", data, "bernoulli").outcome
    assert (outcome.label, outcome.distribution) == ("p(hits, tries)", "binomial")
    np.testing.assert_array_equal(outcome.trials, data.tries)
    assert set(design_of("p(hits, 9) ~ x", data, "bernoulli").outcome.trials_of_each) == {9}


def test_text_outcome_is_zero_and_one_for_bambi(data: Any) -> None:
    design = design_of("flag ~ x", data, "bernoulli")
    np.testing.assert_array_equal(design.frame["flag"], data.flag == "yes")


def test_missing_rows_keep_their_positions(data: Any) -> None:
    data.loc[[3, 7], "x"] = np.nan
    design = design_of("y ~ x", data)
    assert len(design.outcome.y) == len(data) - 2
    assert not {3, 7} & set(design.rows.positions)


def test_order_of_columns_changes_nothing(data: Any) -> None:
    one, other = (design_of("y ~ x + h + (x | g)", d) for d in (data, data[data.columns[::-1]]))
    np.testing.assert_array_equal(one.X, other.X)


def test_factor_by_label(data: Any) -> None:
    design = design_of("y ~ (1 | g) + (1 | s)", data)
    assert design.factor("s").label == "s"
    with pytest.raises(HierkitError, match=r"No factor was named\. Its factors are 'g', 's'"):
        design.factor()
    with pytest.raises(HierkitError, match="no factor 'q'"):
        design.factor("q")
    with pytest.raises(HierkitError, match="has no grouping factor"):
        design_of("y ~ x", data).factor()


@pytest.mark.parametrize("text", ["y ~ 0 + Intercept + x + (1 | g)", "y ~ Intercept + x - 1 + (1 | g)"])
def test_an_intercept_of_its_own_is_where_predictors_are_zero(text: Any, data: Any) -> None:
    """As in brms: X is that of an intercept, nothing is centred, and the prior holds at x = 0."""
    design, usual = design_of(text, data), design_of("y ~ x + (1 | g)", data)
    X = dict(zip([column.label for column in design.columns], design.X.T, strict=True))
    np.testing.assert_array_equal(np.column_stack([X["Intercept"], X["x"]]), usual.X)
    assert (design.column_means == 0).all()
    priors = make_priors(design, {"Intercept": "Normal(0, 5)"})
    assert priors["Intercept"].args == {"mu": 0, "sigma": 5}
    assert priors.holds["Intercept"] == "zero"


def test_an_intercept_of_its_own_is_the_only_one(data: Any) -> None:
    with pytest.raises(HierkitError, match="'Intercept' is constant"):
        design_of("y ~ Intercept + x", data)


def test_a_constant_column_is_an_intercept_where_there_is_no_other(data: Any) -> None:
    design = design_of("y ~ 0 + one + x", data.assign(one=1.0))
    np.testing.assert_array_equal(design.X[:, 0], 1)
    with pytest.raises(HierkitError, match="'one' is constant"):
        design_of("y ~ one + x", data.assign(one=1.0))
    with pytest.raises(HierkitError, match="'nothing' is constant"):
        design_of("y ~ 0 + nothing + x", data.assign(nothing=0.0))


@pytest.mark.parametrize(
    ("text", "level"),
    [("factor(h, levels = c('low', 'mid', 'top', 'new'))", "new"), ("cut(z, c(0, 1.5, 2, 9))", r"\(2,9\]")],
)
def test_a_level_without_rows_is_refused_by_name(text: Any, level: Any, data: Any) -> None:
    with pytest.raises(HierkitError, match=f"No used row has the level of .*{level}"):
        design_of(f"y ~ {text}", data)
