"""Labels that are numbers, and labels that look the same."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, table

from hierkit.checks.findings import Finding
from hierkit.checks.labels import label_findings


def findings(formula: str, **columns: Any) -> list[Finding]:
    return list(label_findings(design_of(formula, table(60).assign(**columns))))


@pytest.mark.parametrize(
    ("labels", "others", "advice"),
    [
        (["0%", "5%", "10%", "20%"], "", "make a a number in the data without signs such as %."),
        (["$5", "$10", "$1,000", "$2,500"], "", "make a a number in the data without signs such as %."),
        ([str(k) for k in range(10)], "", "make a a number in the data."),
        (["1", "2", "3", "4", "5+"], ", but for '5+'", "make a a number in the data, and set other cells missing."),
    ],
)
def test_numbers_that_were_written_as_text(labels: list[str], others: str, advice: str) -> None:
    (finding,) = findings("y ~ a", a=[labels[i % len(labels)] for i in range(60)])
    assert finding.check == "numbers among labels"
    assert finding.message == f"a is a category of {len(labels)} levels in 60 rows. Its labels are numbers{others}."
    assert finding.advice == f"If it is a quantity: {advice}"


@pytest.mark.parametrize(
    "labels",
    [
        *[["1", "2", "3"], ["20-29", "30-39", "40-49"], ["a", "b"], ["0", "10", "none"]],
        *[[f"{k:02}" for k in range(12)], list(range(12)), ["007", "010", "x"]],
    ],
)
def test_labels_that_are_categories(labels: list[Any]) -> None:
    assert not findings("y ~ a", a=pd.Categorical([labels[i % len(labels)] for i in range(60)]))


def test_text_of_numbers_is_named_with_its_cause() -> None:
    numbers = table(60).x.round(5).astype(str).where(np.arange(60) != 7, "n/a")
    (finding,) = findings("y ~ a", a=numbers)
    assert finding.check == "many levels"
    assert finding.message == "a is a category of 60 levels in 60 rows. Its labels are numbers, but for 'n/a'."


@pytest.mark.parametrize(
    ("one", "other"), [("a", "a "), ("North", "north"), ("caf\u00e9", "cafe\u0301"), ("New York", "New  York")]
)
def test_labels_that_look_the_same(one: str, other: str) -> None:
    labels = np.array([one, other, "else"])[np.arange(60) % 3]
    for formula in ("y ~ x + (1 | a)", "y ~ a"):
        (finding,) = findings(formula, a=labels)
        assert finding.check == "alike labels"
        assert finding.message == (
            "a has levels that differ in nothing but spaces, case or how accents are written: "
            f"{min(one, other)!r}, {max(one, other)!r}."
        )
    assert not findings("y ~ x + (1 | a)", a=pd.Series(labels).replace(other, one))


def test_labels_that_differ_otherwise() -> None:
    assert not findings("y ~ x + (1 | a)", a=["m2", "m²", "é", "e"] * 15)
