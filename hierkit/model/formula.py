"""Text -> Formula: the outcome, the common part and the group terms, with lme4's meaning.

Nothing is evaluated here. Every function called in the formula must stand on the allowlist, because formulae would
resolve any dotted name it can reach: a formula is code.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from formulae import expr as ast
from formulae.token import Token

from hierkit.errors import refusal
from hierkit.model.allowlist import check_calls
from hierkit.model.bars import factors_of, no_bars, split_groups
from hierkit.model.functions import OF_EACH_ROW
from hierkit.model.left_side import Counts, counts_of, of_trials, read_outcome, share_as_counts
from hierkit.model.parser import parse_text, unreadable
from hierkit.model.precision import Precision
from hierkit.model.size import check_powers
from hierkit.model.syntax import (
    Node,
    callee_of,
    columns_in,
    deep_recursion,
    is_column,
    outer_calls,
    render,
    walk,
)


@dataclass(frozen=True)
class GroupTerm:
    """One `(effects | factor)` of a formula.

    Attributes
    ----------
    factor : tuple of str
        The columns whose observed combinations are the groups: `("batch", "cask")` for `batch:cask`.
    correlated : bool
        Whether the effects have a free correlation matrix: true for `|`, false for `||`.
    """

    factor: tuple[str, ...]
    correlated: bool
    effects_tree: Node = field(repr=False, compare=False)

    @property
    def factor_label(self) -> str:
        """The factor as the user would write it, `batch:cask`."""
        return ":".join(self.factor)

    @property
    def label(self) -> str:
        """The term as text, its implicit intercept written out."""
        return f"({render(self.effects_tree)} {'|' if self.correlated else '||'} {self.factor_label})"


@dataclass(frozen=True)
class Formula:
    """A parsed formula; plain text and names, no data.

    Attributes
    ----------
    text : str
        As the user wrote it.
    columns : tuple of str
        Every data column that it uses, in the order of appearance.
    outcome_columns : tuple of str
        Those used on the left of `~`.
    event : str or None
        The level named as in `outcome["yes"]`.
    group_terms : tuple of GroupTerm
        One for each factor of each bar: `(1 | a/b)` gives two.
    trusted : bool
        Whether the allowlist was switched off by the user.
    precision : Precision
        The column that says how precise each row is, if any.
    """

    text: str
    columns: tuple[str, ...]
    outcome_columns: tuple[str, ...]
    event: str | None
    group_terms: tuple[GroupTerm, ...]
    trusted: bool
    outcome_tree: Node = field(repr=False, compare=False)
    common_tree: Node = field(repr=False, compare=False)
    precision: Precision = field(default_factory=Precision)

    @property
    def outcome(self) -> str:
        """The left side of `~` as text."""
        return render(self.outcome_tree)

    @property
    def common(self) -> str:
        """The right side without group terms as text, the implicit intercept written out."""
        return render(self.common_tree)

    @property
    def predictors(self) -> tuple[str, ...]:
        """The columns that the common part or an effect uses."""
        trees = [self.common_tree, *(term.effects_tree for term in self.group_terms)]
        used = {name for tree in trees for name in columns_in(tree)}
        return tuple(name for name in self.columns if name in used)

    @property
    def outcome_is_column(self) -> bool:
        """Whether the outcome is a column as it is, and neither computed nor counts."""
        return is_column(self.outcome_tree)

    @property
    def counts(self) -> Counts | None:
        """Successes and trials of `p(successes, trials)` and R's `cbind(successes, failures)`; else None."""
        return counts_of(self.outcome_tree)

    @property
    def outcome_scaled_by(self) -> str | None:
        """The function in the outcome whose value in a row depends on all rows, such as scale(); None without one."""
        calls = [] if self.counts is not None else [callee_of(call) for call in outer_calls(self.outcome_tree)]
        return next((call for call in calls if call not in OF_EACH_ROW), None)

    def with_precision(self, precision: Precision) -> "Formula":
        """The same formula, with the column that says how precise each row is."""
        if self.outcome_is_column and precision.column in self.outcome_columns:
            raise refusal(
                f"{precision} names {precision.column!r}, which is the outcome",
                "It names a column beside the outcome, which says how precise each row is",
                "Name that column",
            )
        if precision.known_sd is not None and (function := self.outcome_scaled_by):
            raise refusal(
                f"{precision} was given with the outcome {self.outcome}, whose unit {function}() takes from the rows",
                "Known sds are in the units of the outcome",
                "Scale the outcome and its sds in the data first",
            )
        return replace(self, columns=_unique([*self.columns, *precision.columns]), precision=precision)

    def for_family(self, family: str) -> "Formula":
        """The same formula, with `successes / trials` as counts where the outcome is a share of events."""
        return replace(self, outcome_tree=share_as_counts(self.outcome_tree)) if family == "bernoulli" else self


