"""Fixtures; the functions behind them are in synthetic.py."""

import pandas as pd
import pytest
from synthetic import sleepstudy_fit, table

import hierkit


@pytest.fixture
def data() -> pd.DataFrame:
    return table()


@pytest.fixture
def sleepstudy() -> hierkit.Fit:
    return sleepstudy_fit()


@pytest.fixture
def processes() -> None:
    """For tests whose tasks run in processes of their own."""


@pytest.fixture(autouse=True)
def tasks_stay_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests share the cores among themselves already."""
    if "processes" not in request.fixturenames:
        monkeypatch.setattr("hierkit.tasks.usable_cores", lambda: 1)
