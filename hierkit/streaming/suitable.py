"""Which models need of their rows only sums, and why others do not."""

from hierkit.model.formula import Formula
from hierkit.model.functions import OF_EACH_ROW
from hierkit.model.run import EngineName
from hierkit.model.syntax import Node, callee_of, calls_in, columns_in, outer_calls

CODING = frozenset(
    {"C", "S", "Sum", "T", "Treatment", "as.character", "as.factor", "cut", "factor", "ordered", "relevel"}
)
ALLOWED = OF_EACH_ROW | CODING | {"offset"}


def reason_against_sums(formula: Formula, engine: EngineName) -> str | None:
    """Why a Gaussian model has to have all rows at once, in a few words; None if sums are enough.

    Sums are made a chunk at a time, so that each row's columns must follow from that row and, for categories, their
    levels.
    """
    if formula.precision.column is not None:
        return str(formula.precision)
    if engine == "pymc":
        return 'the engine "pymc"'
    calls = (callee_of(call) for tree in _trees(formula) for call in calls_in(tree))
    function = next((name for name in calls if name not in ALLOWED), None)
    return None if function is None else f"{function}(), which looks at all rows"


def coded_columns(formula: Formula) -> frozenset[str]:
    """Columns that a call makes a category of."""
    calls = [call for tree in _trees(formula) for call in outer_calls(tree) if _is_coding(call)]
    return frozenset(name for call in calls for name in columns_in(call))


def _is_coding(call: Node) -> bool:
    return any(callee_of(one) in CODING for one in calls_in(call))


def _trees(formula: Formula) -> list[Node]:
    return [formula.outcome_tree, formula.common_tree, *(term.effects_tree for term in formula.group_terms)]
