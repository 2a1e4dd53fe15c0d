"""Posteriors agree with posteriordb's reference draws, which its own recipe made with Stan."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from posteriordb import POSTERIORS, fitted, values_of

from hierkit.errors import SamplingWarning

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("engine", ["marginal", "joint"])
@pytest.mark.parametrize("name", POSTERIORS)
def test_means_and_sds_are_those_of_the_reference_draws(name: str, engine: Any) -> None:
    """Means within a tenth of an sd, sds within a tenth of themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        fit = fitted(name, engine=engine, draws=2500)
    values = values_of(fit)
    mean, sd = np.array(list(POSTERIORS[name]["posterior"].values())).T
    found = pd.DataFrame(
        {
            "means differ, in sds": (values.mean(("chain", "draw")) - mean) / sd,
            "sds differ, by a share": values.std(("chain", "draw")) / sd - 1,
        },
        index=list(POSTERIORS[name]["posterior"]),
    )
    assert (abs(found) < 0.1).all(axis=None), found


def test_there_are_twenty_one() -> None:
    assert len(POSTERIORS) == 21
