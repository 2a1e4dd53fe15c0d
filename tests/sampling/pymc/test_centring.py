from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, reference_table

from hierkit.sampling.pymc.centring import factors_to_centre


def grouped(sd: float, rows: int, groups: int = 20, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rows)
    return pd.DataFrame({"g": g, "y": rng.normal(0, sd, groups)[g] + rng.normal(size=len(g))})


@pytest.mark.parametrize(("sd", "rows", "rich"), [(2, 20, True), (0.5, 40, True), (0.3, 3, False), (0.1, 10, False)])
def test_rich_where_the_shrinkage_factor_exceeds_a_half(sd: Any, rows: Any, rich: Any) -> None:
    """λ = τ² / (τ² + 1/n) is 0.99, 0.91, 0.21 and 0.09."""
    assert factors_to_centre(design_of("y ~ 1 + (1 | g)", grouped(sd, rows))) == ({"g"} if rich else set())


def test_bernoulli_rows() -> None:
    data = grouped(2, 60).assign(hit=lambda d: (d.y > 0).astype(int))
    assert factors_to_centre(design_of("hit ~ 1 + (1 | g)", data, "bernoulli")) == {"g"}


def test_nested_batches_are_poor_and_casks_rich() -> None:
    """lme4: sds 1.29 and 2.90, residual 0.82; a batch is known through three casks, λ = 0.37."""
    assert factors_to_centre(design_of("strength ~ 1 + (1 | batch/cask)", reference_table("pastes"))) == {"batch:cask"}


def test_no_factor() -> None:
    assert factors_to_centre(design_of("y ~ 1", grouped(1, 2))) == set()


def test_every_effect_counts() -> None:
    """Where levels differ much and slopes hardly, the factor is left alone; sleepstudy differs in both."""
    rng = np.random.default_rng(1)
    data = grouped(2, 20).assign(x=lambda d: rng.normal(size=len(d)))
    assert factors_to_centre(design_of("y ~ x + (1 | g)", data)) == {"g"}
    assert factors_to_centre(design_of("y ~ x + (x | g)", data)) == set()
    sleepstudy = reference_table("sleepstudy")
    assert factors_to_centre(design_of("Reaction ~ Days + (Days | Subject)", sleepstudy)) == {"Subject"}
