"""Labels that are numbers, and labels that look the same."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, table

from hierkit.checks.labels import label_findings


def found(formula: str, **columns: Any) -> dict[str, str]:
    design = design_of(formula, table(60).assign(**columns))
    return {finding.check: finding.message for finding in label_findings(design)}


@pytest.mark.parametrize(
    "labels",
    [
        ["0%", "5%", "10%", "20%"],
        ["$5", "$10", "$1,000", "$2,500"],
        ["1", "2", "3", "4", "5+"],
        [str(k) for k in range(10)],
    ],
)
def test_numbers_that_were_written_as_text(labels: list[str]) -> None:
    message = found("y ~ a", a=[labels[i % len(labels)] for i in range(60)])["numbers among labels"]
    assert message.startswith(f"a is a category of {len(labels)} levels in 60 rows. Its labels are numbers")


@pytest.mark.parametrize("labels", [["1", "2", "3"], ["20-29", "30-39", "40-49"], ["a", "b"], ["0", "10", "none"]])
def test_labels_that_are_categories(labels: list[str]) -> None:
    assert found("y ~ a", a=[labels[i % len(labels)] for i in range(60)]) == {}


@pytest.mark.parametrize(
    ("one", "other"), [("a", "a "), ("North", "north"), ("caf\u00e9", "cafe\u0301"), ("New York", "New  York")]
)
def test_labels_that_look_the_same(one: str, other: str) -> None:
    labels = np.array([one, other, "else"])[np.arange(60) % 3]
    for formula in ("y ~ x + (1 | a)", "y ~ a"):
        message = found(formula, a=labels)["alike labels"]
        assert message == f"a has levels that differ in spaces, case or accents alone: {min(one, other)!r}, " + (
            f"{max(one, other)!r}."
        )
    assert "alike labels" not in found("y ~ x + (1 | a)", a=pd.Series(labels).replace(other, one))
