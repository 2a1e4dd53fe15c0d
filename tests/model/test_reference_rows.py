"""The mean row, and rows in which one predictor moves."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, table

from hierkit.errors import HierkitError
from hierkit.model.reference_rows import averaged, grid_of, is_measured, levels_of, reference_rows

LAYOUTS: dict[str, Any] = {
    "numbers": lambda flag: flag.astype(int),
    "booleans": lambda flag: flag,
    "labels": lambda flag: flag.map({False: "no", True: "yes"}),
    "categories": lambda flag: pd.Categorical(flag.map({False: "no", True: "yes"})),
}


def rows_of(layout: Any) -> pd.DataFrame:
    flag = pd.Series(np.arange(40) % 20 < 9)  # 0.45 of them true
    return table(40).assign(flag=LAYOUTS[layout](flag))


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_two_values_are_two_levels_with_their_shares(layout: Any) -> None:
    design = design_of("y ~ x + flag + (1 | g)", rows_of(layout))
    found = reference_rows(design)
    assert [round(one.share, 12) for one in found] == [0.55, 0.45]
    X = np.stack([one.matrices.X[0] for one in found])
    np.testing.assert_allclose(X, [[1, design.X[:, 1].mean(), 0], [1, design.X[:, 1].mean(), 1]])
    assert not is_measured(design, "flag")
    with pytest.raises(HierkitError, match="'flag' is a category: it has labels, or only the values 0 and 1"):
        grid_of(design, "flag")


def test_shares_and_means_are_over_trials() -> None:
    rows = pd.DataFrame({"hits": 1, "tries": [10, 30], "x": [0.0, 4.0], "h": ["a", "b"], "g": [1, 2]})
    design = design_of("p(hits, tries) ~ x + h + (1 | g)", pd.concat([rows] * 3), "bernoulli")
    found = reference_rows(design)
    assert [one.share for one in found] == [0.75, 0.25]
    np.testing.assert_allclose([one.matrices.X[0, 1] for one in found], 3.0)


def test_a_predictor_that_moves_has_a_row_for_each_value() -> None:
    design = design_of("y ~ x * h + (x | g)", table(40))
    found = reference_rows(design, {"x": [-1.0, 0.0, 2.0]})
    assert len(found) == 3
    for one in found:
        np.testing.assert_allclose(one.matrices.X[:, 1], [-1, 0, 2])
        np.testing.assert_allclose(one.matrices.Z[0], [[1, -1], [1, 0], [1, 2]])
    shares = design.rows.frame.h.value_counts(normalize=True)
    assert sorted(one.share for one in found) == pytest.approx(sorted(shares))


def test_an_average_over_levels_is_that_over_the_rows_own_levels() -> None:
    design = design_of("y ~ h + k + (1 | g)", table(60))
    found = reference_rows(design)
    beta = np.arange(design.X.shape[1])
    of_levels = averaged(found, [one.matrices.X @ beta for one in found])
    assert of_levels.item() == pytest.approx((design.X @ beta).mean())


def test_of_many_combinations_the_commonest_are_taken() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    rows = pd.DataFrame({name: rng.integers(0, 20, n).astype(str) for name in ("a", "b")})
    rows["a"] = np.where(np.arange(n) < 1000, "0", rows["a"])
    rows = rows.assign(y=rng.normal(size=n), g=np.arange(n) % 7)
    found = reference_rows(design_of("y ~ a + b + (1 | g)", rows))
    assert len(found) == 200
    shares = np.array([one.share for one in found])
    assert (np.diff(shares) <= 0).all()
    assert shares.sum() == pytest.approx(1)
    assert shares[0] > 3 * shares[-1]


def test_numbers_that_a_term_uses_as_a_category_have_levels() -> None:
    design = design_of("y ~ x + C(tries) + (1 | g)", table(60))
    assert not is_measured(design, "tries")
    assert levels_of(design, "tries") == [5, 6, 7, 8]
