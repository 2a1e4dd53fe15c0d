import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hierkit.errors import HierkitError
from hierkit.model.formula import parse
from hierkit.model.parser import parse_text
from hierkit.model.syntax import columns_in, outer_calls, quoted, render, walk


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("y~x", "y ~ 1 + x"),
        ("y ~ 0 + (x - 1|g)", "y ~ 1 + 0 + (x - 1 | g)"),
        ("y ~ (x||g)", "y ~ 1 + (x || g)"),
        ("y ~ I((x+1)*2)", "y ~ 1 + I((x + 1) * 2)"),
        ("y ~ {x/2}", "y ~ 1 + I(x / 2)"),
        ("y ~ bs(x, df=4)", "y ~ 1 + bs(x, df=4)"),
        ("y ~ C(h, Treatment('b'))", "y ~ 1 + C(h, Treatment('b'))"),
        ("y ~ _x + `km/h`", "y ~ 1 + `_x` + `km/h`"),
        ("y ~ poly(x, 2, raw=True)", "y ~ 1 + poly(x, 2, raw=True)"),
        ("y ~ -x_1", "y ~ 1 + -x_1"),
    ],
)
def test_written_again(text: Any, written: Any) -> None:
    assert render(parse_text(text)) == written


def test_renaming_reaches_columns_only() -> None:
    root = parse_text("y ~ np.log(x) + C(h, Sum) + (x | g)")
    assert render(root, str.upper) == "Y ~ 1 + np.log(X) + C(H, Sum) + (X | G)"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="`"), min_size=1, max_size=40))
def test_any_name_survives_backticks(name: Any) -> None:
    assert columns_in(parse_text(f"y ~ `{name}`")) == ["y", name]


def test_plain_words_are_not_quoted() -> None:
    assert [quoted(n) for n in ("x", "x_1", "ä", "_x", "x y", "1x", "True")] == [
        "x",
        "x_1",
        "ä",
        "`_x`",
        "`x y`",
        "`1x`",
        "`True`",
    ]


def test_outer_calls_are_not_arguments() -> None:
    calls = [render(c) for c in outer_calls(parse_text("y ~ log(abs(x)) * exp(z) + (sqrt(x) | g)"))]
    assert calls == ["log(abs(x))", "exp(z)", "sqrt(x)"]


def test_walk_visits_every_column() -> None:
    assert columns_in(parse_text("y ~ a*b + f(c, d=e) + (g | h/i)")) == ["y", "a", "b", "c", "e", "g", "h", "i"]
    assert len(list(walk(parse_text("y ~ x")))) == 5


def test_sums_of_hundreds_of_terms_are_read_and_leave_pythons_limit_as_it_was() -> None:
    before = sys.getrecursionlimit()
    names = [f"x{i}" for i in range(600)]
    formula = parse("y ~ " + " + ".join(names))
    assert formula.predictors == tuple(names)
    assert formula.common == "1 + " + " + ".join(names)
    assert sys.getrecursionlimit() == before


def test_parentheses_can_be_nested_too_deeply() -> None:
    with pytest.raises(HierkitError, match="its parentheses are nested too deeply"):
        parse_text("y ~ " + "(" * 5000 + "x" + ")" * 5000)


def test_importing_changes_nothing_in_the_process() -> None:
    code = (
        "import sys; before = sys.getrecursionlimit(); import hierkit.fitting; print(sys.getrecursionlimit() - before)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "0"
