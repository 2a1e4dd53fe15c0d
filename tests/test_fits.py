"""Many fits at once: the same as one by one, wherever they run, and what cannot be fitted loses no other."""

import os
import signal
import threading
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from synthetic import table

import hierkit
from hierkit.errors import HierkitError, HierkitWarning, SamplingWarning

pytestmark = pytest.mark.usefixtures("processes")
SHORT: dict[str, Any] = {"draws": 100, "tune": 200, "random_seed": 5, "progressbar": False}


def stores(count: int = 4) -> pd.DataFrame:
    """A table for each of several stores, the rows of all of them shuffled."""
    parts = [table(80).assign(store=f"s{k}", y=table(80).y + k) for k in range(count)]
    return pd.concat(parts).sample(frac=1, random_state=1).reset_index(drop=True)


def fit_quietly(*args: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        return hierkit.fit_many(*args, **options)


@pytest.mark.slow
def test_each_fit_is_that_of_its_rows_alone() -> None:
    rows = stores()
    fits = fit_quietly("y ~ x + (x | g)", rows, by="store", **SHORT)
    assert list(fits) == ["s0", "s1", "s2", "s3"]
    for name, one in fits.items():
        seed = one.draws.attrs["random_seed"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)
            alone = hierkit.fit("y ~ x + (x | g)", rows[rows.store == name], **SHORT | {"random_seed": seed})
        assert one.draws["posterior"].to_dataset().identical(alone.draws["posterior"].to_dataset())
    assert len({one.draws.attrs["random_seed"] for one in fits.values()}) == 4


@pytest.mark.slow
def test_draws_are_the_same_in_one_process_and_from_another_library(monkeypatch: Any) -> None:
    rows = stores(3)
    many = fit_quietly("y ~ x + (1 | g)", rows, by="store", **SHORT)
    monkeypatch.setattr("hierkit.tasks.usable_cores", lambda: 1)
    one = fit_quietly("y ~ x + (1 | g)", pl.from_pandas(rows), by="store", **SHORT)
    for name in many:
        assert many[name].draws["posterior"].to_dataset().identical(one[name].draws["posterior"].to_dataset())


@pytest.mark.slow
def test_what_cannot_be_fitted_is_named_and_loses_no_other() -> None:
    rows = stores()
    rows.loc[rows.store == "s2", "y"] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        with pytest.warns(HierkitWarning, match=r"1 of 4 models could not be fitted\. Of 's2': The outcome"):
            fits = hierkit.fit_many("y ~ x + (1 | g)", rows, by="store", **SHORT)
    assert list(fits) == ["s0", "s1", "s3"]
    assert "is constant" in fits.refused["s2"]
    assert "3 fits by store: 's0', 's1', 's3'." in repr(fits)
    assert "1 could not be fitted (see .refused): 's2'." in repr(fits)


@pytest.mark.slow
def test_tables_have_the_names_first_and_warnings_come_once() -> None:
    options = SHORT | {"draws": 20, "tune": 20}
    with pytest.warns(SamplingWarning, match=r"The draws of \d of 2 models cannot be trusted yet") as caught:
        fits = hierkit.fit_many({"level": "y ~ x + (1 | g)", "none": "y ~ x"}, stores(1), **options)
    assert len(caught) == 1
    found = fits.table("coefficients")
    assert found.columns[:2].tolist() == ["model", "term"]
    assert found.model.tolist() == ["level", "level", "none", "none"]
    own = fits["none"].coefficients().table()
    np.testing.assert_array_equal(found[found.model == "none"].estimate, own.estimate)
    assert fits.checks().columns.tolist() == ["model", "severity", "check", "message", "advice"]


@pytest.mark.slow
def test_a_column_called_as_one_of_the_table_is_called_model() -> None:
    rows = stores(2).rename(columns={"store": "group"})
    fits = fit_quietly("y ~ x + (1 | g)", rows, by="group", **SHORT)
    assert fits.table("group_effects").columns[:2].tolist() == ["model", "group"]
    assert fits.table("coefficients").columns[0] == "group"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the cluster, whose worker is killed
def test_a_cluster_gives_the_same_draws_though_a_worker_is_lost() -> None:
    distributed = pytest.importorskip("distributed")
    rows = stores(6)
    here = fit_quietly("y ~ x + (x | g)", rows, by="store", **SHORT)
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(**local) as cluster, distributed.Client(cluster) as client:
        first = next(iter(client.run(os.getpid).values()))
        killing = threading.Timer(2.0, os.kill, (first, signal.SIGKILL))
        killing.start()
        there = fit_quietly("y ~ x + (x | g)", rows, by="store", **SHORT)
        killing.join()
    for name in here:
        assert here[name].draws["posterior"].to_dataset().identical(there[name].draws["posterior"].to_dataset())


def test_what_is_no_quantity_is_refused() -> None:
    with pytest.raises(HierkitError, match="A fit has no quantity 'coefficient'"):
        hierkit.Fits({}, {}, "store").table("coefficient")


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("y ~ x", {}, r"formula='y ~ x' with by=None\. Many models are one formula for each level of a column"),
        ({"a": "y ~ x"}, {"by": "g"}, "with by='g'"),
        ({}, {}, r"formula=\{\} with by=None"),
        ("y ~ x", {"by": "shop"}, r"data has no column 'shop'\. Its columns are"),
        ("y ~ nothing", {"by": "g"}, "data has no column 'nothing'"),
        ("y ~ x", {"by": "g", "cores": 2}, r"fit_many\(\) has no option 'cores'\. Its options are family, weights"),
        ("y ~ (x", {"by": "g"}, "cannot be read"),
        (["y ~ x"], {}, "formula= is of type list and by= of type NoneType"),
        ("y ~ x", {"by": ["g"]}, "formula= is of type str and by= of type list"),
        ("y ~ x", {"by": "g", "weights": [1.0]}, "weights= is a list"),
        ({"a": "y ~ x"}, {"family": "poisson"}, "None of 1 models can be fitted. Of 'a': family is 'poisson'"),
    ],
)
def test_refusals(formula: Any, options: Any, message: Any) -> None:
    with pytest.raises(HierkitError, match=message):
        hierkit.fit_many(formula, table(), **options, progressbar=False)
