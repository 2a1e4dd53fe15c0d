"""Text -> syntax tree: R's grammar and Python's on formulae's scanner and parser.

Added to formulae's: `^`, `%in%`, `&`, `!`, two bars, numbers such as 1e6, TRUE and FALSE, lists in brackets, and a
power that binds more closely than a minus sign, as in R and in Python. Nothing is evaluated.
"""

import re
from collections.abc import Callable

from formulae import expr as ast
from formulae.parser import ParseError, Parser
from formulae.scanner import ScanError, Scanner
from formulae.token import Token

from hierkit.errors import HierkitError, refusal
from hierkit.model.labels import shortened
from hierkit.model.syntax import Node

LITERALS = {"TRUE": True, "FALSE": False, "NULL": None, "Inf": float("inf")}
LONGEST = 50_000  # letters
PACKAGES = ("base", "stats", "splines")  # of R, whose names before :: say nothing more


class _Scanner(Scanner):  # type: ignore[misc]
    """formulae's scanner, with R's operators and numbers."""

    def scan_token(self) -> None:
        rest = self.code[self.current :]
        if number := re.match(r"\d+(\.\d*)?[eE][+-]?\d+|\d+(?=L\b)", rest):
            self.current += number.end()
            self.add_token("NUMBER", float(number[0]) if re.search("[eE]", number[0]) else int(number[0]))
            self.current += self.peek() == "L"
        elif package := re.match(rf"({'|'.join(PACKAGES)})::", rest):
            self.current += package.end()
        elif literal := re.match(rf"({'|'.join(LITERALS)})(?![\w.])", rest):
            self.current += literal.end()
            self.add_token("PYTHON_LITERAL", LITERALS[literal[0]])
        elif rest.startswith("%in%"):
            self._take("IN", "%in%")
        elif rest.startswith("^"):
            self._take("STAR_STAR", "^")
        elif rest.startswith("&"):
            self._take("AND", "&&" if rest.startswith("&&") else "&")
        else:
            super().scan_token()

    def _take(self, kind: str, lexeme: str) -> None:
        self.current += len(lexeme)
        self.tokens.append(Token(kind, lexeme))


class _Parser(Parser):  # type: ignore[misc]
    """formulae's parser, with R's order of operators."""

    def assignment(self) -> Node:
        target = self.tilde()
        if not self.match("EQUAL"):
            return target
        if not isinstance(target, ast.Variable):
            raise ParseError("Invalid assignment target.")
        return ast.Assign(target, self.random_effect())

    def random_effect(self) -> Node:
        return self._joined("PIPE", self._conjunction)

    def multiplication(self) -> Node:
        return self._joined(["STAR", "SLASH"], lambda: self._joined("IN", self.interaction))

    def multiple_interaction(self) -> Node:
        return self.unary()

    def unary(self) -> Node:
        if not self.match(["PLUS", "MINUS"]):
            return self._power()
        operator = self.previous()
        return ast.Unary(operator, self.unary())

    def primary(self) -> Node:
        if not self.match("LEFT_BRACKET"):
            return super().primary()
        values = [self.expression()]
        while self.match("COMMA"):
            values.append(self.expression())
        self.consume("RIGHT_BRACKET", "Expect ']' after a list.")
        return ast.Call(ast.Variable(Token("IDENTIFIER", "c")), values)

    def _power(self) -> Node:
        base = self.call()
        if not self.match("STAR_STAR"):
            return base
        return ast.Binary(base, self.previous(), self.unary())

    def _conjunction(self) -> Node:
        return self._joined("AND", self._negation)

    def _negation(self) -> Node:
        if not self.match("BANG"):
            return self.comparison()
        operator = self.previous()
        return ast.Unary(operator, self._negation())

    def _joined(self, kinds: str | list[str], operand: Callable[[], Node]) -> Node:
        left = operand()
        while self.match(kinds):
            left = ast.Binary(left, self.previous(), operand())
        return left


def parse_text(text: str) -> Node:
    """The syntax tree of a formula, with the implicit intercept of the right side written out.

    Raises
    ------
    HierkitError
        For text that cannot be scanned or parsed to its end.
    """
    if not isinstance(text, str) or not text.strip():
        raise refusal(
            f"The formula is {text!r}", 'A formula is text such as "y ~ x + (x | g)"', "Pass one as the first argument"
        )
    if len(text) > LONGEST:
        raise refusal(
            f"The formula has {len(text):,} letters: {shortened(text)!r}",
            f"It may have {LONGEST:,}",
            "Compute what it says in the data first",
        )
    # formulae knows no name with a leading underscore outside backticks
    words = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|(?<![\w.])_\w*")
    source = words.sub(lambda m: f"`{m[0]}`" if m[0][0] == "_" else m[0], text)
    try:
        parser = _Parser(_one_bar(_Scanner(source).scan()))
        root = parser.parse()
    except RecursionError:
        raise unreadable(text, "its parentheses are nested too deeply") from None
    except (ScanError, ParseError, IndexError, ValueError) as error:
        reason = "a quotation mark or backtick is not closed" if isinstance(error, IndexError) else str(error)
        raise unreadable(text, reason.rstrip(".")) from None
    if not parser.at_end():
        raise unreadable(text, f"unexpected {parser.peek().lexeme!r}")
    return root


def _one_bar(tokens: list[Token]) -> list[Token]:
    """Join the two bars of `||` into one token that remembers it."""
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
        f"The formula {shortened(text)!r} cannot be read: {reason}",
        "Terms are joined by +, and group terms are in parentheses, as in y ~ x + (x | g)",
        "Put names with spaces or symbols into backticks, as in `km/h`",
    )
