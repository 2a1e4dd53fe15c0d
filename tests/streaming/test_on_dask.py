"""A Dask DataFrame is read where its partitions are, and gives what one table gives."""

from typing import Any

import dask.dataframe as dd
import distributed
import numpy as np
import pandas as pd
import pytest

from hierkit.errors import HierkitError
from hierkit.model.design import Design
from hierkit.model.formula import parse
from hierkit.sources.chunks import chunks_of, partitions_of
from hierkit.streaming import survey
from hierkit.streaming.summed_design import make_summed_design

FORMULA = "y ~ x * h + (x | g)"


@pytest.fixture(autouse=True)
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "SAMPLE", 200)


def rows(n: int = 2000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    g, h = np.sort(rng.integers(0, 30, n)), rng.choice(["a", "b"], n)
    h[-3] = "late"
    x = rng.normal(size=n)
    y = 1e6 + rng.normal(size=n) + x
    x[[7, 1200]] = np.nan
    return pd.DataFrame({"y": y, "x": x, "h": h, "g": g, "other": 0})


def design(data: Any, formula: str = FORMULA) -> Design:
    parsed = parse(formula)
    source = partitions_of(data, parsed.columns) or chunks_of(data, parsed.columns)
    return make_summed_design(parsed, source, "drop")


def check_same(found: Design, expected: Design) -> None:
    for one, other in ((found, expected), (found.of_rows, expected.of_rows)):
        np.testing.assert_array_equal(one.X, other.X)
        np.testing.assert_array_equal(one.outcome.y, other.outcome.y)
        np.testing.assert_array_equal(one.trials, other.trials)
        np.testing.assert_array_equal(one.factors[0].codes, other.factors[0].codes)
    np.testing.assert_array_equal(found.rows.positions, expected.rows.positions)
    assert (found.rows.given, found.rows.used, found.rows.missing) == (2000, 1998, {"x": 2})


@pytest.mark.parametrize("partitions", [1, 4, 19])
def test_partitions_change_nothing(partitions: int) -> None:
    check_same(design(dd.from_pandas(rows(), npartitions=partitions)), design(rows()))


def test_only_the_used_columns_are_read() -> None:
    partitions = partitions_of(dd.from_pandas(rows(), npartitions=2), ["y", "g"])
    assert partitions is not None
    assert [list(part) for part in partitions.compute(partitions.parts)] == [["y", "g"]] * 2
    with pytest.raises(HierkitError, match="data has no column 'z'"):
        partitions_of(dd.from_pandas(rows(), npartitions=2), ["y", "z"])


def test_values_far_beyond_the_sample_are_found_in_all_partitions() -> None:
    data = rows().fillna(0.1)
    data.loc[1501, "x"] = 1e-9
    formula = "y ~ I(1 / x^2) + (1 | g)"
    np.testing.assert_array_equal(design(dd.from_pandas(data, npartitions=5), formula).X, design(data, formula).X)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the cluster, whose worker is killed
def test_a_cluster_gives_the_same_though_a_worker_is_lost() -> None:
    local: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    data = dd.from_pandas(rows(), npartitions=40)
    with distributed.LocalCluster(**local) as cluster, distributed.Client(cluster) as client:
        client.run(_small_sample)
        first = design(data)
        pid = next(iter(client.run(_pid).values()))
        client.submit(_die_soon, pid, pure=False)
        again = design(data)
        client.run(_small_sample)
    expected = design(rows())
    check_same(first, expected)
    assert again.rows.used == expected.rows.used
    np.testing.assert_array_equal(again.points.rows, expected.points.rows)  # type: ignore[union-attr]


def _small_sample() -> None:
    survey.SAMPLE = 200


def _pid() -> int:
    import os

    return os.getpid()


def _die_soon(pid: int) -> None:
    import os
    import signal

    os.kill(pid, signal.SIGKILL)
