"""The page From R: each spelling in its tables is what it says."""

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, reference_table

import hierkit
from hierkit.errors import HierkitError
from hierkit.model.allowlist import ALLOWED_CALLS

PAGE = (Path(__file__).parent.parent / "docs" / "from_r.md").read_text()


def rows() -> pd.DataFrame:
    data = reference_table("terms")
    n = np.arange(len(data))
    columns = {"z": n % 4 + 1, "w": np.linspace(0.5, 20, len(data)), "s": n % 3, "f": 5 + n % 2, "one": 1.0}
    answer = np.where(data.x > 0, "yes", "no")
    return data.assign(**columns, n=n % 3 + 5 + n % 2, answer=answer, y=data.y.abs() + 1)  # type: ignore[arg-type]


def tables() -> dict[str, list[list[str]]]:
    """The cells of each table, by the heading above it."""
    found: dict[str, list[list[str]]] = {}
    for section in PAGE.split("\n## ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("|")][2:]
        cells = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
        found[section.splitlines()[0]] = cells
    return found


def spellings(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def pairs(*headings: str) -> list[tuple[str, str]]:
    """Each spelling of R, and the one beside it; itself where it is said to be as in R."""
    cells = [row for heading in headings for row in tables()[heading]]
    return [
        (text, (spellings(second) or [text])[0])
        for first, second, *_ in cells
        for text in spellings(first)
        if "family" not in text
    ]


def same_space(X: Any, Y: Any) -> bool:
    """Whether two matrices have the same columns up to combinations of them."""
    both = np.hstack([X, Y])
    rank = np.linalg.matrix_rank
    return bool(rank(X) == rank(Y) == rank(both) and X.shape[1] == Y.shape[1])


@pytest.mark.parametrize(("text", "same"), pairs("Operators", "Categories", "Functions"))
def test_predictors(text: str, same: str) -> None:
    one, other = (design_of(f"y ~ {part} + (1 | g)", rows()) for part in (text, same))
    assert same_space(one.X, other.X)


@pytest.mark.parametrize(("text", "same"), pairs("Outcomes"))
def test_outcomes(text: str, same: str) -> None:
    family = "gaussian" if same == text else "bernoulli"
    found, expected = (design_of(f"{left} ~ w", rows(), family).outcome for left in (text, same))
    np.testing.assert_array_equal(found.trials_of_each, expected.trials_of_each)
    np.testing.assert_array_equal(found.y, expected.y)
    data = rows()
    computed = {"log(y)": np.log(data.y), "y / 10": data.y / 10, "y - x^2": data.y - data.x**2}
    if family == "gaussian":
        np.testing.assert_allclose(found.y, computed[text])


@pytest.mark.parametrize(("text", "same"), [pair for pair in pairs("Group terms") if "|" in pair[0]])
def test_group_terms(text: str, same: str) -> None:
    one, other = (design_of(f"y ~ x + {part}", rows()) for part in (text, same))
    assert [factor.label for factor in one.factors] == [factor.label for factor in other.factors]
    for first, second in zip(one.factors, other.factors, strict=True):
        assert first.effects == second.effects
        assert first.blocks == second.blocks
        np.testing.assert_array_equal(first.Z, second.Z)


def test_an_intercept_of_its_own() -> None:
    (row,) = (cells for cells in tables()["Group terms"] if "brms" in cells[0])
    one, other = (design_of(f"y ~ {spellings(cell)[0]}", rows()) for cell in row[:2])
    np.testing.assert_array_equal(one.X, other.X)


@pytest.mark.parametrize("cells", tables()["Arguments"], ids=lambda cells: cells[0])
def test_arguments(cells: list[str]) -> None:
    """Each `name="value"` is an argument of `fit`, and means for a design what the row says."""
    given: Any = {}
    for text in spellings(cells[1]):
        given |= dict(re.findall(r'(\w+)="(\w+)"', text))
    assert set(given) <= set(inspect.signature(hierkit.fit).parameters)
    data = rows().assign(freq=lambda d: 1 + d.index % 3, n=6, share=lambda d: d.index % 7 / 6, event=lambda d: d.x > 0)
    data["s"] = data["freq"] / 2
    options = {name: value for name, value in given.items() if name != "missing"}
    if "missing" in given:
        with pytest.raises(HierkitError, match="Missing values"):
            hierkit.fit("y ~ x", data.assign(x=data.x.where(data.index > 1)), missing=given["missing"])
    elif given.get("family") == "bernoulli":
        outcome = re.findall(r"\((\w+) ~", cells[0])[0]
        found = design_of(f"{outcome} ~ x", data, **options).outcome
        events = {"share": data.index % 7, "event": data.freq * data.event}[outcome]
        np.testing.assert_array_equal(found.y, events)
        np.testing.assert_array_equal(found.trials_of_each, data[options["weights"]])
    elif options:
        w = data["w"] if "weights" in options else data["s"] ** -2.0
        np.testing.assert_allclose(design_of("y ~ x", data, **options).row_weights, w)


@pytest.mark.parametrize("cells", tables()["Functions of packages"], ids=lambda cells: cells[0])
def test_functions_exist(cells: list[str]) -> None:
    names = [name for text in spellings(cells[1]) for name in re.findall(r"(hierkit|fit)\.(\w+)", text)]
    assert names
    for owner, name in names:
        members = {*dir(hierkit.Fit), *hierkit.Fit.__dataclass_fields__}
        assert name in (dir(hierkit) if owner == "hierkit" else members)


def test_the_page_of_formulas_lists_every_function() -> None:
    page = (Path(__file__).parent.parent / "docs" / "formula.md").read_text()
    words = {word for text in re.findall(r"`([^`]+)`", page.replace("\n", " ")) for word in text.split()}
    assert ALLOWED_CALLS - {"cbind", "p", "prop", "proportion", "Sum", "Treatment"} <= words
