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
