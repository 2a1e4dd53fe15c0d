"""Predictions averaged over the cells of a table, within draws."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import synthetic_fit, table

from hierkit.errors import HierkitError


@pytest.fixture(scope="module")
def fit() -> Any:
    return synthetic_fit("won ~ x + h + (1 | g)", table(90), "bernoulli")


def cells(rows: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "x": rng.normal(size=rows),
            "h": rng.choice(["low", "mid", "top"], rows),
            "g": rng.choice([0, 10, 20], rows),
            "N": rng.integers(1, 500, rows),
            "region": rng.choice(["north", "south"], rows),
            "age": rng.choice([1, 2], rows),
        }
    )


def test_averages_are_within_draws_and_weighted(fit: Any) -> None:
    rows = cells()
    means = fit.predict(rows).draws["mean"].values
    found = fit.predict(rows, weights="N").draws["mean"]
    np.testing.assert_allclose(found, means @ rows.N.to_numpy() / rows.N.sum())
    by = fit.predict(rows, weights="N", by="region").draws
    for region, own in rows.groupby("region"):
        expected = means[..., own.index] @ own.N.to_numpy() / own.N.sum()
        np.testing.assert_allclose(by["mean"].sel(region=region), expected)
        assert by["n"].sel(region=region) == own.N.sum()


def test_without_weights_rows_count_alike(fit: Any) -> None:
    rows = cells()
    means = fit.predict(rows, "typical").draws["mean"]
    quantity = fit.predict(rows, "typical", by=["region", "age"])
    frame = quantity.table()
    assert {"region", "age", "n", "estimate"} <= set(frame.columns)
    for _, row in frame.iterrows():
        own = np.flatnonzero((rows.region == row.region) & (rows.age == row.age))
        assert row.n == len(own)
        assert row.estimate == pytest.approx(float(means.isel(row=own).mean()))
    assert "Averaged over rows for each region, age" in quantity.definition


def test_a_cell_of_many_people_is_that_many_rows(fit: Any) -> None:
    rows = cells(5).assign(N=[1, 2, 3, 1, 2])
    long = rows.loc[rows.index.repeat(rows.N)].reset_index(drop=True)
    weighted = fit.predict(rows, "marginal", weights="N", by="region").table()
    counted = fit.predict(long, "marginal", by="region").table()
    pd.testing.assert_frame_equal(weighted, counted)


def test_many_rows_are_averaged_in_parts(fit: Any) -> None:
    rows = cells(5000)
    means = fit.predict(rows.iloc[:, :3], "typical").draws["mean"].values
    found = fit.predict(rows, "typical", weights="N").draws["mean"]
    np.testing.assert_allclose(found, means @ rows.N.to_numpy() / rows.N.sum())


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda d: d, {"weights": "M"}, "new_rows has no column 'M'"),
        (lambda d: d, {"by": "place"}, "new_rows has no column 'place'"),
        (lambda d: d.assign(N=-1), {"weights": "N"}, "The weights 'N' are not all numbers of 0 or more"),
        (lambda d: d.assign(N="a"), {"weights": "N"}, "The weights 'N' are not all numbers of 0 or more"),
        (lambda d: d.assign(N=0), {"weights": "N"}, "of a cell are all zero"),
        (lambda d: d.assign(N=np.nan), {"weights": "N"}, "No row is complete|Missing values in 'N'"),
    ],
)
def test_refused(fit: Any, change: Any, options: Any, message: str) -> None:
    with pytest.raises(HierkitError, match=message):
        fit.predict(change(cells()), **options)


@pytest.mark.parametrize("name", ["n", "mean", "draw", "cell", "estimate"])
def test_a_column_called_like_a_result_can_be_averaged_by(name: Any) -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", table(40))
    found = fit.predict(table(40).assign(**{name: table(40).h}), by=name).table()
    assert found[f"{name}_"].tolist() == ["low", "mid", "top"]
    expected = fit.predict(table(40), by="h").table()
    np.testing.assert_array_equal(found["estimate"], expected["estimate"])


def test_cells_are_in_the_order_of_categories(fit: Any) -> None:
    kinds = ["south", "north", "east"]
    rows = cells().assign(region=lambda t: pd.Categorical([kinds[i % 2] for i in range(len(t))], categories=kinds))
    assert fit.predict(rows, by="region").draws["region"].values.tolist() == ["south", "north"]
    both = fit.predict(rows, by=["region", "age"]).draws
    assert both["region"].values.tolist() == sorted(both["region"].values.tolist(), key=kinds.index)
    means = fit.predict(rows).draws["mean"].values
    for cell, (region, age) in enumerate(zip(both["region"].values, both["age"].values, strict=True)):
        own = np.flatnonzero((rows.region == region) & (rows.age == age))
        np.testing.assert_allclose(both["mean"].values[..., cell], means[..., own].mean(axis=-1))
