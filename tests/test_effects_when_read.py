"""Every quantity of a fit whose effects are drawn when they are read, beside the same draws all kept."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from synthetic import synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError
from hierkit.model.names import EFFECTS_SEED
from hierkit.prediction.predictive_check import predictive_check
from hierkit.quantities.blup_qq import _means

FORMULA = "y ~ x + z_within + z_between + (x | g) + (1 | s)"
NEW = pd.DataFrame(
    {"x": [0.0, 1.0, 2.0], "z_within": 0.1, "z_between": 0.2, "g": [20, 0, 20], "s": ["N", "S", "E"], "n": [1, 2, 1]}
)
SAMPLING = {"R-hat", "bulk ESS", "tail ESS"}  # of which there is none of effects that are not kept
GIVEN = NEW.assign(g=99, y=[0.1, 0.2, 0.3])

QUANTITIES: dict[str, Callable[[hierkit.Fit], Any]] = {
    "group_effects": lambda fit: fit.group_effects("g"),
    "group_effects of the other factor": lambda fit: fit.group_effects("s"),
    "shrinkage": lambda fit: fit.shrinkage("g"),
    "shrinkage, spread": lambda fit: fit.shrinkage("g", kind="spread"),
    "shrinkage of the other factor": lambda fit: fit.shrinkage("s"),
    "pooling_factors": lambda fit: fit.pooling_factors("g"),
    "break_even_size": lambda fit: fit.break_even_size("g"),
    "compare_pooling": lambda fit: fit.compare_pooling("g"),
    "ranks": lambda fit: fit.ranks("g", effect="x"),
    "slopes": lambda fit: fit.slopes("x"),
    "slopes by": lambda fit: fit.slopes("x", by="s"),
    "response_curve": lambda fit: fit.response_curve("x", factor="g", groups=[0, 50]),
    "mundlak_contrast": lambda fit: fit.mundlak_contrast("z"),
    "contrast": lambda fit: fit.contrast("g[20] - g[0]", "g[20, x] - s[N]"),
    "contrast of pairs": lambda fit: fit.contrast("pairs(g)"),
    "probability": lambda fit: fit.probability("g[20] > g[0]"),
    "predict": lambda fit: fit.predict(NEW),
    "predict, outcomes": lambda fit: fit.predict(NEW, kind="outcome"),
    "predict, averages": lambda fit: fit.predict(NEW, weights="n", by="s"),
    "predict, given": lambda fit: fit.predict(GIVEN.drop(columns="y"), given=GIVEN),
    "prior_and_posterior": lambda fit: fit.prior_and_posterior(),
    "predictive_check": lambda fit: predictive_check(fit._posterior, "known", 3),
    "icc": lambda fit: fit.icc(),
    "r_squared": lambda fit: fit.r_squared(),
}


@pytest.fixture(scope="module")
def fits() -> tuple[hierkit.Fit, hierkit.Fit]:
    """Whose effects of g are drawn when they are read, and the same with these draws kept."""
    data = hierkit.center_within(table(), "z", by="g")
    kept = synthetic_fit(FORMULA, data, draws=40)
    dataset = kept.draws["posterior"].to_dataset()
    fewer = dataset.drop_vars(["1|g", "x|g", "g__factor_dim"]).assign_attrs({EFFECTS_SEED: 5})
    late = replace(kept, draws=with_posterior(kept.draws, fewer))
    u = late._posterior.effects(late.design.factor("g")).u.rename(group="g__factor_dim").load()
    for name, effect in (("1|g", "Intercept"), ("x|g", "x")):
        dataset[name] = u.sel(effect=effect, drop=True).transpose(*dataset[name].dims)
    return late, replace(kept, draws=with_posterior(kept.draws, dataset))


def with_posterior(draws: xr.DataTree, posterior: xr.Dataset) -> xr.DataTree:
    nodes = {name: node.to_dataset() for name, node in draws.children.items()}
    found = xr.DataTree.from_dict(nodes | {"posterior": posterior})
    found.attrs = draws.attrs
    return found


@pytest.mark.parametrize("name", QUANTITIES)
@pytest.mark.filterwarnings("ignore::hierkit.errors.HierkitWarning")
def test_quantities_are_those_of_draws_that_are_kept(name: str, fits: tuple[hierkit.Fit, hierkit.Fit]) -> None:
    late, kept = (QUANTITIES[name](fit) for fit in fits)
    assert late.definition == kept.definition
    pd.testing.assert_frame_equal(late.table(), kept.table(), rtol=1e-8)
    assert repr(late)
    assert late.plot()


def test_tables_in_parts_are_those_in_one_piece(
    fits: tuple[hierkit.Fit, hierkit.Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, _ = fits
    whole = late.group_effects("g").table()
    monkeypatch.setattr("hierkit.posterior.quantity.PART", 100)
    monkeypatch.setattr("hierkit.posterior.lazy.AT_ONCE", 2)
    pd.testing.assert_frame_equal(late.group_effects("g").table(), whole, rtol=1e-12)


def test_shrinkage_of_more_groups_than_memory_holds_is_computed_when_it_is_used(
    fits: tuple[hierkit.Fit, hierkit.Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, _ = fits
    whole = late.shrinkage("g")
    monkeypatch.setattr("hierkit.posterior.posterior.MOST_BYTES", 8 * 2 * 12 * 10)
    monkeypatch.setattr("hierkit.posterior.group_sums.MOST_OF_OTHERS", 5)
    found = late.shrinkage("g")
    assert found.definition == whole.definition
    pd.testing.assert_frame_equal(found.table(), whole.table(), rtol=1e-12)
    other = late.shrinkage("s")  # takes fewer draws: its own effects and those of g, in memory at once
    assert "Computed from 20 of the 80 draws, as many as memory holds at once" in other.definition


def test_means_of_the_qq_are_expectations_given_all_else(fits: tuple[hierkit.Fit, hierkit.Fit]) -> None:
    """Within the Monte Carlo error of the means of 80 draws."""
    late, kept = (_means(fit._posterior, fit.design.factor("g")) for fit in fits)
    sds = fits[1]._posterior.effects(fits[1].design.factor("g")).u.std(("chain", "draw")).values
    assert np.abs((late - kept) / sds).max() < 4.5 / np.sqrt(80)
    assert np.abs(late - kept).min() > 0
    assert fits[0].blup_qq("g").plot()


@pytest.mark.filterwarnings("ignore::hierkit.errors.HierkitWarning")
def test_checks_summary_report_and_scores_work(fits: tuple[hierkit.Fit, hierkit.Fit]) -> None:
    late, kept = fits
    expected = [one for one in kept.checks() if one.check not in SAMPLING]
    assert [one for one in late.checks() if one.check not in SAMPLING] == expected
    assert late.report(include_levels=False).html
    scores = late.loo(), kept.loo()
    np.testing.assert_allclose(scores[0].table()["elpd"], scores[1].table()["elpd"], rtol=1e-6)
    scores = late.logo("g"), kept.logo("g")
    np.testing.assert_allclose(scores[0].table()["elpd"], scores[1].table()["elpd"], rtol=1e-6)
    sensitivity = late.prior_sensitivity()
    assert "Not of each group of g" in sensitivity.definition
    table = kept.prior_sensitivity().table().query("group == '' or parameter == 'Intercept|s'").reset_index(drop=True)
    pd.testing.assert_frame_equal(sensitivity.table(), table, rtol=1e-6)


def test_a_saved_fit_has_the_same_effects(fits: tuple[hierkit.Fit, hierkit.Fit], tmp_path: Path) -> None:
    late, _ = fits
    again = hierkit.load(late.save(tmp_path / "late.hk"))
    assert "1|g" not in again.draws["posterior"]
    pd.testing.assert_frame_equal(again.group_effects("g").table(), late.group_effects("g").table(), rtol=1e-12)


def test_more_pairs_than_are_shown_are_refused_before_they_are_made(fits: tuple[hierkit.Fit, hierkit.Fit]) -> None:
    late, _ = fits
    many = synthetic_fit("y ~ 1 + (1 | g)", table(200).assign(g=np.arange(200) // 2))
    with pytest.raises(HierkitError, match=r"pairs\(g\) is 4,950 pairs"):
        many.contrast("pairs(g)")
    assert len(late.contrast("pairs(g)").table()) == 15


@pytest.mark.parametrize("formula", ["y ~ 0 + (1 | g)", "y ~ 0 + x + (1 | g)", "y ~ 1 + (0 + x | g)"])
def test_models_without_a_common_coefficient_of_the_effects(formula: str) -> None:
    kept = synthetic_fit(formula, table(), draws=20)
    effect = kept.design.factors[0].variable(kept.design.factors[0].effects[0])
    fewer = kept.draws["posterior"].to_dataset().drop_vars([effect, "g__factor_dim"])
    late = replace(kept, draws=with_posterior(kept.draws, fewer.assign_attrs({EFFECTS_SEED: 5})))
    found = late.group_effects().table()
    np.testing.assert_allclose(found["coefficient"], found["estimate"])
    for fit in (late, kept):
        assert fit.contrast("g[20] - g[0]" if "1 |" in formula else "g[20, x] - g[0, x]").table() is not None
        assert fit.report().html


def test_fits_and_quantities_can_be_pickled(
    fits: tuple[hierkit.Fit, hierkit.Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, _ = fits
    late.group_effects("g").table()
    again = pickle.loads(pickle.dumps(late))
    pd.testing.assert_frame_equal(again.group_effects("g").table(), late.group_effects("g").table(), rtol=1e-12)
    monkeypatch.setattr("hierkit.posterior.posterior.MOST_BYTES", 8 * 2 * 12 * 10)
    for quantity in (late.group_effects("g"), late.shrinkage("g"), late.predict(NEW)):
        pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(quantity)).table(), quantity.table(), rtol=1e-12)


def test_pictures_of_more_draws_than_memory_holds_are_of_some(
    fits: tuple[hierkit.Fit, hierkit.Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, _ = fits
    monkeypatch.setattr("hierkit.posterior.posterior.MOST_BYTES", 8 * 2 * 12 * 20)
    quantities = late.group_effects("g"), late.shrinkage("g")
    for module in ("quantity", "lazy"):
        monkeypatch.setattr(f"hierkit.posterior.{module}.MOST_BYTES", 8 * 2 * 12 * 20)
    for quantity in quantities:
        assert quantity._drawn.sizes["draw"] == 20
        assert quantity.plot()
    empty = late.group_effects("g").draws["deviation"].isel(draw=slice(0, 0))
    assert empty.values.shape == (2, 0, 6, 2)
