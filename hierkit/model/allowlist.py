"""The functions that a formula may call. Nothing else is: formulae would resolve any dotted name that it can reach."""

from formulae import expr as ast

from hierkit.errors import refusal
from hierkit.model.functions import NUMPY_FUNCTIONS, OF_ONE_VALUE, WORDS
from hierkit.model.parser import unreadable
from hierkit.model.syntax import Node, callee_of, walk

COUNT_CALLS = frozenset({"p", "prop", "proportion"})
CODING_CALLS = frozenset({"Sum", "Treatment"})
MATHEMATICS = frozenset(OF_ONE_VALUE) | {f"np.{name}" for name in NUMPY_FUNCTIONS}
ALLOWED_CALLS = (
    frozenset({"C", "I", "S", "T", "bs", "cbind", "center", "offset", "poly", "standardize"})
    | frozenset(WORDS)
    | MATHEMATICS
    | COUNT_CALLS
    | CODING_CALLS
)


def check_calls(root: Node, text: str) -> None:
    """Refuse a formula that calls anything else."""
    for node in walk(root):
        if not isinstance(node, ast.Call):
            continue
        if (name := callee_of(node)) not in ALLOWED_CALLS:
            raise refusal(
                f"The formula {text!r} calls {name}()",
                f"A formula may call {', '.join(sorted(ALLOWED_CALLS))}",
                "Compute the column in the data first, or pass trusted_formula=True if you wrote the formula yourself",
            )
        if name in MATHEMATICS and (len(node.args) != 1 or isinstance(node.args[0], ast.Assign)):
            raise unreadable(text, f"{name}() takes one value")