def parse(text: str, trusted: bool = False) -> Formula:
    """Read an lme4-style formula.

    Parameters
    ----------
    text : str
        `outcome ~ common part + (effects | factor) + ...`. Names with spaces or symbols go into backticks.
    trusted : bool
        Skip the allowlist of functions. The formula can then run any code that numpy or pandas can.

    Returns
    -------
    Formula

    Raises
    ------
    HierkitError
        For text that cannot be read, for a function that is not on the allowlist, and for terms without a meaning
        in a mixed model; the message shows the piece that was not understood.

    Notes
    -----
    `(x | g)` has a correlated intercept and slope, `(x || g)` the same effects uncorrelated, `(0 + x | g)` the slope
    alone, `(1 | a/b)` is `(1 | a) + (1 | a:b)`, and `(1 | a*b)` is `(1 | a) + (1 | b) + (1 | a:b)` (Bates et al.
    2015, section 2.2.1, and lme4 1.1-36).
    """
    try:
        with deep_recursion():
            return _parsed(text, trusted)
    except RecursionError:
        raise unreadable(text, "its terms are nested too deeply") from None


def _parsed(text: str, trusted: bool) -> Formula:
    root = parse_text(text)
    if not (isinstance(root, ast.Binary) and root.operator.kind == "TILDE"):
        raise refusal(f"The formula {text!r} has no outcome", 'A formula is "outcome ~ terms"', "Write one with a ~")
    outcome, event = read_outcome(root.left, text)
    common, bars = split_groups(root.right, text)
    group_terms = tuple(term for bar in bars for term in _group_terms(bar, text))
    if not trusted:
        check_calls(root, text)
    check_powers(root)
    _check_meaning(root, root.left, text)
    _check_numbers(common, text)
    outcome_columns = _unique(columns_in(outcome))
    predictors = _unique([*columns_in(common), *(name for bar in bars for name in columns_in(bar))])
    if both := [name for name in outcome_columns if name in predictors and name not in of_trials(outcome)]:
        raise refusal(
            f"{', '.join(map(repr, both))} is on both sides of ~ in {text!r}",
            "The outcome cannot be one of its own predictors",
            "Remove it from the right side",
        )
    columns = _unique([*outcome_columns, *predictors])
    return Formula(text, columns, outcome_columns, event, group_terms, trusted, outcome, common)


def _group_terms(bar: Node, text: str) -> list[GroupTerm]:
    effects = ast.Binary(ast.Literal(1), Token("PLUS", "+"), bar.left)
    no_bars(bar.left, text)
    _check_numbers(bar.left, text)
    correlated = bar.operator.lexeme == "|"
    return [GroupTerm(factor, correlated, effects) for factor in factors_of(bar.right, text)]


def _check_meaning(root: Node, outcome: Node, text: str) -> None:
    """Refuse what formulae would read otherwise than R, or not at all."""
    for node in walk(root):
        if isinstance(node, ast.Variable) and node.level is not None and node is not outcome:
            raise unreadable(text, f"the brackets of {node.name.lexeme}[...] have no meaning there")
        if not isinstance(node, ast.Binary):
            continue
        sides = (node.left, node.right)
        interaction = node.operator.kind in ("COLON", "STAR", "SLASH")
        if interaction and any(isinstance(side, ast.Call) and callee_of(side) == "offset" for side in sides):
            raise unreadable(text, "offset() is not a part of an interaction")


def _check_numbers(node: Node, text: str) -> None:
    """Refuse a bare number other than 0 and 1 as a term; inside calls and powers numbers are fine."""
    match node:
        case ast.Literal() if node.value not in (0, 1) or isinstance(node.value, bool):
            raise unreadable(text, f"the term {render(node)} is neither 0, 1 nor a column")
        case ast.Binary():
            _check_numbers(node.left, text)
            if node.operator.kind != "STAR_STAR":
                _check_numbers(node.right, text)
        case ast.Grouping():
            _check_numbers(node.expression, text)
        case ast.Unary():
            _check_numbers(node.right, text)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
