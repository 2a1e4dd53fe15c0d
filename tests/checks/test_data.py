"""Findings about the data alone: when they appear, and when they do not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, table, twelve_groups

from hierkit.checks.data import data_findings, findings_before_sampling


def found_in_data(formula: str, data: pd.DataFrame, family: str = "gaussian") -> dict[str, str]:
    return {finding.check: finding.severity for finding in data_findings(design_of(formula, data, family))}


GROUPS = twelve_groups()


def test_good_data_have_no_findings() -> None:
    assert found_in_data("y ~ x + (x | g)", GROUPS) == {}


@pytest.mark.parametrize(
    ("formula", "change", "check", "severity"),
    [
        ("y ~ x + (1 | g)", {"x": lambda d: d.x.where(d.index > 0)}, "rows dropped", "note"),
        ("y ~ x + (1 | g)", {"x": lambda d: d.x.where(d.index > 9)}, "rows dropped", "warning"),
        ("y ~ x + (1 | g)", {"g": lambda d: d.g // 2}, "few groups", "note"),
        ("y ~ x + (1 | g)", {"g": lambda d: d.g // 4}, "few groups", "warning"),
        ("y ~ x + (1 | g)", {"g": lambda d: d.g.where(d.index > 0, 99)}, "one-row groups", "note"),
        ("y ~ x + (1 | g)", {"g": lambda d: d.index}, "one-row groups", "warning"),
        ("y ~ w + (w | g)", {"w": lambda d: d.g % 3}, "no variation within", "warning"),
        ("y ~ 1 + (x | g)", {}, "no common coefficient", "warning"),
        ("y ~ 0 + x + (1 | g)", {}, "no common coefficient", "warning"),
        ("y ~ h + (1 | g)", {"h": lambda d: d.x.round(5).astype(str)}, "many levels", "warning"),
        ("y ~ h + (1 | g)", {"h": lambda d: [*"1234" * 14, *"1234"[:3], "3 kg"]}, "numbers among labels", "warning"),
        ("y ~ x + h + (h || g)", {"h": lambda d: pd.Series(list("abc") * 20)}, "double bar", "note"),
        ("y ~ x + w + (1 | g)", {"w": lambda d: 2 * d.x + 1}, "collinear", "warning"),
        ("y ~ x + w + (1 | g)", {"w": lambda d: d.y + 1e5 * d.x**3}, "scales", "note"),
        (
            "y ~ h + (1 | g)",
            {"h": lambda d: pd.Categorical(["a", "b"] * 30, categories=list("abc"))},
            "unused levels",
            "note",
        ),
    ],
)
def test_data_findings(formula: Any, change: Any, check: Any, severity: Any) -> None:
    assert found_in_data(formula, GROUPS.assign(**change)) == {check: severity}


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (x | g)",
        "y ~ w + (0 + w | g)",  # without a level by group, differences between groups inform the slope
        "y ~ 0 + h + (h | g)",
        "y ~ h + (0 + h | g)",
        "y ~ x * z + (z * x | g)",
        "y ~ x:h + (x | g)",
    ],
)
def test_effects_that_have_a_common_coefficient_are_no_finding(formula: Any) -> None:
    rows = GROUPS.assign(w=lambda d: d.g % 3, h=list("abc") * 20, z=lambda d: d.x.to_numpy()[::-1])
    assert found_in_data(formula, rows) == {}


def test_rows_of_unequal_weight_tell_two_sds_apart() -> None:
    """The variances of single rows, τ² + σ²/w, have two unknowns that differ in what they do with w."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"g": np.arange(30), "w": rng.uniform(0.1, 10, 30), "y": rng.normal(size=30)})
    for weights, warned in (("w", False), ("same", True)):
        design = design_of("y ~ 1 + (1 | g)", rows.assign(same=2.0), weights=weights)
        assert ("one-row groups" in {finding.check for finding in data_findings(design)}) is warned


def test_rows_of_many_trials_are_no_groups_of_one_row() -> None:
    """A group of 2,000 trials in one row is hardly shrunk; one of a single trial is."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"g": np.arange(30), "n": rng.integers(500, 2000, 30)})
    rows["s"] = rng.binomial(rows.n, 0.3)
    design = design_of("p(s, n) ~ 1 + (1 | g)", rows, "bernoulli")
    assert "one-row groups" not in {finding.check for finding in data_findings(design)}
    rows.loc[:2, ["n", "s"]] = [[1, 0], [1, 1], [1, 0]]
    design = design_of("p(s, n) ~ 1 + (1 | g)", rows, "bernoulli")
    found = {finding.check: finding.message for finding in data_findings(design)}
    assert found["one-row groups"] == "3 of 30 groups of g have one trial."
    rows["s"] = np.where(rows.index % 2, rows.n, 0)
    design = design_of("p(s, n) ~ 1 + (1 | g)", rows, "bernoulli")
    assert "outcome constant in groups" in {finding.check for finding in data_findings(design)}


def test_columns_left_out_are_named() -> None:
    rows = table(90)
    rows = rows[~((rows.h == "top") & (rows.k == "a"))]
    (finding,) = (f for f in data_findings(design_of("y ~ h * k + (1 | g)", rows)) if f.check == "columns left out")
    assert finding.message == "Columns of interactions are left out: 'h[top]:k[a]'."


def test_separation() -> None:
    data = GROUPS.assign(hit=lambda d: (d.x > 0).astype(int), n=4)
    assert found_in_data("hit ~ x + (1 | g)", data, "bernoulli") == {"separation": "warning"}
    mixed = data.assign(hit=lambda d: d.hit.where(d.index != 5, 1 - d.hit).where(d.index != 6, 1 - d.hit))
    assert found_in_data("hit ~ x + (1 | g)", mixed, "bernoulli") == {}
    quasi = data.assign(hit=lambda d: d.hit * 4, level=lambda d: np.where(d.x > 1, "high", "low"))
    assert found_in_data("p(hit, n) ~ level + (1 | g)", quasi, "bernoulli") == {"separation": "warning"}


def test_an_outcome_that_does_not_vary_within_groups() -> None:
    data = GROUPS.assign(y=lambda d: d.g % 3.0)
    messages = {f.check: f.message for f in data_findings(design_of("y ~ x + (1 | g)", data))}
    assert messages["outcome constant in groups"] == "y is the same in every row of each group of g."
    assert "outcome constant in groups" not in {f.check for f in data_findings(design_of("y ~ x + (1 | g)", GROUPS))}


def test_a_factor_that_is_a_predictor_too() -> None:
    data = GROUPS.assign(g=lambda d: "g" + d.g.astype(str))
    found = {f.check for f in data_findings(design_of("y ~ x + g + (1 | g)", data))}
    assert "common and group effect" in found
    assert "common and group effect" not in {f.check for f in data_findings(design_of("y ~ x + (1 | g)", data))}


@pytest.mark.parametrize(("groups", "said"), [(4_999, 0), (5_000, 1)])
def test_single_rows_before_sampling(groups: Any, said: Any) -> None:
    data = pd.DataFrame({"y": np.arange(groups) % 7.0, "g": np.arange(groups)})
    design = design_of("y ~ 1 + (1 | g)", data)
    assert [finding.check for finding in findings_before_sampling(design)] == ["one-row groups"] * said
    assert not list(findings_before_sampling(design_of("y ~ 1 + (1 | g)", data.assign(g=data.g // 2))))
