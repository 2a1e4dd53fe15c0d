import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import REFERENCE, design_of, reference_table, table

from hierkit.model.groups import Factor

LME4 = json.loads((REFERENCE / "lme4_terms.json").read_text())


def blocks_of(factor: Factor) -> list[tuple[int, ...]]:
    alone = [i for i in range(len(factor.effects)) if not any(i in block for block in factor.blocks)]
    return [*factor.blocks, *((i,) for i in alone)]


@pytest.mark.parametrize("text", LME4)
def test_factors_blocks_and_columns_are_those_of_lme4(text: Any) -> None:
    design = design_of(text, reference_table("terms"))
    ours = {
        (frozenset(f.label.split(":")), len(f.levels), tuple(sorted(f.Z[:, block].sum(axis=0).round(5))))
        for f in design.factors
        for block in map(list, blocks_of(f))
    }
    theirs = {
        (frozenset(b["factor"].split(":")), b["groups"], tuple(sorted(np.round(b["sums"], 5)))) for b in LME4[text]
    }
    assert ours == theirs


def test_nested_cells_are_those_that_occur() -> None:
    design = design_of("strength ~ 1 + (1 | batch/cask)", reference_table("pastes"))
    batch, cask = design.factors
    assert (len(batch.levels), len(cask.levels)) == (10, 30)
    assert cask.levels[:4].tolist() == ["A:a", "A:b", "A:c", "B:a"]
    assert cask.counts.tolist() == [2] * 30


def test_labels_come_back_in_their_type(data: Any) -> None:
    design = design_of("y ~ (1 | g) + (1 | day) + (1 | k) + (1 | won) + (1 | `the unit`)", data)
    by_label = {factor.label: factor.levels for factor in design.factors}
    assert by_label["g"].tolist() == [0, 10, 20, 30, 40, 50]
    assert by_label["day"].dtype.kind == "M"
    assert by_label["k"].tolist() == ["c", "b", "a"]
    assert by_label["won"].tolist() == [False, True]
    assert by_label["the unit"].tolist() == ["a|b", "u/v", "w x"]


def test_codes_point_at_each_rows_own_label(data: Any) -> None:
    factor = design_of("y ~ (1 | g)", data).factors[0]
    np.testing.assert_array_equal(factor.levels[factor.codes], data.g)


def test_cells_of_labels_with_colons_stay_apart() -> None:
    data = pd.DataFrame({"y": [1.0, 2, 3, 4], "a": ["u", "u:v", "u", "u:v"], "b": ["v:w", "w", "v:w", "w"]})
    factor = design_of("y ~ (1 | a:b)", data).factors[0]
    assert factor.levels.tolist() == ["'u':'v:w'", "'u:v':'w'"]


def test_sums_over_the_rows_of_each_group(data: Any) -> None:
    factor = design_of("y ~ (x | g)", data).factors[0]
    sums = factor.sums(data[["z", "y"]].to_numpy())
    for j, level in enumerate(factor.levels):
        own = (data.g == level).to_numpy()
        np.testing.assert_allclose(sums[j], factor.Z[own].T @ data.loc[own, ["z", "y"]])


def test_order_of_rows_changes_nothing(data: Any) -> None:
    one = design_of("y ~ (x | g/s)", data).factors[1]
    other = design_of("y ~ (x | g/s)", data.iloc[::-1]).factors[1]
    assert one.levels.tolist() == other.levels.tolist()
    np.testing.assert_array_equal(one.codes, other.codes[::-1])


def test_many_cells_take_little_time_and_memory() -> None:
    import time
    import tracemalloc

    rng = np.random.default_rng(0)
    classes = rng.integers(0, 1755, 4000)
    data = pd.DataFrame({"y": rng.normal(size=4000), "school": classes % 50, "class": classes})
    tracemalloc.start()
    start = time.process_time()
    design = design_of("y ~ 1 + (1 | school/class)", data)
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(factor.levels) for factor in design.factors] == [50, len(np.unique(classes))]
    assert peak < 200e6
    assert seconds < 5  # a guard against products of levels; the time is in benchmarks/start_up.py


def test_effects_that_bambi_codes_alike_keep_one_variable() -> None:
    factor = design_of("y ~ h + (h | g)", table()).factors[0]
    assert [factor.variable(effect) for effect in factor.effects] == ["1|g", "h|g", "h|g"]


def test_effects_that_bambi_codes_otherwise_get_a_variable_each() -> None:
    factor = design_of("y ~ (1 | g) + (0 + h | g)", table()).factors[0]
    assert [factor.variable(e) for e in factor.effects] == ["1|g", "h[low]|g", "h[mid]|g", "h[top]|g"]
