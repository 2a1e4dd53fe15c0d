"""Which categories are coded in full, by R's rule."""

from typing import Any

import pandas as pd
import pytest
from formulae.environment import Environment
from formulae.model_description import model_description

from hierkit.model.coding import code, in_full

ROWS = pd.DataFrame({"h": list("pqrpqr"), "k": list("uvuvvu"), "x": [1.0, 2, 3, 4, 5, 7]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h + k", [{}, {"h": False}, {"k": False}]),
        ("0 + h + k", [{"h": True}, {"k": False}]),
        ("h * k", [{}, {"h": False}, {"k": False}, {"h": False, "k": False}]),
        ("h:k", [{}, {"h": True, "k": True}]),
        ("h + h:k", [{}, {"h": False}, {"h": True, "k": False}]),
        ("x + h:x", [{}, {}, {"h": False}]),
        ("h:x", [{}, {"h": True}]),
        ("0 + x + h:x", [{}, {"h": True}]),
    ],
)
def test_r_codes_against_the_first_level_where_the_rest_is_there(text: str, expected: Any) -> None:
    terms = list(model_description(text).common_terms)
    for term in terms:
        term.set_type(ROWS, Environment([{}]))
    assert in_full(terms) == expected


@pytest.mark.parametrize(
    ("text", "usual"), [("h * k", True), ("h:k", False), ("0 + h:k", True), ("0 + x + h:x", False)]
)
def test_where_formulae_codes_otherwise(text: str, usual: bool) -> None:
    """It would add a term of k beside h:k, which R has not."""
    terms = list(model_description(text).common_terms)
    assert code(terms, ROWS, Environment([{}]), {})[-1] == usual
