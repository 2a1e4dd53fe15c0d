"""Text -> a tree of numbers, names, operators and comparisons. Nothing else is read, and nothing is evaluated.

Python's own parser reads the text; what it finds is refused unless it is on the lists below. Names that are no words of
Python, such as `x:h[b]`, go into backticks.
"""

import ast
import re
from dataclasses import dataclass

from hierkit.errors import HierkitError, refusal

LONGEST = 1000  # characters: Python's parser calls itself for every level of parentheses
FUNCTIONS = ("abs", "exp", "log", "odds", "sqrt")
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
QUOTED = "quoted__"


@dataclass(frozen=True)
class Expression:
    """What was written, and its tree.

    Attributes
    ----------
    text : str
        As the user wrote it.
    tree : ast.expr
        Python's tree, with a word in the place of each name in backticks.
    quoted : tuple of str
        Those names.
    """

    text: str
    tree: ast.expr
    quoted: tuple[str, ...]

    @property
    def is_statement(self) -> bool:
        """Whether it holds or not, and is no number."""
        negated = isinstance(self.tree, ast.UnaryOp) and isinstance(self.tree.op, ast.Not)
        return negated or isinstance(self.tree, ast.Compare | ast.BoolOp)

    def name(self, node: ast.expr) -> str:
        """A part of the tree as text, names in backticks as they are."""
        text = ast.unparse(node)
        return re.sub(rf"{QUOTED}(\d+)", lambda found: self.quoted[int(found[1])], text)


def read_expression(text: str) -> Expression:
    """Read an expression or a statement.

    Parameters
    ----------
    text : str
        Such as "wait < 0", "team[3] - team[5]" or "-0.1 < `x:h[b]` < 0.1 and sigma > 1".

    Raises
    ------
    HierkitError
        For text that cannot be read.
    """
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
        raise unreadable(text if isinstance(text, str) and text.strip() else repr(text), "it is no short text")
    quoted: list[str] = []

    def word(found: re.Match[str]) -> str:
        quoted.append(found[1])
        return f"{QUOTED}{len(quoted) - 1}"

    plain = re.sub(r"`([^`]+)`", word, text.strip())
    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise unreadable(text, "names that are no plain words go into backticks, as in `x:h[b]`") from None
    return Expression(text.strip(), tree, tuple(quoted))


def normalised(label: str) -> str | None:
    """A label as Python's parser writes it; None for one that it cannot read."""
    try:
        return ast.unparse(ast.parse(label, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def unreadable(text: str, reason: str) -> HierkitError:
    """The error for a text that is neither an expression nor a statement."""
    return refusal(
        f"{text!r} cannot be read: {reason}",
        "It is made of names of parameters, groups such as team[3], rows such as rows[0], numbers, + - * / **, "
        f"{', '.join(f'{name}()' for name in FUNCTIONS)}, and for a statement < <= > >=, and, or, not",
        "See fit.coefficients() and fit.variance_components() for the names of parameters",
    )
