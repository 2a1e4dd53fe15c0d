"""Text <-> syntax tree: parse a formula's text, walk its tree, and write it again.

formulae scans and parses; what it cannot read (two bars, a leading underscore) is prepared here. Nothing is
evaluated.
"""

import contextlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from formulae import expr as ast
from formulae.parser import ParseError, Parser
from formulae.scanner import ScanError, Scanner
from formulae.token import Token

from hierkit.errors import HierkitError, refusal

CODINGS = frozenset({"Sum", "Treatment"})
DEEPEST = 20_000  # calls
_lock = threading.Lock()
_usual: list[int] = []  # the limits found by those who are inside deep_recursion, the process's own first


Node = Any  # formulae's syntax tree has no types
Rename = Callable[[str], str]


def parse_text(text: str) -> Node:
    """The syntax tree of a formula, with the implicit intercept of the right side written out.

    Raises
    ------
    HierkitError
        For text that formulae cannot scan or parse to its end.
    """
    if not isinstance(text, str) or not text.strip():
        raise refusal(
            f"The formula is {text!r}", 'A formula is text such as "y ~ x + (x | g)"', "Pass one as the first argument"
        )
    # formulae knows no name with a leading underscore outside backticks
    words = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|(?<![\w.])_\w*")
    source = words.sub(lambda m: f"`{m[0]}`" if m[0][0] == "_" else m[0], text)
    try:
        parser = Parser(_one_bar(Scanner(source).scan()))
        root = parser.parse()
    except RecursionError:
        raise unreadable(text, "its parentheses are nested too deeply") from None
    except (ScanError, ParseError, IndexError, ValueError) as error:
        reason = "a quotation mark or backtick is not closed" if isinstance(error, IndexError) else str(error)
        raise unreadable(text, reason.rstrip(".")) from None
    if not parser.at_end():
        raise unreadable(text, f"unexpected {parser.peek().lexeme!r}")
    return root


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


def _one_bar(tokens: list[Token]) -> list[Token]:
    """Join the two bars of `||`, which formulae cannot parse, into one token that remembers it."""
    joined: list[Token] = []
    for token in tokens:
        if token.kind == "PIPE" and joined and joined[-1].lexeme == "|":
            joined[-1] = Token("PIPE", "||")
        else:
            joined.append(token)
    return joined


def unreadable(text: str, reason: str) -> HierkitError:
    """The error for text that is no formula, with the reason in the middle of its first sentence."""
    return refusal(
        f"The formula {text!r} cannot be read: {reason}",
        "Terms are joined by +, and group terms are in parentheses, as in y ~ x + (x | g)",
        "Put names with spaces or symbols into backticks, as in `km/h`",
    )


def render(node: Node, rename: Rename = str) -> str:
    """A syntax tree as formula text, columns renamed and quoted where they must be."""
    with deep_recursion():
        return _render(node, rename)


def _render(node: Node, rename: Rename) -> str:
    match node:
        case ast.Grouping():
            return f"({_render(node.expression, rename)})"
        case ast.Binary():
            return f"{_render(node.left, rename)} {node.operator.lexeme} {_render(node.right, rename)}"
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


def coding_of(call: Node, argument: Node) -> str | None:
    """The coding that an argument names, as in `C(h, Sum)`; None for the category and for every other argument."""
    codes = isinstance(call, ast.Call) and callee_of(call) == "C" and argument is not call.args[0]
    named = codes and isinstance(argument, ast.Variable) and column_of(argument) in CODINGS
    return column_of(argument) if named else None


def column_of(node: Node) -> str:
    """The name of a variable, without backticks."""
    lexeme: str = node.expression.lexeme[1:-1] if isinstance(node, ast.QuotedName) else node.name.lexeme
    return lexeme


def callee_of(call: Node) -> str:
    """The dotted name that is called; a call of anything else is shown as it is, and so never allowed."""
    return column_of(call.callee) if isinstance(call.callee, ast.Variable) else render(call.callee)


def plain_columns(node: Node) -> Iterator[str]:
    """The columns that are terms or parts of terms themselves, not arguments of calls."""
    for one in _outside_calls(node):
        if isinstance(one, ast.Variable | ast.QuotedName):
            yield column_of(one)


def outer_calls(node: Node) -> Iterator[Node]:
    """The calls that are components of terms, not arguments of other calls."""
    return (one for one in _outside_calls(node) if isinstance(one, ast.Call))


def _outside_calls(node: Node) -> Iterator[Node]:
    """The nodes that are no part of a call's arguments, from left to right."""
    waiting = [node]
    while waiting:
        first = waiting.pop()
        yield first
        if not isinstance(first, ast.Call):
            waiting += reversed(children(first))
