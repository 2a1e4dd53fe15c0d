"""The scale of an outcome whose rows are unequally precise."""

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, table

import hierkit
from hierkit.model.outcome_scale import outcome_scale


def test_rows_that_are_alike_count_equally() -> None:
    data = table(60).assign(w=4.0)
    for options in ({}, {"weights": "w"}):
        found = outcome_scale(design_of("y ~ x + (1 | g)", data, **options))
        assert found.mean == pytest.approx(data.y.mean())
        assert found.sd == pytest.approx(data.y.std(ddof=0))
        assert found.root_mean_square == pytest.approx(np.sqrt(np.mean(data.y**2)))
    assert found.residual_sd == pytest.approx(2 * data.y.std(ddof=0))


def test_a_row_that_hardly_says_anything_hardly_counts() -> None:
    """Of weight 1e-8, thousands of sds away: its residual sd is 1e4 times the others'."""
    data = table(60).assign(w=1.0)
    data.loc[0, ["w", "y"]] = [1e-8, 3e4]
    found = outcome_scale(design_of("y ~ x + (1 | g)", data, weights="w"))
    others = outcome_scale(design_of("y ~ x + (1 | g)", data[1:]))
    assert found.mean == pytest.approx(others.mean, abs=0.02 * others.sd)
    assert found.sd == pytest.approx(others.sd, rel=0.25)


@pytest.mark.parametrize(("se", "effect"), [(1000.0, 700.0), (1e-6, 20.0)])
def test_one_more_study_does_not_change_the_scale_of_eight_schools(se: float, effect: float) -> None:
    """Neither one that says nothing, nor one that is known exactly."""
    schools = hierkit.datasets.eight_schools()
    further = pd.DataFrame({"school": ["X"], "effect": [effect], "se": [se]})
    one, other = (
        outcome_scale(design_of("effect ~ 1 + (1 | school)", rows, known_sd="se"))
        for rows in (schools, pd.concat([schools, further], ignore_index=True))
    )
    assert other.sd == pytest.approx(one.sd, rel=0.3)
    assert other.mean == pytest.approx(one.mean, abs=0.4 * one.sd)


def test_the_scale_is_no_smaller_than_the_known_sds() -> None:
    data = pd.DataFrame({"y": [3.0, 3.0, 3.0, 3.001], "s": 2.0, "g": list("abcd")})
    found = outcome_scale(design_of("y ~ 1 + (1 | g)", data, known_sd="s"))
    assert found.sd == pytest.approx(2)
    assert found.mean == pytest.approx(data.y.mean())


def test_the_scale_follows_the_unit() -> None:
    data = table(60).assign(w=lambda d: np.exp(3 * d.z))
    one, other = (
        outcome_scale(design_of("y ~ x + (1 | g)", data.assign(y=factor * data.y), weights="w")) for factor in (1, 1000)
    )
    for name in ("mean", "sd", "root_mean_square", "residual_sd"):
        assert getattr(other, name) == pytest.approx(1000 * getattr(one, name))
