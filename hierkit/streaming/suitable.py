"""Which models need of their rows only sums, and why others do not."""

from hierkit.model.families import FamilyName
from hierkit.model.formula import Formula
from hierkit.model.functions import OF_EACH_ROW
from hierkit.model.run import EngineName
from hierkit.model.syntax import Node, callee_of, calls_in, columns_in, is_sum_of_columns, outer_calls

CODING = frozenset(
    {"C", "S", "Sum", "T", "Treatment", "as.character", "as.factor", "cut", "factor", "ordered", "relevel"}
)
COUNTS = frozenset({"cbind", "p", "prop", "proportion"})
ALLOWED = OF_EACH_ROW | CODING | COUNTS | {"offset"}


def reason_against(formula: Formula, family: FamilyName, engine: EngineName) -> str | None:
    """Why a model has to have all rows at once, in a few words; None if sums or counts of them are enough.

    They are made a chunk at a time, so that each row's columns must follow from that row and, for categories, their
    levels.
    """
    if formula.precision.column is not None:
        return str(formula.precision)
    calls = (callee_of(call) for tree in _trees(formula) for call in calls_in(tree))
    function = next((name for name in calls if name not in ALLOWED), None)
    if function is not None:
        return f"{function}(), which looks at all rows"
    if family == "gaussian":
        return 'engine="pymc"' if engine == "pymc" else None
    return _against_counts(formula)


def _against_counts(formula: Formula) -> str | None:
    """Why counts of rows that are alike cannot be added up."""
    counts = formula.for_family("bernoulli").counts
    if counts is None:
        return None
    if not (is_sum_of_columns(counts.successes) and is_sum_of_columns(counts.trials)):
        return f"an outcome like {formula.outcome}"
    others = {*formula.predictors, *(name for term in formula.group_terms for name in term.factor)}
    both = next((name for name in formula.outcome_columns if name in others), None)
    return None if both is None else f"{both} as a predictor"


def coded_columns(formula: Formula) -> frozenset[str]:
    """Columns that a call makes a category of."""
    calls = [call for tree in _trees(formula) for call in outer_calls(tree) if _is_coding(call)]
    return frozenset(name for call in calls for name in columns_in(call))


def _is_coding(call: Node) -> bool:
    return any(callee_of(one) in CODING for one in calls_in(call))


def _trees(formula: Formula) -> list[Node]:
    return [formula.outcome_tree, formula.common_tree, *(term.effects_tree for term in formula.group_terms)]
