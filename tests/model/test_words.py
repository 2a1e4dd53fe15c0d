"""R's words and operators: the columns that R's model.matrix makes, on the rows fitted and on new ones."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import REFERENCE, design_of, reference_table

from hierkit.model.design import Design
from hierkit.model.new_rows import read_new_rows

WORDS = json.loads((REFERENCE / "r_words.json").read_text())


def rows() -> pd.DataFrame:
    data = reference_table("terms")
    n = np.arange(len(data))
    data["dot.name"] = data.x**2
    return data.assign(z=n % 4 + 1, n=(n + 1) * 20000 + 100000, w=np.linspace(0.5, 20, len(data)))


def new_rows() -> pd.DataFrame:
    new = rows().iloc[[2, 7, 20, 4, 39, 1, 16, 29]].reset_index(drop=True)
    return new.assign(x=new.x + 0.3, w=new.w[::-1].to_numpy())


def made(text: str) -> Design:
    return design_of(f"y ~ {text} + (1 | g)", rows())


def alike(found: Any, expected: Any) -> bool:
    """Whether two matrices have the same columns, in any order."""
    if found.shape != expected.shape:
        return False
    sizes = np.maximum(1, np.abs(expected).max(axis=0))
    distance = np.abs(found[:, :, None] - expected[:, None, :]).max(axis=0) / sizes
    return bool((distance.min(axis=0) < 1e-7).all() and (distance.min(axis=1) < 1e-7).all())


def spans(X: Any, Y: Any, new_X: Any, new_Y: Any) -> bool:
    """Whether Y is the same combination of X on both sets of rows, of as many columns."""
    weights = np.linalg.lstsq(X, Y)[0]
    both = np.abs(X @ weights - Y).max() < 1e-7 and np.abs(new_X @ weights - new_Y).max() < 1e-7
    return bool(both and X.shape[1] == Y.shape[1] == np.linalg.matrix_rank(X))


@pytest.mark.parametrize("text", WORDS)
def test_columns_are_those_of_r(text: str) -> None:
    design = made(text)
    X, new = (np.array(WORDS[text][name]).T for name in ("X", "new"))
    found = read_new_rows(design, new_rows(), ()).matrices.X
    if design.dropped:
        assert spans(design.X, X, found, new)
    else:
        assert alike(design.X, X)
        assert alike(found, new)


LEVELS_OF_NEW_ROWS = [
    "factor(x > 0, labels=c('n', 'y'))",
    "factor(floor(w / 7), labels=c('A', 'B', 'C'))",
    "as.numeric(factor(ifelse(x > 0, 'p', 'q')))",
    "as.numeric(ifelse(x > 0, 'p', 'q'))",
    "as.character(x > 0)",
    "relevel(factor(floor(w / 7)), 2)",
    "relevel(ifelse(x > 0, 'p', 'q'), 'q')",
    "binary(floor(w / 7))",
    "I(x > 0)",
    "cut(w, c(0, 5, 10, 20))",
]


@pytest.mark.parametrize("text", LEVELS_OF_NEW_ROWS)
def test_a_single_row_has_the_columns_that_it_had_among_all(text: str) -> None:
    """R computes the levels of some of these anew, and errs."""
    design = made(text)
    for place in (0, 5, 20, 39):
        found = read_new_rows(design, rows().iloc[[place]], ()).matrices.X
        np.testing.assert_allclose(found[0], design.X[place])


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("text", ["a * b", "a:b", "0 + a:b", "b:a + a"])
def test_columns_that_are_kept_are_as_many_as_are_independent(text: str, seed: int) -> None:
    """Random tables with empty cells, some of them with more columns than rows."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 40))
    data = pd.DataFrame({name: rng.integers(0, size, n).astype(str) for name, size in (("a", 4), ("b", 5))})
    data = data.assign(y=rng.normal(size=n), g=np.arange(n) % 3)
    design = design_of(f"y ~ {text} + (1 | g)", data)
    a, b = (pd.get_dummies(data[name]).to_numpy(float) for name in "ab")
    cells = (a[:, :, None] * b[:, None, :]).reshape(n, -1)
    assert np.linalg.matrix_rank(design.X) == np.linalg.matrix_rank(cells) == len(np.unique(cells, axis=0))
    mains = [column.label for column in design.columns if ":" not in column.label]
    assert len(design.columns) - np.linalg.matrix_rank(design.X) <= len(mains)


def test_a_column_with_the_name_of_a_placeholder_is_a_column() -> None:
    design = design_of("y ~ call0__ + log(w)", rows().assign(call0__=np.arange(40.0)))
    assert [column.label for column in design.columns] == ["Intercept", "call0__", "log(w)"]
