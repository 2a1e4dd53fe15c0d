"""Sums of products: those of Python's integers, in whatever order and parts the rows come."""

from typing import Any

import numpy as np
import pytest

from hierkit.streaming.exact_sums import (
    LARGEST,
    Sums,
    add_rows,
    as_integers,
    no_sums,
    pair_places,
    units_of,
    whole_numbers,
    with_rows,
)

CELLS = 5


def summed(cells: Any, numbers: Any) -> Sums:
    total = no_sums(np.arange(CELLS), len(pair_places(numbers.shape[1])))
    add_rows(cells, numbers, total)
    return total


def some_rows(n: int = 400) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    numbers = rng.integers(-LARGEST, LARGEST, (n, 3), endpoint=True)
    numbers[:4] = [[LARGEST] * 3, [-LARGEST] * 3, [0, 1, -1], [LARGEST, -LARGEST, -1]]
    return rng.integers(0, CELLS - 1, n), numbers


def test_sums_are_those_of_integers_without_bounds() -> None:
    cells, numbers = some_rows()
    total = summed(cells, numbers)
    columns = [np.ones(len(cells), dtype=object), *numbers.astype(object).T]
    for place, (a, b) in enumerate(pair_places(3)):
        products = columns[a] * columns[b]
        assert as_integers(total, place).tolist() == [products[cells == cell].sum() for cell in range(CELLS)]
    assert total.rows.tolist() == np.bincount(cells, minlength=CELLS).tolist()
    assert with_rows(total).cells.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [1, 7, 399])
def test_order_and_parts_change_nothing(size: int) -> None:
    cells, numbers = some_rows()
    order = np.random.default_rng(1).permutation(len(cells))
    parts = [summed(cells[at], numbers[at]) for at in np.split(order, range(size, len(order), size))]
    whole, total = summed(cells, numbers), sum(map(with_rows, parts[1:]), start=with_rows(parts[0]))
    for name in ("rows", "high", "low"):
        np.testing.assert_array_equal(getattr(total, name), getattr(with_rows(whole), name))


def test_zero_and_whole_numbers_are_multiples_of_the_units() -> None:
    values = np.array([[0.0, 1.0, 2017.0], [1.0, 5.0, 2024.0]])
    units = units_of(values.min(axis=0), values.max(axis=0))
    numbers = whole_numbers(values, units)
    np.testing.assert_array_equal(units.middle + numbers * units.unit, values)
    assert np.abs(numbers).max() <= LARGEST / 2


def test_a_constant_column_has_units_too() -> None:
    values = np.full((3, 2), [0.0, 7.5])
    units = units_of(values.min(axis=0), values.max(axis=0))
    np.testing.assert_array_equal(units.middle + whole_numbers(values, units) * units.unit, values)


def test_values_far_beyond_the_bounds_overflow() -> None:
    units = units_of(np.array([0.0]), np.array([1.0]))
    whole_numbers(np.array([[2.0]]), units)
    with pytest.raises(OverflowError):
        whole_numbers(np.array([[9.0]]), units)
