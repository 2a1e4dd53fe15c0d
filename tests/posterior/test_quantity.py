from typing import Any

import numpy as np
import pytest
import xarray as xr
from arviz_base import rc_context

from hierkit.errors import HierkitError
from hierkit.intervals import beside
from hierkit.posterior.quantity import Quantity


@pytest.fixture
def quantity() -> Quantity:
    rng = np.random.default_rng(0)
    draws = xr.Dataset(
        {
            "n": ("group", [3, 4]),
            "deviation": (("chain", "draw", "group"), rng.normal([0, 5], [1, 2], (4, 5000, 2))),
        },
        coords={"group": ["a", "b"]},
    )
    return Quantity(draws, "Deviations <of> groups.")


def test_table_is_mean_sd_and_equal_tails(quantity: Any) -> None:
    table = quantity.table(ci_prob=0.89, ci_kind="eti")
    assert table.columns.tolist() == ["group", "n", "estimate", "sd", "ci_lower", "ci_upper"]
    draws = quantity.draws["deviation"].values.reshape(-1, 2)
    np.testing.assert_allclose(table.estimate, draws.mean(axis=0))
    np.testing.assert_allclose(table.sd, draws.std(axis=0, ddof=1))
    np.testing.assert_allclose(table[["ci_lower", "ci_upper"]], np.quantile(draws, [0.055, 0.945], axis=0).T, rtol=1e-3)
    assert table.attrs == {"ci_prob": 0.89, "ci_kind": "eti"}


def test_highest_density_is_not_wider(quantity: Any) -> None:
    widths = {kind: quantity.table(ci_kind=kind).eval("ci_upper - ci_lower") for kind in ("eti", "hdi")}
    assert (widths["hdi"] <= widths["eti"] + 1e-12).all()


def test_interval_settings_are_arviz_at_call_time(quantity: Any) -> None:
    with rc_context({"stats.ci_prob": 0.5, "stats.ci_kind": "hdi"}):
        assert quantity.table().attrs == {"ci_prob": 0.5, "ci_kind": "hdi"}
    assert quantity.table().attrs["ci_prob"] == 0.89


def test_several_variables_stand_below_each_other(quantity: Any) -> None:
    both = Quantity(quantity.draws.assign(twice=2 * quantity.draws["deviation"]), "Both.")
    table = both.table()
    assert table.quantity.tolist() == ["deviation", "deviation", "twice", "twice"]
    np.testing.assert_allclose(table.estimate[2:], 2 * table.estimate[:2])


def test_what_belongs_to_a_quantity_is_beside_it(quantity: Any) -> None:
    draws = quantity.draws["deviation"]
    both = quantity.draws.assign(
        twice=beside(2 * draws, "interval"), half=beside(draws / 2), all=beside(draws, "nothing")
    )
    table = Quantity(both.assign(note=("group", ["x", "y"])), "All.").table(ci_prob=0.89, ci_kind="eti")
    own = ["group", "n", "estimate", "sd", "ci_lower", "ci_upper"]
    assert table.columns.tolist() == [*own, "twice", "twice_lower", "twice_upper", "half", "note"]
    np.testing.assert_allclose(table.twice, 2 * table.estimate)
    np.testing.assert_allclose(table.twice_lower, 2 * table.ci_lower)
    np.testing.assert_allclose(table.half, table.estimate / 2)
    long = Quantity(both, "All.").table(long=True)
    assert long.quantity.tolist() == [name for name in ("deviation", "twice", "half", "all") for _ in range(2)]


def test_one_number() -> None:
    draws = xr.Dataset({"x": (("chain", "draw"), np.arange(10.0).reshape(2, 5))})
    assert Quantity(draws, "A number.").table().estimate.tolist() == [4.5]


def test_printed(quantity: Any) -> None:
    text = repr(quantity)
    assert text.startswith("Deviations <of> groups.\n\ngroup  n")
    assert "Deviations &lt;of&gt; groups." in quantity._repr_html_()


def test_refused(quantity: Any) -> None:
    with pytest.raises(HierkitError, match="ci_prob is 89"):
        quantity.table(ci_prob=89)
    with pytest.raises(HierkitError, match="ci_kind='ci'"):
        quantity.table(ci_kind="ci")


@pytest.mark.parametrize(("groups", "cut"), [(60, False), (61, True)])
def test_the_first_60_labels_are_printed(groups: Any, cut: Any) -> None:
    values = np.zeros((2, 5, groups))
    draws = xr.Dataset({"x": (("chain", "draw", "group"), values)}, coords={"group": np.arange(groups)})
    text = repr(Quantity(draws, "Numbers."))
    assert ("The first 60 of 61 groups; .table() has all." in text) == cut
    assert len(text.splitlines()) == 2 + 1 + 60 + 2 * cut
