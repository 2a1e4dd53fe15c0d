"""Effects that are drawn when they are read: their distribution, and the same whatever is asked for."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from synthetic import design_of, fixed_draws, synthetic_draws, table

from hierkit.errors import HierkitError
from hierkit.model.design import Design
from hierkit.model.names import EFFECTS_SEED
from hierkit.posterior import lazy
from hierkit.posterior.posterior import Posterior

DRAWS = 4000
FORMULA = "y ~ x + (x | g) + (1 | s)"
VALUES = {"Intercept": 0.3, "x": -0.2, "sigma": 0.8, "1|g_sigma": 0.7, "x|g_sigma": 0.4, "1|s_sigma": 0.5}


def without_effects(dataset: xr.Dataset, seed: int = 5) -> xr.Dataset:
    """Of the factor g."""
    return dataset.drop_vars(["1|g", "x|g", "g__factor_dim"]).assign_attrs({EFFECTS_SEED: seed})


def posterior(design: Design | None = None, **sizes: Any) -> Posterior:
    design = design_of(FORMULA, table()) if design is None else design
    return Posterior(without_effects(synthetic_draws(design, **sizes)), design)


def effects(of: Posterior) -> xr.DataArray:
    return of.effects(of.design.factor("g")).u


def test_effects_are_normal_with_the_mean_and_covariance_of_the_conditional_posterior() -> None:
    """u ~ N(V s, V), V = (G^-1 + Z'Z/σ²)^-1, in draws that have the same parameters and effects of the other factor."""
    data = table()
    data["x"] += 100  # far from zero
    design = design_of(FORMULA, data)
    correlation = -0.999
    dataset = fixed_draws(design, VALUES | {"1|g_sigma": 40.0}, correlation, draws=DRAWS)
    dataset["1|s"] = xr.full_like(dataset["1|s"], 0.0) + xr.DataArray([0.5, -0.2, 0.1], dims="s__factor_dim")
    found = effects(Posterior(without_effects(dataset), design)).values[0]
    sds = np.array([40.0, 0.4])
    G = np.outer(sds, sds) * [[1, correlation], [correlation, 1]]
    factor, other = design.factors
    left = design.outcome.y - design.X @ [0.3, -0.2] - np.array([0.5, -0.2, 0.1])[other.codes]
    for j in range(len(factor.levels)):
        own = factor.codes == j
        V = np.linalg.inv(np.linalg.inv(G) + factor.Z[own].T @ factor.Z[own] / 0.8**2)
        mean = V @ factor.Z[own].T @ left[own] / 0.8**2
        z = np.linalg.solve(np.linalg.cholesky(V), (found[:, j] - mean).T)
        assert np.abs(z.mean(axis=1)).max() < 4.5 / np.sqrt(DRAWS)
        assert np.abs(z @ z.T / DRAWS - np.eye(2)).max() < 4.5 * np.sqrt(2 / DRAWS)


@pytest.mark.parametrize("key", [{"group": [4, 1]}, {"draw": slice(3, 50, 9)}, {"chain": 1, "group": 2}, {"effect": 0}])
def test_any_part_is_that_part_of_the_whole(key: Any) -> None:
    whole = posterior()
    np.testing.assert_array_equal(effects(whole).isel(key).values, effects(whole).values[_places(key)])


def _places(key: Any) -> Any:
    dims = ("chain", "draw", "group", "effect")
    return tuple(key.get(dim, slice(None)) for dim in dims)


def test_a_draw_has_the_same_effects_among_fewer_draws_and_after_groups_have_other_names() -> None:
    whole = posterior()
    np.testing.assert_array_equal(effects(whole.every(7)).values, effects(whole).values[:, ::7])
    renamed = posterior(design_of(FORMULA, table().assign(g=lambda d: "g" + d.g.astype(str).str.zfill(3))))
    np.testing.assert_array_equal(effects(renamed).values, effects(whole).values)


def test_another_seed_and_another_chain_have_other_numbers() -> None:
    design = design_of(FORMULA, table())
    dataset = fixed_draws(design, VALUES, draws=50)
    one, other = (effects(Posterior(without_effects(dataset, seed), design)).values for seed in (5, 5 + 2**32))
    assert np.abs(one - other).min() > 0
    again = without_effects(dataset).assign_coords(chain=[1])
    assert np.abs(one - effects(Posterior(again, design)).values).min() > 0


def test_shifts_and_scales_of_the_data_move_effects_as_they_move_the_model() -> None:
    """y and x in other units, of another zero: the same groups in the same draws, to rounding."""
    design = design_of(FORMULA, table())
    dataset = fixed_draws(design, VALUES, 0.3, draws=20)
    found = effects(Posterior(without_effects(dataset), design)).values
    data = table().assign(y=lambda d: 1e3 * d.y + 1e6)
    scaled = dataset.map(lambda one: one * 1e3 if not str(one.name).endswith("_corr") else one)
    scaled["Intercept"] = scaled["Intercept"] + 1e6
    again = effects(Posterior(without_effects(scaled), design_of(FORMULA, data))).values
    np.testing.assert_allclose(again, 1e3 * found, rtol=1e-6, atol=1e-6)


def test_quantities_that_need_all_groups_at_once_take_the_draws_that_memory_holds(monkeypatch: Any) -> None:
    whole = posterior(draws=100)
    monkeypatch.setattr("hierkit.posterior.posterior.MOST_BYTES", 8 * 2 * 12 * 30)
    assert whole.in_memory.size == 2 * 25
    np.testing.assert_array_equal(
        whole.in_memory.draws.u[0], whole.draws.u[0].reshape(2, 100, 6, 2)[:, ::4].reshape(50, 6, 2)
    )
    kept = Posterior(synthetic_draws(whole.design, draws=100), whole.design)
    assert kept.in_memory.size == 200
    monkeypatch.setattr(lazy, "MOST_BYTES", 1000)
    with pytest.raises(HierkitError, match=r"The draws of 6 groups would take.*group=slice"):
        effects(whole).load()
