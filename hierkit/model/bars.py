"""The bars of a formula: its group terms apart from the common part, and the factors that stand right of a bar."""

from collections.abc import Iterable
from itertools import chain

from formulae import expr as ast

from hierkit.errors import refusal
from hierkit.model.parser import unreadable
from hierkit.model.syntax import Node, column_of, outside_calls, render

MOST_FACTORS = 50


def split_groups(node: Node, text: str) -> tuple[Node, list[Node]]:
    """The right side without its group terms, and the group terms in order."""
    if isinstance(node, ast.Binary) and node.operator.kind in ("PLUS", "MINUS"):
        common, bars = split_groups(node.left, text)
        if not _is_bar(node.right):
            no_bars(node.right, text)
            return ast.Binary(common, node.operator, node.right), bars
        if node.operator.kind == "MINUS":
            raise refusal(
                f"{render(node.right)} is subtracted", "Group terms can only be added", "Leave the term out instead"
            )
        return common, [*bars, node.right.expression]
    no_bars(node, text)
    return node, []


def _is_bar(node: Node) -> bool:
    return (
        isinstance(node, ast.Grouping)
        and isinstance(node.expression, ast.Binary)
        and node.expression.operator.kind == "PIPE"
    )


def no_bars(node: Node, text: str) -> None:
    """Refuse a group term that is part of another term."""
    if any(isinstance(n, ast.Binary) and n.operator.kind == "PIPE" for n in outside_calls(node)):
        raise unreadable(text, f"the group term in {render(node)} is not a term of its own")


def factors_of(node: Node, text: str) -> list[tuple[str, ...]]:
    """The factors that the right side of a bar names, each as its columns."""
    match node:
        case ast.Grouping():
            return factors_of(node.expression, text)
        case ast.Variable() | ast.QuotedName():
            return [(column_of(node),)]
        case ast.Binary() if node.operator.kind in ("SLASH", "COLON", "STAR", "PLUS"):
            left, right = factors_of(node.left, text), factors_of(node.right, text)
            if len(left) * len(right) > MOST_FACTORS:
                raise refusal(
                    f"{render(node)} are more than {MOST_FACTORS} grouping factors",
                    "a * b has a, b and their cells, and a longer product all of these",
                    "Name the factors that you want, each in a term of its own",
                )
            cells = [_joined(a, b) for a in left for b in right]
            return {
                "SLASH": [*left, *(_joined(chain(*left), b) for b in right)],
                "COLON": cells,
                "STAR": [*left, *right, *cells],
                "PLUS": [*left, *right],
            }[node.operator.kind]
        case _:
            raise refusal(
                f"The grouping factor {render(node)!r} is not a column",
                "Right of | write columns, joined by / (nested), : (cells) or *",
                "Compute the grouping column in the data first",
            )


def _joined(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*one, *other]))
