"""Contrasts that formulae does not have."""

import numpy as np
import pytest

from hierkit.model.contrasts import Helmert, Poly


@pytest.mark.parametrize("n", [2, 3, 5, 7])
def test_polynomials_are_orthonormal_and_rise_with_the_levels(n: int) -> None:
    found = Poly().code_without_intercept(list(range(n)))
    np.testing.assert_allclose(found.matrix.T @ found.matrix, np.eye(n - 1), atol=1e-12)
    np.testing.assert_allclose(found.matrix.sum(axis=0), 0, atol=1e-12)
    assert (np.diff(found.matrix[:, 0]) > 0).all()
    assert found.labels == [".L", ".Q", ".C", "^4", "^5", "^6"][: n - 1]


def test_helmert_compares_with_the_levels_before() -> None:
    found = Helmert().code_without_intercept(list("abc"))
    assert found.matrix.tolist() == [[-1, -1], [1, -1], [0, 2]]


@pytest.mark.parametrize("coding", [Poly(), Helmert()])
def test_in_full_there_is_a_column_for_each_level(coding: Poly | Helmert) -> None:
    found = coding.code_with_intercept(["low", "top"])
    assert found.matrix.tolist() == [[1, 0], [0, 1]]
    assert found.labels == ["low", "top"]
