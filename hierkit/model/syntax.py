"""A formula's syntax tree: walk it, ask what it holds, and write it as text again. Nothing is evaluated."""

import contextlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from formulae import expr as ast

from hierkit.model.contrasts import WORDS_OF_CODINGS

COMPARISONS = frozenset(
    {"EQUAL_EQUAL", "BANG_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "AND", "PIPE", "IN"}
)
DEEPEST = 20_000  # calls
_lock = threading.Lock()
_usual: list[int] = []  # the limits found by those who are inside deep_recursion, the process's own first


Node = Any  # formulae's syntax tree has no types
Rename = Callable[[str], str]


@contextlib.contextmanager
def deep_recursion() -> Iterator[None]:
    """Let Python call deeper for a while: a sum of 500 terms is a tree 500 deep, walked a few calls per level."""
    with _lock:
        _usual.append(sys.getrecursionlimit())
        sys.setrecursionlimit(max(_usual[0], DEEPEST))
    try:
        yield
    finally:
        with _lock:
            first = _usual[0]
            _usual.pop()
            if not _usual:
                sys.setrecursionlimit(first)


def render(node: Node, rename: Rename = str) -> str:
    """A syntax tree as formula text, columns renamed and quoted where they must be."""
    with deep_recursion():
        return _render(node, rename)


def _render(node: Node, rename: Rename) -> str:
    match node:
        case ast.Grouping():
            return f"({_render(node.expression, rename)})"
        case ast.Binary():
            gap = "" if node.operator.lexeme == "^" else " "
            return f"{_render(node.left, rename)}{gap}{node.operator.lexeme}{gap}{_render(node.right, rename)}"
        case ast.Unary():
            return f"{node.operator.lexeme}{_render(node.right, rename)}"
        case ast.Call():
            args = [coding_of(node, arg) or _render(arg, rename) for arg in node.args]
            return f"{callee_of(node)}({', '.join(args)})"
        case ast.Assign():
            return f"{node.name.name.lexeme}={_render(node.value, rename)}"
        case ast.Literal() if isinstance(node.value, float):
            return np.format_float_positional(node.value, trim="-")  # formulae knows no exponents
        case ast.Literal():
            return str(node.value) if node.lexeme is None else str(node.lexeme)
        case _:
            return quoted(rename(column_of(node)))


def quoted(name: str) -> str:
    """A column name as it is written in a formula: in backticks unless it is a plain word."""
    return name if re.fullmatch(r"[^\W\d_]\w*", name) and name not in {"True", "False", "None"} else f"`{name}`"


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, from left to right."""
    waiting = [node]
    while waiting:
        first = waiting.pop()
        yield first
        waiting += reversed(children(first))


def children(node: Node) -> list[Node]:
    """The nodes right below, the name of a called function left out."""
    match node:
        case ast.Grouping():
            return [node.expression]
        case ast.Binary():
            return [node.left, node.right]
        case ast.Unary():
            return [node.right]
        case ast.Call():
            return list(node.args)
        case ast.Assign():
            return [node.value]
        case _:
            return []


def columns_in(node: Node) -> list[str]:
    """The names of all columns in order of appearance, doubles included."""
    codings = {id(child) for call in walk(node) for child in children(call) if coding_of(call, child)}
    columns = (one for one in walk(node) if isinstance(one, ast.Variable | ast.QuotedName))
    return [column_of(one) for one in columns if id(one) not in codings]


def columns_in_powers(node: Node) -> set[str]:
    """The columns in powers and polynomials of numbers, for which whole numbers would soon be too small."""
    inside = (one for call in outer_calls(node) for one in walk(call))
    return {name for one in inside if _is_power(one) for name in columns_in(one)}


def _is_power(node: Node) -> bool:
    if isinstance(node, ast.Call):
        return callee_of(node) == "poly"
    return isinstance(node, ast.Binary) and str(node.operator.kind) == "STAR_STAR"


def coding_of(call: Node, argument: Node) -> str | None:
    """The coding that an argument names, as in `C(h, Sum)`; None for the category and for every other argument."""
    codes = isinstance(call, ast.Call) and callee_of(call) == "C" and argument is not call.args[0]
    named = codes and isinstance(argument, ast.Variable) and column_of(argument) in WORDS_OF_CODINGS
    return column_of(argument) if named else None


def is_column(node: Node) -> bool:
    """Whether a node is a column as it is."""
    return isinstance(node, ast.Variable | ast.QuotedName)


def is_sum_of_columns(node: Node) -> bool:
    """Whether a node is a column, or a sum or a difference of such."""
    if isinstance(node, ast.Grouping):
        return is_sum_of_columns(node.expression)
    if isinstance(node, ast.Binary) and str(node.operator.kind) in ("PLUS", "MINUS"):
        return is_sum_of_columns(node.left) and is_sum_of_columns(node.right)
    return is_column(node)


def is_literal(node: Node) -> bool:
    """Whether a node is a number or a text."""
    return isinstance(node, ast.Literal)


def column_of(node: Node) -> str:
    """The name of a variable, without backticks."""
    lexeme: str = node.expression.lexeme[1:-1] if isinstance(node, ast.QuotedName) else node.name.lexeme
    return lexeme


def callee_of(call: Node) -> str:
    """The dotted name that is called; a call of anything else is shown as it is, and so never allowed."""
    return column_of(call.callee) if isinstance(call.callee, ast.Variable) else render(call.callee)


def plain_columns(node: Node) -> Iterator[str]:
    """The columns that are terms or parts of terms themselves, not arguments of calls."""
    for one in outside_calls(node):
        if isinstance(one, ast.Variable | ast.QuotedName):
            yield column_of(one)


def outer_calls(node: Node) -> Iterator[Node]:
    """The calls that are components of terms, not arguments of other calls."""
    return (one for one in outside_calls(node) if isinstance(one, ast.Call))


def calls_in(node: Node) -> Iterator[Node]:
    """All calls, those in the arguments of others included."""
    return (one for one in walk(node) if isinstance(one, ast.Call))


def outside_calls(node: Node) -> Iterator[Node]:
    """The nodes that are no part of a call's arguments, from left to right."""
    waiting = [node]
    while waiting:
        first = waiting.pop()
        yield first
        if not isinstance(first, ast.Call):
            waiting += reversed(children(first))
