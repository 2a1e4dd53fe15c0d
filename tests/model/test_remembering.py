"""What functions found in the fitted rows holds for new ones."""

import numpy as np
import pandas as pd
import pytest

from hierkit.model.remembering import Average, Mean, NaturalSpline, Scale

X = np.array([1.0, 2.0, 4.0, 7.0, 11.0, 16.0])


def test_scale_keeps_its_place_and_size() -> None:
    scale = Scale()
    np.testing.assert_allclose(scale(X), (X - X.mean()) / X.std(ddof=1))
    np.testing.assert_allclose(scale(np.array([100.0])), (100 - X.mean()) / X.std(ddof=1))


def test_groups_keep_their_means_and_new_ones_have_their_own() -> None:
    average = Average()
    assert average(X, pd.Series(list("aabbbb"))).tolist() == [1.5, 1.5, 9.5, 9.5, 9.5, 9.5]
    assert average(np.array([0.0, 2.0, 6.0]), pd.Series(list("acc"))).tolist() == [1.5, 4.0, 4.0]


def test_a_summary_is_a_number_of_the_fitted_rows() -> None:
    mean = Mean()
    assert mean(X) == X.mean()
    assert mean(X + 100) == X.mean()


@pytest.mark.parametrize("intercept", [False, True])
def test_natural_splines_are_straight_beyond_the_boundary(intercept: bool) -> None:
    spline = NaturalSpline()
    inside = spline(X, df=4, intercept=intercept)
    assert inside.shape == (6, 4)
    beyond = spline(np.array([16.0, 20.0, 24.0, 28.0]), df=4, intercept=intercept)
    np.testing.assert_allclose(np.diff(beyond, 2, axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(beyond[0], inside[-1], atol=1e-12)
    before = spline(np.array([-7.0, -3.0, 1.0]), df=4, intercept=intercept)
    np.testing.assert_allclose(np.diff(before, 2, axis=0), 0, atol=1e-12)


def test_natural_splines_hold_every_straight_line() -> None:
    basis = np.column_stack([np.ones(6), NaturalSpline()(X, df=3)])
    weights = np.linalg.lstsq(basis, X)[0]
    np.testing.assert_allclose(basis @ weights, X, atol=1e-10)
