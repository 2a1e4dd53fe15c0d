"""Names and formulas spelled so that Bambi, PyMC and xarray accept them.

PyMC refuses `/` in a name, Bambi drops every variable that ends in `_offset`, and a predictor called `sigma` would
meet the residual sd. The user's spelling stays in every label; the one made here is used inside and in `draws`.
"""

import operator
import re
from collections.abc import Iterable
from typing import Any

from formulae import expr as ast
from formulae.token import Token

from hierkit.model.syntax import CODINGS, Node, walk

RESERVED = CODINGS | {"Intercept", "sigma", "mu", "p", "chain", "draw", "common", "group_specific"}
SUFFIXES = ("__factor", "__expr", "_offset", "_sigma", "_corr", "_nu", "_dim", "_effect", "_effect_other")


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """A spelling for each name that is allowed in `draws`; most names are their own.

    Parameters
    ----------
    names : iterable of str
        Column names as the user has them.

    Returns
    -------
    dict of str to str
        Distinct words: letters, digits and underscores, a letter first, none of the names that PyMC, Bambi or
        hierkit give to something else.
    """
    names = list(names)
    safe = {name: name for name in names if _is_safe(name)}
    for name in names:
        if name in safe:
            continue
        word = re.sub(r"\W", "_", name)
        word = word if re.match(r"[^\W\d_]", word) else f"x{word}"
        while not _is_safe(word) or word in safe.values():
            word += "_"
        safe[name] = word
    return safe


def _is_safe(name: str) -> bool:
    word = re.fullmatch(r"[^\W\d_][\w.]*", name)
    return word is not None and name not in RESERVED and not name.endswith(SUFFIXES)


def without_slash(node: Node, called: bool = False) -> Node:
    """A syntax tree with no `/` inside calls, where it would become part of a variable's name.

    `I(x / 10)` becomes `I(divide(x, 10))`, and a text with a slash becomes a word; `slash_namespace` says what they
    stand for.
    """

    def inner(child: Node) -> Node:
        return without_slash(child, called)

    match node:
        case ast.Grouping():
            return ast.Grouping(inner(node.expression))
        case ast.Binary() if called and node.operator.kind == "SLASH":
            return ast.Call(_word("divide"), [inner(node.left), inner(node.right)])
        case ast.Binary():
            return ast.Binary(inner(node.left), node.operator, inner(node.right))
        case ast.Unary():
            return ast.Unary(node.operator, inner(node.right))
        case ast.Call():
            return ast.Call(node.callee, [without_slash(arg, called=True) for arg in node.args])
        case ast.Assign():
            return ast.Assign(node.name, inner(node.value))
        case ast.Literal() if _is_slashed(node):
            return _word(_text_word(node.value))
        case _:
            return node


def slash_namespace(nodes: Iterable[Node]) -> dict[str, Any]:
    """The meaning of the words that `without_slash` puts into these trees."""
    texts = {n.value for node in nodes for n in walk(node) if isinstance(n, ast.Literal) and _is_slashed(n)}
    return {"divide": operator.truediv} | {_text_word(text): text for text in texts}


def _is_slashed(literal: Node) -> bool:
    return isinstance(literal.value, str) and "/" in literal.value


def _text_word(text: str) -> str:
    return f"text_{text.encode().hex()}"


def _word(name: str) -> Node:
    return ast.Variable(Token("IDENTIFIER", name))
