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
    return data.assign(z=n % 4 + 1, w=np.linspace(0.5, 20, len(data)))


def new_rows() -> pd.DataFrame:
    new = rows().iloc[[2, 7, 20, 4, 39, 1, 16, 29]].reset_index(drop=True)
    return new.assign(x=new.x + 0.3, w=new.w[::-1].to_numpy())


def made(text: str) -> Design:
    return design_of(f"y ~ {text} + (1 | g)", rows())


def alike(found: Any, expected: Any) -> bool:
    """Whether two matrices have the same columns, in any order."""
    if found.shape != expected.shape:
        return False
    distance = np.abs(found[:, :, None] - expected[:, None, :]).max(axis=0)
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
