"""New rows are read as the fitted ones were."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from synthetic import design_of, table

from hierkit.errors import HierkitError
from hierkit.model.new_rows import new_outcome, read_new_rows, row_weights, weight_columns

FORMULAS = [
    "y ~ x + log(z) + h + scale(`_low`) + (x | g) + (1 | s:flag)",
    "y ~ poly(x, 2) + bs(z, df=4) + k*x + (k | g) + (0 + x | s)",
    "y ~ won + C(hits) + offset(z) + (won || day) + (1 | s/g)",
    "p(hits, tries) ~ center(x) + `km/h` + (1 | `the unit`)",
]


def labels(design: Any) -> Any:
    return [factor.label for factor in design.factors]


@pytest.mark.parametrize("formula", FORMULAS)
def test_fitted_rows_come_out_as_they_were(formula: Any) -> None:
    data = table(80)
    design = design_of(formula, data, "bernoulli" if formula.startswith("p(") else "gaussian")
    rows = read_new_rows(design, data, labels(design))
    np.testing.assert_allclose(rows.matrices.X, design.X, atol=1e-12)
    np.testing.assert_array_equal(rows.matrices.offset, design.offset)
    for Z, codes, factor in zip(rows.matrices.Z, rows.matrices.codes, design.factors, strict=True):
        np.testing.assert_allclose(Z, factor.Z, atol=1e-12)
        np.testing.assert_array_equal(codes, factor.codes)
    assert rows.unseen == ((),) * len(design.factors)


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_few_rows_in_another_order_have_the_fitted_transformations(formula: Any) -> None:
    data = table(80)
    design = design_of(formula, data, "bernoulli" if formula.startswith("p(") else "gaussian")
    places = [7, 3, 70, 7]
    some = data.iloc[places, ::-1].drop(columns="y")
    rows = read_new_rows(design, some, labels(design))
    np.testing.assert_allclose(rows.matrices.X, design.X[places], atol=1e-12)
    for codes, factor in zip(rows.matrices.codes, design.factors, strict=True):
        np.testing.assert_array_equal(codes, factor.codes[places])


def test_unseen_groups_come_after_the_fitted_ones_in_any_spelling() -> None:
    data = table(60)
    design = design_of("y ~ x + (1 | g) + (1 | s:flag)", data)
    new = pd.DataFrame({"x": 0.0, "g": [10, 7, 7, 5], "s": ["N", "Q", "Q", "N"], "flag": ["no", "no", "no", "yes"]})
    rows = read_new_rows(design, new, ["g", "s:flag"])
    assert rows.unseen == (("5", "7"), ("Q:no",))
    assert rows.matrices.codes[0].tolist() == [1, 7, 7, 6]
    assert rows.matrices.codes[1][1] == len(design.factor("s:flag").levels)
    for spelled in (new.assign(g=new.g.astype(float)), new.assign(g=new.g.astype(str)), pl.from_pandas(new)):
        again = read_new_rows(design, spelled, ["g", "s:flag"])
        np.testing.assert_array_equal(again.matrices.codes[0], rows.matrices.codes[0])
        assert again.unseen == rows.unseen


def test_only_the_columns_that_are_needed_are_looked_at() -> None:
    design = design_of("y ~ 1 + (1 | g)", table(60))
    rows = read_new_rows(design, pd.DataFrame({"other": [1, 2, 3]}), [])
    assert rows.matrices.X.tolist() == [[1.0]] * 3
    lazy = pl.LazyFrame({"other": [1, 2, 3]})
    assert len(read_new_rows(design, lazy, []).matrices.X) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"h": "up"}, "'h' has unseen levels: 'up'. The levels in the fitted rows are 'low', 'mid', 'top'"),
        ({"z": -1.0}, r"'log\(z\)' is not finite in 3 rows"),
        ({"x": "a"}, "'x' holds labels such as 'a'. It held numbers"),
        ({"x": np.nan}, r"Missing values in 'x' \(3\). Every row must be complete"),
        ({"won": 2}, "'won' holds numbers. It held True and False"),
        ({"hits": 99}, r"'C\(hits\)' cannot be computed.*99"),
    ],
)
def test_what_was_not_fitted_is_refused_by_name(change: Any, message: Any) -> None:
    data = table(60)
    design = design_of("y ~ x + log(z) + h + won + C(hits) + (1 | g)", data)
    with pytest.raises(HierkitError, match=message):
        read_new_rows(design, data.head(3).assign(**change), ["g"])


def test_a_missing_column_is_named() -> None:
    design = design_of("y ~ x + (1 | g)", table(60))
    with pytest.raises(HierkitError, match="new_rows has no column 'g'"):
        read_new_rows(design, pd.DataFrame({"x": [1.0]}), ["g"])


def test_outcomes_are_coded_as_fitted() -> None:
    data = table(60)
    design = design_of("flag ~ x + (1 | g)", data, "bernoulli")
    rows = read_new_rows(design, data[data.flag == "yes"].head(3), ["g"], ("flag",))
    assert new_outcome(design, rows).y.tolist() == [1.0, 1.0, 1.0]
    design = design_of("log(z) ~ x + (1 | g)", data)
    rows = read_new_rows(design, data.head(5), ["g"], ("z",))
    np.testing.assert_array_equal(new_outcome(design, rows).y, design.outcome.y[:5])
    design = design_of("p(hits, tries) ~ x + (1 | g)", data, "bernoulli")
    rows = read_new_rows(design, data.head(5), ["g"], ("hits", "tries"))
    np.testing.assert_array_equal(new_outcome(design, rows).trials, data.tries[:5])


def test_outcomes_that_depend_on_the_fitted_rows_are_refused() -> None:
    data = table(60)
    design = design_of("scale(y) ~ x + (1 | g)", data)
    rows = read_new_rows(design, data.head(5), ["g"], ("y",))
    with pytest.raises(HierkitError, match=r"uses scale\(\), which depends on all fitted rows"):
        new_outcome(design, rows)


def test_impossible_outcomes_are_refused() -> None:
    data = table(60)
    design = design_of("hits ~ x + (1 | g)", data.assign(hits=data.hits % 2), "bernoulli")
    rows = read_new_rows(design, data.head(5).assign(hits=3), ["g"], ("hits",))
    with pytest.raises(HierkitError, match=r"has the values 3\. When the model was fitted it was 0 or 1"):
        new_outcome(design, rows)


def test_trials_are_a_column_a_number_or_one() -> None:
    data = table(60)
    for formula, column, expected in (
        ("p(hits, tries) ~ x", ("tries",), data.tries),
        ("p(hits, 9) ~ x", (), np.full(60, 9)),
        ("won ~ x", (), np.ones(60)),
    ):
        design = design_of(formula, data, "bernoulli")
        assert weight_columns(design) == column
        np.testing.assert_array_equal(row_weights(design, read_new_rows(design, data, [], column).frame), expected)


def test_values_that_are_no_level_of_a_category_are_named() -> None:
    design = design_of("y ~ factor(g) + (1 | s)", table())
    new = table().head(3)
    with pytest.raises(HierkitError, match=r"g has values that are none of its levels: 99\. The levels are 0, 10, 20"):
        read_new_rows(design, new.assign(g=[0, 99, 99]), ())
    np.testing.assert_array_equal(
        read_new_rows(design, new.assign(g=[10.0, 0.0, 20.0]), ()).matrices.X,
        read_new_rows(design, new.assign(g=[10, 0, 20]), ()).matrices.X,
    )


def test_numbers_with_a_label_among_them_are_no_codes() -> None:
    """as.numeric of 0, 1, 10 and - would be their places in the alphabet."""
    data = table().assign(k=lambda t: [["0", "1", "10", "-"][i % 4] for i in range(len(t))])
    with pytest.raises(HierkitError, match=r"as\.numeric\(\): .*has labels that are no numbers: '-'"):
        design_of("y ~ as.numeric(k)", data)


def test_rows_without_their_groups_are_refused_with_what_needs_none() -> None:
    design = design_of("y ~ x + (1 | g)", table())
    with pytest.raises(HierkitError, match=r"no column 'g': the group effects of its rows.*groups=\"typical\""):
        read_new_rows(design, table()[["x"]], ["g"])
