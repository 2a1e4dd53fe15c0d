from typing import Any

import numpy as np
import pytest
from synthetic import design_of, table

from hierkit.model.matrices import changed_matrices, fitted_matrices

FORMULAS = [
    "y ~ x * h + (x | g)",
    "y ~ np.log(z) + scale(x) + offset(z) + (scale(z) || g/s)",
    "y ~ 0 + h + (0 + h | g) + (1 | s)",
    "y ~ C(flag) + poly(x, 2) + (h || g)",
    "won ~ x + `km/h` + (x | g:s)",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_unchanged_rows_are_those_that_were_fitted(text: Any) -> None:
    design = design_of(text, table(90), "bernoulli" if text.startswith("won") else "gaussian")
    same, fitted = changed_matrices(design, {}), fitted_matrices(design)
    np.testing.assert_allclose(same.X, fitted.X, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(same.offset, fitted.offset)
    for one, other in zip(same.Z, fitted.Z, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_changes_keep_the_fits_centring_and_levels() -> None:
    design = design_of("y ~ scale(x) + h + (x | g)", table(90))
    x, h = design.rows.frame["x"].to_numpy(), design.rows.frame["h"]
    moved = changed_matrices(design, {"x": x + 2, "h": "top"})
    np.testing.assert_allclose(moved.X[:, 1], (x + 2 - x.mean()) / x.std(ddof=1))
    assert moved.X[:, 2:].tolist() == [[0, 1]] * len(h)
    np.testing.assert_allclose(moved.Z[0][:, 1], x + 2)


def test_some_rows() -> None:
    design = design_of("y ~ x + (1 | g)", table(30))
    some = changed_matrices(design, {"x": [1.0, 2.0]}, np.array([4, 4]))
    assert some.X[:, 1].tolist() == [1, 2]
    assert some.codes[0].tolist() == [design.factors[0].codes[4]] * 2
