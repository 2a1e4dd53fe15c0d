"""The terms in a part of a formula, by R's algebra: `a * b` is a, b and their product a:b.

A term is a set of components, so that a:b and b:a are one. `+` joins, `-` takes out, `:` multiplies, `a / b` is a and b
within all of a, `%in%` is that product alone, and `(a + b)^2` has all products of up to two. 0 and -1 take the
intercept out, 1 puts it in, wherever they stand.
"""

from dataclasses import dataclass

from formulae import expr as ast

from hierkit.errors import refusal
from hierkit.model.syntax import Node, column_of, is_column, render

HIGHEST_POWER = 10
MOST_TERMS = 1000
Terms = dict[frozenset[str], tuple[str, ...]]  # in the order of the formula, each with its components in order


@dataclass(frozen=True)
class Expansion:
    """Terms, each as its components by their text, and whether there is an intercept; None where nothing says so."""

    terms: Terms
    intercept: bool | None = None


def expand(node: Node) -> Expansion:
    """The terms of a part.

    Raises
    ------
    HierkitError
        For what is no term, and for an offset that is taken out.
    """
    match node:
        case ast.Grouping():
            return expand(node.expression)
        case ast.Literal() if node.value in (0, 1) and not isinstance(node.value, bool):
            return Expansion({}, bool(node.value))
        case ast.Unary() if node.operator.kind in ("PLUS", "MINUS") and _is_number(node.right):
            inner = expand(node.right)
            return inner if node.operator.kind == "PLUS" else Expansion({}, not inner.intercept)
        case ast.Binary() if node.operator.kind == "STAR_STAR":
            return _power(expand(node.left), node)
        case ast.Binary() if node.operator.kind in OPERATIONS:
            return OPERATIONS[node.operator.kind](expand(node.left), expand(node.right))
        case ast.Call():
            return _single(render(node))
        case _ if is_column(node):
            return _single(column_of(node))
        case _:
            raise _no_term(node)


def _single(text: str) -> Expansion:
    return Expansion({frozenset({text}): (text,)})


def _is_number(node: Node) -> bool:
    while isinstance(node, ast.Grouping):
        node = node.expression
    return isinstance(node, ast.Literal)


def _sum(left: Expansion, right: Expansion) -> Expansion:
    return Expansion(left.terms | {k: v for k, v in right.terms.items() if k not in left.terms}, _said(left, right))


def _difference(left: Expansion, right: Expansion) -> Expansion:
    offsets = [text for own in right.terms.values() for text in own if text.startswith("offset(")]
    if offsets:
        raise refusal(f"{offsets[0]} is subtracted", "An offset can only be added", "Leave it out instead")
    kept = {k: v for k, v in left.terms.items() if k not in right.terms}
    return Expansion(kept, left.intercept if right.intercept is None else not right.intercept)


def _product(left: Expansion, right: Expansion) -> Expansion:
    terms: Terms = {}
    for one in left.terms.values():
        for other in right.terms.values():
            joined = tuple(dict.fromkeys([*one, *other]))
            terms.setdefault(frozenset(joined), joined)
        if len(terms) > MOST_TERMS:
            raise refusal(
                f"A product in the formula has more than {MOST_TERMS:,} terms",
                "a * b * c has all products of its parts, 2^n - 1 of n columns",
                "Name the interactions that you want, or write (a + b + c)^2 for those of two",
            )
    return Expansion(terms, _said(left, right))


def _crossed(left: Expansion, right: Expansion) -> Expansion:
    return _sum(_sum(left, right), _product(left, right))


def _nested(left: Expansion, right: Expansion) -> Expansion:
    return _sum(left, _product(_all_of(left), right))


def _within(left: Expansion, right: Expansion) -> Expansion:
    return _product(left, _all_of(right))


def _power(base: Expansion, node: Node) -> Expansion:
    exponent = node.right
    while isinstance(exponent, ast.Grouping):
        exponent = exponent.expression
    whole = (
        isinstance(exponent, ast.Literal) and isinstance(exponent.value, int) and not isinstance(exponent.value, bool)
    )
    if not whole or not 1 <= exponent.value <= HIGHEST_POWER:
        raise refusal(
            f"{render(node)} is no power of terms",
            f"A power of terms is a whole number from 1 to {HIGHEST_POWER}, as in (a + b)^2",
            "Write I(x^2) for a power of numbers",
        )
    found = base
    for _ in range(exponent.value - 1):
        found = _sum(found, _product(found, base))
    return found


def _all_of(part: Expansion) -> Expansion:
    """The product of all components of a part."""
    joined = tuple(dict.fromkeys(text for own in part.terms.values() for text in own))
    return Expansion({frozenset(joined): joined} if joined else {}, part.intercept)


def _said(left: Expansion, right: Expansion) -> bool | None:
    return left.intercept if right.intercept is None else right.intercept


def _no_term(node: Node) -> Exception:
    return refusal(
        f"{render(node)!r} cannot be computed: it is no term",
        "Terms are columns, functions of them, and their sums and products",
        "Put arithmetic and comparisons into I()",
    )


OPERATIONS = {
    "PLUS": _sum,
    "MINUS": _difference,
    "COLON": _product,
    "STAR": _crossed,
    "SLASH": _nested,
    "IN": _within,
}
