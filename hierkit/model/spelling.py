"""Names and formulas spelled so that Bambi, PyMC and xarray accept them.

PyMC refuses `/` in a name, Bambi drops every variable that ends in `_offset`, and a predictor called `sigma` would
meet the residual sd. The user's spelling stays in every label; the one made here is used inside and in `draws`.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from formulae import expr as ast
from formulae.token import Token

from hierkit.arrays import Array
from hierkit.model.contrasts import CODINGS, WORDS_OF_CODINGS
from hierkit.model.functions import OF_ONE_VALUE, WORDS
from hierkit.model.syntax import COMPARISONS, Node, callee_of, coding_of, walk

RESERVED = frozenset(CODINGS) | {"Intercept", "sigma", "mu", "p", "chain", "draw", "common", "group_specific"}
FUNCTIONS_OF_OPERATORS = {
    "SLASH": "divide",
    "AND": "both",
    "PIPE": "either",
    "IN": "is_in",
    "EQUAL_EQUAL": "same",
    "BANG_EQUAL": "differ",
}
CATEGORIES = frozenset({"factor", "as.factor", "ordered", "relevel", "cut"})
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


def for_formulae(node: Node) -> Node:
    """A part of a formula in the words and operators that formulae knows.

    R's operators and words with dots become calls of functions with plain names. So does `/` inside a call, where it
    would become part of a variable's name: `I(x / 10)` is `I(divide(x, 10))`, and a text with a slash becomes a word,
    of which `slash_namespace` has the meaning.
    """
    match node:
        case ast.Grouping():
            return ast.Grouping(for_formulae(node.expression))
        case ast.Binary():
            return _operation(node, for_formulae(node.left), for_formulae(node.right))
        case ast.Unary():
            return ast.Unary(node.operator, _apart(for_formulae(node.right)))
        case ast.Call():
            return _call(node)
        case _:
            return node


def of_outcome(node: Node) -> Node:
    """The same for what is left of `~`, where a comparison is a number, 0 or 1."""
    while isinstance(node, ast.Grouping):
        node = node.expression
    if isinstance(node, ast.Call):
        return _call(node, is_outcome=True)
    return ast.Call(_word("I"), [_argument(node)]) if isinstance(node, ast.Binary | ast.Unary) else node


def _operation(node: Node, left: Node, right: Node) -> Node:
    """A binary operator outside of calls; formulae reads powers from left to right."""
    match node.operator.kind:
        case "IN":
            return ast.Binary(left, Token("COLON", ":"), right)
        case "STAR_STAR":
            return ast.Binary(left, Token("STAR_STAR", "**"), _apart(right))
        case _:
            return ast.Binary(left, node.operator, right)


def _apart(node: Node) -> Node:
    """A power in parentheses, which formulae would take for one of what is around it."""
    is_power = isinstance(node, ast.Binary) and node.operator.kind == "STAR_STAR"
    return ast.Grouping(node) if is_power else node


def _call(node: Node, is_outcome: bool = False) -> Node:
    name = callee_of(node)
    args = [
        _word(WORDS_OF_CODINGS[coding]) if (coding := coding_of(node, arg)) else _argument(arg) for arg in node.args
    ]
    if name == "I" and _is_comparison(node.args[0]):
        return ast.Call(_word("number" if is_outcome else "logical"), args)
    if name == "as.numeric" and len(args) == 1 and isinstance(node.args[0], ast.Call):
        return ast.Call(_word("codes" if callee_of(node.args[0]) in CATEGORIES else "as_numeric"), args)
    if name in OF_ONE_VALUE or name.startswith("np."):
        args = [_number(given, made) for given, made in zip(node.args, args, strict=True)]
    return ast.Call(_word(WORDS[name][0]) if name in WORDS else node.callee, args)


def _number(given: Node, made: Node) -> Node:
    """An argument for arithmetic, where a comparison is 0 or 1."""
    return ast.Call(_word("number"), [made]) if _is_comparison(given) else made


def _is_comparison(node: Node) -> bool:
    while isinstance(node, ast.Grouping):
        node = node.expression
    if isinstance(node, ast.Unary):
        return str(node.operator.kind) == "BANG"
    return isinstance(node, ast.Binary) and node.operator.kind in COMPARISONS


def _argument(node: Node) -> Node:
    """What a function is called with."""
    match node:
        case ast.Grouping():
            return ast.Grouping(_argument(node.expression))
        case ast.Binary() if node.operator.kind in FUNCTIONS_OF_OPERATORS:
            function = FUNCTIONS_OF_OPERATORS[node.operator.kind]
            sides = [_argument(node.left), _argument(node.right)]
            if function == "divide":
                sides = [_number(node.left, sides[0]), _number(node.right, sides[1])]
            return ast.Call(_word(function), sides)
        case ast.Binary() if node.operator.kind in COMPARISONS:
            return _operation(node, _argument(node.left), _argument(node.right))
        case ast.Binary():
            sides = [_number(side, _argument(side)) for side in (node.left, node.right)]
            return _operation(node, *sides)
        case ast.Unary() if node.operator.kind == "BANG":
            return ast.Call(_word("negated"), [_argument(node.right)])
        case ast.Unary():
            return ast.Unary(node.operator, _apart(_number(node.right, _argument(node.right))))
        case ast.Call():
            return _call(node)
        case ast.Assign():
            name = ast.Variable(Token("IDENTIFIER", node.name.name.lexeme.replace(".", "_")))
            return ast.Assign(name, _argument(node.value))
        case ast.Literal() if _is_slashed(node):
            return _word(_text_word(node.value))
        case _:
            return node


def slash_namespace(nodes: Iterable[Node]) -> dict[str, Any]:
    """The texts that `for_formulae` makes words of in these trees."""
    texts = {n.value for node in nodes for n in walk(node) if isinstance(n, ast.Literal) and _is_slashed(n)}
    return {_text_word(text): text for text in texts}


def free_name(name: str, values: Array, columns: dict[str, Any], frame: pd.DataFrame) -> str:
    """A name that PyMC accepts and that no other column has."""
    word = re.sub(r"[/|`]", "_", name)
    while not all(np.array_equal(taken[word], values) for taken in (columns, frame) if word in taken):
        word += "_"
    return word


def _is_slashed(literal: Node) -> bool:
    return isinstance(literal.value, str) and "/" in literal.value


def _text_word(text: str) -> str:
    return f"text_{text.encode().hex()}"


def _word(name: str) -> Node:
    return ast.Variable(Token("IDENTIFIER", name))
