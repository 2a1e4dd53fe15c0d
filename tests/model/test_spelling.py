import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierkit.model.spelling import safe_names, slash_namespace, without_slash
from hierkit.model.syntax import parse_text, render


def test_plain_names_are_their_own() -> None:
    names = ["x", "wait", "ä", "log.radon", "x_1", "Days"]
    assert safe_names(names) == {name: name for name in names}


def test_other_names_are_respelled_apart() -> None:
    names = ["km/h", "km_h", "km h", "_x", "1st", "sigma", "t_offset", "a_sigma", "p", "Intercept"]
    safe = safe_names(names)
    assert len(set(safe.values())) == len(names)
    assert safe["km_h"] == "km_h"
    assert safe["sigma"] == "sigma_"
    assert safe["t_offset"] == "t_offset_"


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=12))
def test_any_names_become_distinct_words(names: Any) -> None:
    safe = safe_names(names)
    assert sorted(safe) == sorted(names)
    assert len(set(safe.values())) == len(names)
    assert all(re.fullmatch(r"[^\W\d_][\w.]*", word) for word in safe.values())


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("y ~ I(x / 10)", "y ~ 1 + I(divide(x, 10))"),
        ("y ~ a/b", "y ~ 1 + a / b"),
        ("y ~ log((x + 1) / (z / 2))", "y ~ 1 + log(divide((x + 1), (divide(z, 2))))"),
        ("y ~ bs(x / 2, df=4)", "y ~ 1 + bs(divide(x, 2), df=4)"),
    ],
)
def test_no_slash_inside_calls(text: Any, written: Any) -> None:
    assert render(without_slash(parse_text(text))) == written


def test_texts_with_a_slash_get_a_word() -> None:
    tree = parse_text("y ~ C(h, Treatment('a/b')) + C(h, Treatment('a_b'))")
    namespace = slash_namespace([tree])
    text = render(without_slash(tree))
    assert "/" not in text
    assert "'a_b'" in text
    assert [word for word, value in namespace.items() if value == "a/b" and word in text]
