from typing import Any

import pytest

from hierkit.errors import HierkitError
from hierkit.model.allowlist import ALLOWED_CALLS
from hierkit.model.formula import parse
from hierkit.model.syntax import render


def counts_of(text: Any) -> Any:
    counts = parse(text).counts
    return counts and (render(counts.successes), render(counts.trials))


def group_terms(text: Any) -> Any:
    return [(term.label, term.factor, term.correlated) for term in parse(text).group_terms]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y ~ (x | g)", [("(1 + x | g)", ("g",), True)]),
        ("y ~ (x || g)", [("(1 + x || g)", ("g",), False)]),
        ("y ~ (1 | a/b)", [("(1 + 1 | a)", ("a",), True), ("(1 + 1 | a:b)", ("a", "b"), True)]),
        ("y ~ (1 | a:b)", [("(1 + 1 | a:b)", ("a", "b"), True)]),
        ("y ~ (1 | a + b)", [("(1 + 1 | a)", ("a",), True), ("(1 + 1 | b)", ("b",), True)]),
    ],
)
def test_group_terms(text: Any, expected: Any) -> None:
    assert group_terms(text) == expected


@pytest.mark.parametrize(
    ("right", "factors"),
    [
        ("a/b/c", ["a", "a:b", "a:b:c"]),
        ("a*b", ["a", "b", "a:b"]),
        ("a/(b*c)", ["a", "a:b", "a:c", "a:b:c"]),
        ("a/(b + c)", ["a", "a:b", "a:c"]),
        ("(a:b)/c", ["a:b", "a:b:c"]),
        ("(a + b)/c", ["a", "b", "a:b:c"]),
    ],
)
def test_factors_as_lme4_expands_them(right: Any, factors: Any) -> None:
    assert [term.factor_label for term in parse(f"y ~ (1 | {right})").group_terms] == factors


def test_columns_in_order_of_appearance() -> None:
    formula = parse("p(s, n) ~ x + log(z) + offset(w) + (x | a/b)")
    assert formula.columns == ("s", "n", "x", "z", "w", "a", "b")
    assert formula.outcome_columns == ("s", "n")
    assert counts_of("p(s, n) ~ x") == ("s", "n")


def test_constant_trials() -> None:
    assert counts_of("p(s, 10) ~ 1") == ("s", "10")


@pytest.mark.parametrize(
    ("left", "successes", "trials"),
    [
        ("cbind(s, n - s)", "s", "n"),
        ("cbind(s, f)", "s", "s + (f)"),
        ("cbind(s, (n - s))", "s", "n"),
        ("cbind(s, n - r)", "s", "s + (n - r)"),
    ],
)
def test_successes_and_failures_as_r_has_them(left: Any, successes: Any, trials: Any) -> None:
    assert counts_of(f"{left} ~ x") == (successes, trials)


def test_a_share_of_events_is_counts_of_a_bernoulli_outcome_only() -> None:
    formula = parse("s/n ~ x")
    assert formula.for_family("gaussian") is formula
    assert formula.for_family("bernoulli").outcome == "p(s, n)"


def test_trials_may_be_a_predictor_too() -> None:
    assert parse("cbind(s, n - s) ~ log(n)").columns == ("s", "n")
    with pytest.raises(HierkitError, match="'s' is on both sides of ~"):
        parse("cbind(s, n - s) ~ s")


def test_event() -> None:
    formula = parse("y['yes'] ~ x")
    assert (formula.outcome, formula.event) == ("y", "yes")
    assert parse("y ~ x").event is None


@pytest.mark.parametrize("call", sorted(ALLOWED_CALLS - {"cbind", "p", "prop", "proportion", "Sum", "Treatment"}))
def test_allowed_calls_parse(call: Any) -> None:
    assert parse(f"y ~ {call}(x)").columns == ("y", "x")


@pytest.mark.parametrize(
    "call",
    [
        "pd.io.common.os.system('touch f')",
        "np.lib.npyio.os.system('x')",
        "eval('1')",
        "__import__('os')",
        "np.load('f')",
        "log(np.fromfile('f'))",
        "I(x)(x)",
        "offset(open('f'))",
    ],
)
@pytest.mark.parametrize("place", ["y ~ {}", "{} ~ x", "y ~ ({} | g)", "y ~ x + offset({})", "y ~ bs(x, df={})"])
def test_other_calls_are_refused_wherever_they_stand(call: Any, place: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HierkitError, match=r"calls|cannot be read|is not one column"):
        parse(place.format(call))
    assert not list(tmp_path.iterdir())


def test_trusted_formula_skips_the_list() -> None:
    assert parse("y ~ np.tanh(x)", trusted=True).columns == ("y", "x")
