"""What a group's own coefficients take of the common ones."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of

from hierkit.model.own_coefficients import combination, common_in_effects, multiple


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(6), 8)
    size = np.array([0.5, 1.0, -1.0, 2.0, 0.0, 3.0])[g]  # constant within groups
    return pd.DataFrame(
        {"y": rng.normal(size=48), "x": rng.normal(size=48), "w": rng.normal(size=48), "z": size, "g": g}
    )


def shares(text: str) -> dict[str, Any]:
    """(group, effect), by the common column's label."""
    design = design_of(text, rows())
    found = common_in_effects(design, design.factors[0])
    return {column.label: found[:, :, i] for i, column in enumerate(design.columns)}


@pytest.mark.parametrize("text", ["y ~ x * z + (x | g)", "y ~ z * x + (x | g)", "y ~ z + x:z + x + (1 + x | g)"])
def test_what_is_constant_within_groups_is_in_their_levels_and_slopes(text: str) -> None:
    found = shares(text)
    z = rows().groupby("g").z.first().to_numpy()
    np.testing.assert_array_equal(found["Intercept"], np.tile([1, 0], (6, 1)))
    np.testing.assert_array_equal(found["x"], np.tile([0, 1], (6, 1)))
    np.testing.assert_allclose(found["z"], np.column_stack([z, np.zeros(6)]))
    interaction = found["x:z"] if "x:z" in found else found["z:x"]
    np.testing.assert_allclose(interaction, np.column_stack([np.zeros(6), z]))


def test_an_interaction_is_the_same_in_either_order() -> None:
    found = shares("y ~ x * w + (w * x | g)")
    np.testing.assert_array_equal(found["x:w"], np.tile([0, 0, 0, 1], (6, 1)))


def test_a_predictor_without_group_effects_is_no_part() -> None:
    found = shares("y ~ x + w + (x | g)")
    assert not found["w"].any()


def test_combinations_and_multiples() -> None:
    design = design_of("y ~ x + (x | g)", rows())
    factor, x = design.factors[0], design.X[:, 1]
    np.testing.assert_array_equal(combination(design.X, x), [0, 1])
    weights: Any = combination(design.X, 2.5 - 0.5 * x)
    np.testing.assert_allclose(weights, [2.5, -0.5])
    assert combination(design.X, x**2) is None
    assert combination(np.empty((48, 0)), x) is None
    multiples: Any = multiple(factor.codes * x, x, factor)
    np.testing.assert_allclose(multiples, np.arange(6))
    assert multiple(x**2, x, factor) is None


def test_an_intercept_is_no_part_of_slopes_without_levels() -> None:
    """A column of ones is no multiple of x, however little it varies itself."""
    assert not shares("y ~ 1 + (0 + x | g)")["Intercept"].any()
    np.testing.assert_array_equal(shares("y ~ 1 + (1 | g)")["Intercept"], np.ones((6, 1)))


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1e15), (0.0, 1e-12), (1e9, 1.0), (1e7, 1.0)])
def test_a_predictor_is_found_in_any_units_and_wherever_its_zero_is(shift: float, scale: float) -> None:
    x = rows().x.to_numpy() * scale + shift
    X = np.column_stack([np.ones(48), x])
    np.testing.assert_array_equal(combination(X, X[:, 1]), [0, 1])
    np.testing.assert_array_equal(combination(X, X[:, 0]), [1, 0])
    assert combination(X, rows().w.to_numpy() * scale + shift) is None
