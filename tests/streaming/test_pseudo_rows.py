"""Points have the number, means and products of the rows that they are in place of."""

from typing import Any

import numpy as np
import pytest

from hierkit.streaming.exact_sums import Sums, Units, add_rows, no_sums, pair_places, units_of, whole_numbers, with_rows
from hierkit.streaming.pseudo_rows import moments, of_all, pseudo_rows


def summed(cells: Any, values: Any) -> tuple[Sums, Units]:
    units = units_of(values.min(axis=0), values.max(axis=0))
    total = no_sums(np.arange(cells.max() + 1), len(pair_places(values.shape[1])))
    add_rows(cells, whole_numbers(values, units), total)
    return with_rows(total), units


def rows(mean: float = 0.0) -> tuple[Any, Any]:
    """Groups of 1 to 30 rows; a column that varies, one that is constant in each group, and an outcome."""
    rng = np.random.default_rng(0)
    cells = np.repeat(np.arange(12), rng.integers(1, 30, 12))
    x = rng.normal(size=len(cells))
    return cells, np.column_stack([x, cells % 3, mean + x + rng.normal(size=len(cells))])


@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_points_have_the_moments_of_the_rows(mean: float) -> None:
    cells, values = rows(mean)
    sums, units = summed(cells, values)
    points = pseudo_rows(sums, units).reshape(len(sums.cells), 4, 3)
    for cell, own in enumerate(points):
        given = values[cells == cell]
        rounding = units.unit + 4 * np.finfo(float).eps * np.abs(given).max(axis=0)
        assert (np.abs(own.mean(axis=0) - given.mean(axis=0)) <= rounding).all()
        left, expected = own - own.mean(axis=0), given - given.mean(axis=0)
        # what a double holds of an outcome of mean 10^6, times the other factor
        np.testing.assert_allclose(len(given) / 4 * left.T @ left, expected.T @ expected, atol=1e-13 + 1e-14 * mean)


def test_what_is_constant_in_a_cell_is_constant_in_its_points() -> None:
    cells, values = rows()
    sums, units = summed(cells, values)
    points = pseudo_rows(sums, units).reshape(-1, 4, 3)
    assert (np.ptp(points[:, :, 1], axis=1) == 0).all()
    single = sums.rows == 1
    assert single.any()
    assert (np.ptp(points[single], axis=1) == 0).all()


def test_a_column_that_depends_on_others_does_in_the_points() -> None:
    cells, values = rows()
    twice = np.column_stack([values, 2 * values[:, 0] - values[:, 1]])
    sums, units = summed(cells, twice)
    points = pseudo_rows(sums, units)
    np.testing.assert_allclose(points[:, 3], 2 * points[:, 0] - points[:, 1], atol=1e-6)


def test_small_differences_in_groups_that_are_far_apart_keep_their_digits() -> None:
    cells = np.repeat([0, 1], 50)
    inside = np.random.default_rng(0).normal(0, 1e-6, 100)
    sums, units = summed(cells, (inside + 1000.0 * cells)[:, None])
    _, products = moments(sums, units)
    for cell in range(2):
        expected = 49 * np.var(1000.0 * cell + inside[cells == cell], ddof=1)
        assert products[cell, 0, 0] == pytest.approx(expected, rel=1e-5)


def test_the_sums_of_all_rows_are_those_of_one_cell() -> None:
    cells, values = rows(1e6)
    sums, units = summed(cells, values)
    means, products = moments(of_all(sums), units)
    rounding = units.unit + 4 * np.finfo(float).eps * np.abs(values).max(axis=0)
    assert (np.abs(units.middle + means[0] - values.mean(axis=0)) <= rounding).all()
    np.testing.assert_allclose(products[0] / len(values), np.cov(values.T, ddof=0), rtol=1e-9)
