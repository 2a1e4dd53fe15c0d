import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierkit.model.parser import parse_text
from hierkit.model.spelling import for_formulae, safe_names, slash_namespace
from hierkit.model.syntax import render


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
        ("y ~ (a + b)^2", "y ~ 1 + (a + b) ** 2"),
        ("y ~ a %in% b", "y ~ 1 + a : b"),
        ("y ~ I(-x^2)", "y ~ 1 + I(-(x ** 2))"),
        ("y ~ I(2^x^2)", "y ~ 1 + I(2 ** (x ** 2))"),
        ("y ~ I(x > 1)", "y ~ 1 + logical(x > 1)"),
        (
            "y ~ I(x > 1 & !(z == 2) | h %in% c('a'))",
            "y ~ 1 + logical(either(both(x > 1, negated((same(z, 2)))), is_in(h, c('a'))))",
        ),
        ("y ~ as.factor(x) + scale(z)", "y ~ 1 + as_factor(x) + scale_(z)"),
        ("y ~ cut(x, c(0, 1e1), include.lowest=TRUE)", "y ~ 1 + cut(x, c(0, 10), include_lowest=True)"),
        ("y ~ C(h, contr.poly) + C(k, Sum)", "y ~ 1 + C(h, Poly) + C(k, Sum)"),
        ("y ~ splines::ns(x, 3)", "y ~ 1 + ns(x, 3)"),
    ],
)
def test_in_the_words_of_formulae(text: Any, written: Any) -> None:
    assert render(for_formulae(parse_text(text))) == written


def test_texts_with_a_slash_get_a_word() -> None:
    tree = parse_text("y ~ C(h, Treatment('a/b')) + C(h, Treatment('a_b'))")
    namespace = slash_namespace([tree])
    text = render(for_formulae(tree))
    assert "/" not in text
    assert "'a_b'" in text
    assert [word for word, value in namespace.items() if value == "a/b" and word in text]
