"""Expressions and statements are read, and what is neither is refused without being evaluated."""

from typing import Any

import pytest
from synthetic import synthetic_fit, table

from hierkit.errors import HierkitError
from hierkit.statements.grammar import LONGEST, normalised, read_expression

HOSTILE = [
    "__import__('os').system('touch f') > 0",
    "x.values > 0",
    "(lambda: x)() > 0",
    "[x for x in x] > 0",
    "{x: 1} > 0",
    "f'{x}' > 0",
    "x if x else x > 0",
    "(y := x) > 0",
    "x @ x > 0",
    "x[0].y > 0",
    "x[1:2] > 0",
    "x is x > 0",
    "x in x > 0",
    "open('f', 'w') > 0",
    "eval('x') > 0",
    "getattr(x, 'y') > 0",
    "abs(x, x) > 0",
    "abs(x=x) > 0",
    "*x > 0",
    "'x' > 0",
    "True > 0",
    "x > 'a'",
    "x % 2 > 0",
    "x // 2 > 0",
    "~x > 0",
    "x & x > 0",
    "await x > 0",
    "10**400 * x * 1" + "0" * 400 + " > 0",
    "(" * 300 + "x" + ")" * 300 + " > 0",
    "x > 0; import os",
    "x > 0\nimport os",
    "",
    " ",
    "x" * (LONGEST + 1),
    "quoted__0",
    "quoted_0",
    "log(x - x - 1)",
    "x / (x - x)",
    "x * 2**10**9",
    "x.__class__",
    "x.__globals__['os']",
    "print(x)",
    "exec('x')",
    "globals()['x']",
    "x ** (9 ** 9 ** 9)",
    "\N{FULLWIDTH LATIN SMALL LETTER E}val('x')",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_statement_is_refused(text: str, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    fit = synthetic_fit("y ~ x + (x | g)", table())
    with pytest.raises(HierkitError) as refused:
        fit.probability(text)
    assert len(str(refused.value)) < 1500
    with pytest.raises(HierkitError):
        fit.contrast(text.removesuffix(" > 0") if text.endswith(" > 0") else text)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "is_statement"),
    [("x < 0", True), ("not x < 0", True), ("x < 0 or z < 0", True), ("x - z", False), ("-x", False)],
)
def test_statements_hold_or_do_not(text: str, is_statement: bool) -> None:
    assert read_expression(text).is_statement == is_statement


def test_names_in_backticks_are_kept() -> None:
    expression = read_expression("`x:h[b]` - 2 * `km/h`")
    assert expression.quoted == ("x:h[b]", "km/h")
    assert expression.name(expression.tree) == "x:h[b] - 2 * km/h"


def test_labels_are_compared_however_they_are_spaced() -> None:
    assert normalised("sd(x|g)") == normalised("sd( x | g )")
    assert normalised("x:h[b]") is None


def test_a_column_may_be_called_what_stands_for_names_in_backticks() -> None:
    data = table().assign(quoted__0=lambda rows: 3 * rows.z)
    fit = synthetic_fit("y ~ x + quoted__0", data)
    found = fit.contrast("quoted__0 + `x`", "quoted__0", "x").table().estimate
    assert found[0] == pytest.approx(found[1] + found[2])


@pytest.mark.parametrize("text", ["-" * 990 + "x", "x" + "*x" * 490])
def test_what_is_nested_deeply_is_computed_or_refused(text: str) -> None:
    """How deep Python calls depends on where it is called from."""
    fit = synthetic_fit("y ~ x + (x | g)", table())
    try:
        assert fit.contrast(text).draws
    except HierkitError as error:
        assert "nested too deeply" in str(error) or "not a finite number" in str(error)  # noqa: PT017
