"""Text -> a tree of numbers, names, operators and comparisons. Nothing else is read, and nothing is evaluated.

Python's own parser reads the text; what it finds is refused unless `values` knows it. Names with spaces or symbols,
such as `x:h[b]`, go into backticks.
"""

import ast
import re
from dataclasses import dataclass

from hierkit.errors import HierkitError, refusal
from hierkit.model.labels import shortened

LONGEST = 1000  # characters: Python's parser calls itself for every level of parentheses
FUNCTIONS = ("abs", "exp", "log", "odds", "sqrt")


@dataclass(frozen=True)
class Expression:
    """What was written, and its tree.

    Attributes
    ----------
    text : str
        As the user wrote it.
    tree : ast.expr
        Python's tree, with a word in the place of each name in backticks.
    quoted, placeholder : tuple of str, str
        Those names, and with what the words in their places begin.
    """

    text: str
    tree: ast.expr
    quoted: tuple[str, ...]
    placeholder: str

    @property
    def is_statement(self) -> bool:
        """Whether it holds or not, and is no number."""
        return is_statement(self.tree)

    @property
    def is_ratio(self) -> bool:
        """Whether it divides by something other than a number, which may be zero, so that its mean need not exist."""
        divisors = [
            one.right for one in ast.walk(self.tree) if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div)
        ]
        return any(isinstance(one, ast.Name) for divisor in divisors for one in ast.walk(divisor))

    def name(self, node: ast.expr) -> str:
        """A part of the tree as text, names in backticks as they are."""
        text = ast.unparse(node)
        return re.sub(rf"\b{self.placeholder}(\d+)\b", lambda found: self.quoted[int(found[1])], text)


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
    if not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST:
        raise unreadable(str(text), f"it is not text of 1 to {LONGEST:,} characters")
    quoted: list[str] = []
    placeholder = "quoted_"
    while placeholder in text:
        placeholder += "_"

    def word(found: re.Match[str]) -> str:
        quoted.append(found[1])
        return f"{placeholder}{len(quoted) - 1}"

    plain = re.sub(r"`([^`]+)`", word, text.strip())
    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise unreadable(text, "names with spaces or symbols go into backticks, as in `x:h[b]`") from None
    return Expression(text.strip(), tree, tuple(quoted), placeholder)


def is_statement(node: ast.expr) -> bool:
    """Whether a part of a tree holds or not, and is no number."""
    negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    return negated or isinstance(node, ast.Compare | ast.BoolOp)


def normalised(label: str) -> str | None:
    """A label as Python's parser writes it; None for one that it cannot read."""
    try:
        return ast.unparse(ast.parse(label, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def unreadable(text: str, reason: str) -> HierkitError:
    """The error for a text that is neither an expression nor a statement."""
    return refusal(
        f"{shortened(text)!r} cannot be read: {reason}",
        "It is made of names of parameters, groups such as team[3], rows such as rows[0], numbers, + - * / **, "
        f"{', '.join(f'{name}()' for name in FUNCTIONS)}, and for a statement < <= > >=, and, or, not",
        "See fit.coefficients() and fit.variance_components() for the names of parameters",
    )
