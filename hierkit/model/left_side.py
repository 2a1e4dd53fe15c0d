"""What a formula has left of `~`: a column with or without its event, a computed number, or counts."""

from dataclasses import dataclass

from formulae import expr as ast
from formulae.token import Token

from hierkit.errors import refusal
from hierkit.model.allowlist import COUNT_CALLS
from hierkit.model.syntax import COMPARISONS, Node, callee_of, columns_in, render

CBIND = "cbind"
COMPUTED = COMPARISONS | {"PLUS", "MINUS", "STAR", "SLASH", "STAR_STAR"}


@dataclass(frozen=True)
class Counts:
    """What an outcome of counts is made of: columns, numbers, or arithmetic with them."""

    successes: Node
    trials: Node


def counts_of(outcome: Node) -> Counts | None:
    """Successes and trials of `p(successes, trials)` and of R's `cbind(successes, failures)`; None for another one."""
    if not isinstance(outcome, ast.Call) or callee_of(outcome) not in {*COUNT_CALLS, CBIND}:
        return None
    successes, other = outcome.args
    return Counts(successes, _trials(successes, other) if callee_of(outcome) == CBIND else other)


def share_as_counts(outcome: Node) -> Node:
    """`successes / trials` as `p(successes, trials)`; any other outcome as it is."""
    if not isinstance(outcome, ast.Binary) or outcome.operator.kind != "SLASH":
        return outcome
    return ast.Call(ast.Variable(Token("IDENTIFIER", "p")), [outcome.left, outcome.right])


def of_trials(outcome: Node) -> set[str]:
    """The columns that only the trials of counts use, which may be predictors too."""
    counts = counts_of(outcome)
    return set() if counts is None else set(columns_in(counts.trials)) - set(columns_in(counts.successes))


def read_outcome(node: Node, text: str) -> tuple[Node, str | None]:
    """The outcome's tree, and the event that is named as in `outcome["yes"]`; refused unless it is one outcome."""
    while isinstance(node, ast.Grouping):
        node = node.expression
    if isinstance(node, ast.Variable) and node.level is not None:
        return ast.Variable(node.name), str(node.level.value)
    if isinstance(node, ast.Call) and callee_of(node) == CBIND and not _has_two_values(node):
        raise refusal(
            f"The outcome {render(node)} does not have two values as its arguments",
            "Counts are written cbind(successes, failures) or p(successes, trials)",
            "Write, for example, cbind(incidence, size - incidence)",
        )
    if isinstance(node, ast.Call) and callee_of(node) in COUNT_CALLS and not _is_count_call(node):
        raise refusal(
            f"The outcome {render(node)} does not have two columns as its arguments",
            "Counts are written p(successes, trials), trials being a column or a whole number",
            "Compute the two columns in the data first",
        )
    if isinstance(node, ast.Call | ast.Variable | ast.QuotedName) or _is_computed(node):
        return node, None
    raise refusal(
        f"The outcome {render(node)!r} is not one column",
        "Left of ~ write a column, a function, arithmetic or a comparison of columns, or p(successes, trials)",
        "Compute the outcome in the data first",
    )


def _is_computed(node: Node) -> bool:
    if isinstance(node, ast.Unary):
        return bool(columns_in(node))
    return isinstance(node, ast.Binary) and node.operator.kind in COMPUTED and bool(columns_in(node))


def _has_two_values(call: Node) -> bool:
    return len(call.args) == 2 and not any(isinstance(arg, ast.Assign) for arg in call.args)


def _trials(successes: Node, failures: Node) -> Node:
    """The trials of `cbind(successes, failures)`: n where failures are written n - successes, else the sum."""
    rest = failures
    while isinstance(rest, ast.Grouping):
        rest = rest.expression
    if isinstance(rest, ast.Binary) and rest.operator.kind == "MINUS" and render(rest.right) == render(successes):
        return rest.left
    return ast.Binary(successes, Token("PLUS", "+"), ast.Grouping(failures))


def _is_count_call(call: Node) -> bool:
    column = ast.Variable | ast.QuotedName
    if len(call.args) != 2 or not isinstance(call.args[0], column):
        return False
    trials = call.args[1]
    return isinstance(trials, column) or (isinstance(trials, ast.Literal) and isinstance(trials.value, int))
