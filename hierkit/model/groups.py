"""Group terms -> factors: which rows belong to which group, and what varies by it.

The groups are coded here, because formulae would make every combination of nested labels a group, and an indicator
column of each. A group term's columns are those of the same text as a common part, which is what lme4 does:
`(0 + h | g)` has a column per level of h, `(h | g)` one fewer. Two bars are lme4's default too: `(h || g)` is
`(1 | g) + (0 + h | g)`, the levels of h correlated.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.centre import effects_at_centre
from hierkit.model.columns import Column
from hierkit.model.evaluated import Evaluated
from hierkit.model.formula import GroupTerm
from hierkit.model.levels import observed_groups
from hierkit.model.names import BAMBI_INTERCEPT, INTERCEPT, FactorNames, check_coefficients, correlations, degrees, sd
from hierkit.model.spelling import free_name
from hierkit.model.syntax import quoted
from hierkit.model.terms import Evaluator, is_readable

CONSTANT = 1e-10  # of a column's variance: rounding
GROUP_INTERCEPT = Column(INTERCEPT, INTERCEPT, BAMBI_INTERCEPT, is_intercept=True)


@dataclass(frozen=True, eq=False)
class Factor:
    """A grouping factor, its groups and its effects.

    Attributes
    ----------
    label : str
        As the user wrote it, `batch:cask`.
    name : str
        In the draws.
    levels : ndarray
        (group,), the labels in the type they were given; `"A:a"` for the cells of several columns.
    codes : ndarray of int
        (row,), each row's group as a place in `levels`.
    effects : tuple of Column
        What varies by group.
    blocks : tuple of tuple of int
        Effects that are correlated with each other, as places in `effects`; at least two each.
    Z : ndarray
        (row, effect), the values that the effects multiply.
    T : ndarray
        (effect, effect), u = T v for the effects v at the centre of the predictors; see `hierkit.model.centre`.
    """

    label: str
    name: str
    levels: NDArray[Any]
    codes: NDArray[np.intp]
    effects: tuple[Column, ...]
    blocks: tuple[tuple[int, ...], ...]
    Z: Array
    T: Array

    @property
    def Z_centred(self) -> Array:
        """(row, effect), what the effects at the centre multiply: Z T."""
        return self.Z if self.holds_everywhere else self.Z @ self.T

    @property
    def holds_everywhere(self) -> bool:
        """Whether its effects at the centre are those of the formula."""
        return bool((np.eye(len(self.T)) == self.T).all())

    def depends_on_zero(self, place: int) -> bool:
        """Whether the sd of an effect at the centre is another than where predictors are zero."""
        return bool((self.T[place] != np.eye(len(self.T))[place]).any())

    @property
    def counts(self) -> NDArray[np.intp]:
        """(group,), the rows of each group."""
        return np.bincount(self.codes, minlength=len(self.levels))

    def sums(self, columns: Array, Z: Array | None = None) -> Array:
        """(group, effect, column), the sums Z_j'C_j over each group's rows, for C (row, column); Z may be another's."""
        sums = np.empty((len(self.levels), len(self.effects), columns.shape[1]))
        for k, z in enumerate((self.Z if Z is None else Z).T):
            for i, column in enumerate(columns.T):
                sums[:, k, i] = np.bincount(self.codes, z * column, len(self.levels))
        return sums

    def varies(self, values: Array) -> str:
        """Whether a column (row,) varies "within" groups, "between" them or "both", but for rounding."""
        means = np.bincount(self.codes, values, len(self.levels)) / self.counts
        rounding = (8 * np.finfo(float).eps * float(np.abs(values).max())) ** 2
        scale = max(CONSTANT * float(np.var(values)), rounding)
        within = np.mean((values - means[self.codes]) ** 2) > scale
        between = np.var(means[self.codes]) > scale
        return "both" if within and between else "within" if within else "between"

    def variable(self, effect: Column) -> str:
        """The name in the draws of the variable that holds an effect, `wait|team`."""
        return self.names.effects(effect.term)

    @property
    def names(self) -> FactorNames:
        """The names of its variables and dimensions in the draws."""
        return FactorNames(self.name)

    @property
    def effect_names(self) -> list[str]:
        """The coordinates of its correlation matrix in the draws, where Bambi calls an intercept `1`."""
        return [BAMBI_INTERCEPT if effect.is_intercept else effect.label for effect in self.effects]

    def sd(self, effect: Column) -> str:
        """The parameter `sd(wait|team)`."""
        return sd(effect.label, self.label)

    @property
    def cor(self) -> str:
        """The parameter `cor(team)`."""
        return correlations(self.label)

    @property
    def nu(self) -> str:
        """The parameter `nu(team)`."""
        return degrees(self.label)


@dataclass(frozen=True)
class BambiTerms:
    """Group terms as Bambi takes them: their text, and columns that it has to find in the frame."""

    texts: tuple[str, ...]
    columns: dict[str, Any]


@dataclass(frozen=True)
class _Block:
    """Effects that vary together: their evaluated terms, and the group term that they come from."""

    term: GroupTerm
    items: tuple[Evaluated, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        columns = (column for item in self.items for column in item.columns)
        return tuple(GROUP_INTERCEPT if column.is_intercept else column for column in columns)

    @property
    def has_intercept(self) -> bool:
        return any(column.is_intercept for column in self.columns)

    @property
    def Z(self) -> Array:
        return np.hstack([item.values for item in self.items])


def make_factors(
    evaluator: Evaluator, rows: pd.DataFrame, terms: tuple[GroupTerm, ...]
) -> tuple[tuple[Factor, ...], BambiTerms]:
    """The grouping factors of a formula, each with all the effects that its group terms give it.

    Parameters
    ----------
    evaluator : Evaluator
        Of the formula.
    rows : pandas.DataFrame
        The columns as they were given, under the user's names.
    terms : tuple of GroupTerm
        From `parse`.

    Returns
    -------
    factors : tuple of Factor
        In the order of the formula.
    BambiTerms
        The same for Bambi.

    Raises
    ------
    HierkitError
        For a factor of one level or of measured numbers, and for an effect that a factor is given twice.
    """
    blocks = [block for term in terms for block in _blocks(evaluator, term)]
    ambiguous = _ambiguous_dims(blocks)
    factors = []
    texts = []
    columns = dict[str, Any]()
    for label in dict.fromkeys(block.term.factor_label for block in blocks):
        own = [block for block in blocks if block.term.factor_label == label]
        levels, codes = observed_groups(rows, own[0].term)
        name = ":".join(evaluator.names[column] for column in own[0].term.factor)
        if len(own[0].term.factor) > 1:
            columns[name] = pd.Categorical.from_codes(codes, categories=pd.Index(levels), ordered=True)
        for_bambi = [_for_bambi(evaluator, block, own, quoted(name), ambiguous, columns) for block in own]
        factors.append(_factor(label, name, levels, codes, own, [effects for effects, _ in for_bambi]))
        texts += [text for _, block_texts in for_bambi for text in block_texts]
    return tuple(factors), BambiTerms(tuple(texts), columns)


def _blocks(evaluator: Evaluator, term: GroupTerm) -> list[_Block]:
    items = tuple(evaluator.terms(term.effects_tree, term.label, apart=not term.correlated))
    if any(item.kind == "offset" for item in items):
        raise refusal(f"offset() is an effect in {term.label}", "Offsets are common to all groups", "Move it out")
    if not items:
        raise refusal(f"{term.label} has no effects", "A group term has an intercept or a slope", "Leave it out")
    for item in items:
        for label, column in zip(item.labels, item.values.T, strict=True):
            if not column.any():
                raise refusal(
                    f"No used row has the combination {label!r}",
                    f"The groups of {term.factor_label!r} cannot differ in what no row shows",
                    "Make one column of the combinations that occur, or leave the interaction out",
                )
    return [_Block(term, items)] if term.correlated else [_Block(term, (item,)) for item in items]


def evaluated_effects(evaluator: Evaluator, term: GroupTerm) -> list[tuple[Evaluated, ...]]:
    """The evaluated terms of a group term, block by block of correlated effects."""
    return [block.items for block in _blocks(evaluator, term)]


def _ambiguous_dims(blocks: list[_Block]) -> set[str]:
    """Terms that would need one dimension for different levels, because two factors code them differently."""
    coded: dict[str, set[tuple[str, ...]]] = {}
    for item in (item for block in blocks for item in block.items if item.codings):
        coded.setdefault(item.term.name, set()).add(item.labels)
    return {name for name, labels in coded.items() if len(labels) > 1}


def _factor(
    label: str,
    name: str,
    levels: NDArray[Any],
    codes: NDArray[np.intp],
    blocks: list[_Block],
    effects: list[tuple[Column, ...]],
) -> Factor:
    flat = tuple(effect for block in effects for effect in block)
    labels = [effect.label for effect in flat]
    check_coefficients(effect.label for effect in flat if not effect.is_intercept)
    if doubled := sorted({effect for effect in labels if labels.count(effect) > 1}):
        raise refusal(
            f"The effect {', '.join(doubled)} of {label!r} is given more than once",
            "An effect belongs to one group term of its factor, and (x | g) has an intercept of its own",
            f"Write (0 + x | {label}) for a slope without it",
        )
    ends = np.cumsum([len(block) for block in effects])
    correlated = [tuple(range(end - len(b), end)) for end, b in zip(ends.tolist(), effects, strict=True) if len(b) > 1]
    maps = [effects_at_centre(block.items, block.items[0].weights) for block in blocks]
    spreads = np.concatenate([spread for _, spread in maps])
    scaled = [_scaled(effect, spread) for effect, spread in zip(flat, spreads.tolist(), strict=True)]
    Z = np.hstack([block.Z for block in blocks])
    return Factor(label, name, levels, codes, tuple(scaled), tuple(correlated), Z, block_diag(*[T for T, _ in maps]))


def _scaled(effect: Column, spread: float) -> Column:
    """The effect with the sd of its centred column, if it is a slope of its own and that column varies."""
    own = effect.spread is not None and not effect.in_full and spread > 0
    return replace(effect, spread=spread) if own else effect


def _for_bambi(
    evaluator: Evaluator,
    block: _Block,
    siblings: list[_Block],
    factor: str,
    ambiguous: set[str],
    columns: dict[str, Any],
) -> tuple[tuple[Column, ...], list[str]]:
    """The block's effects as Bambi will hold them, and its terms as Bambi will read them.

    formulae codes the categories of all effects of a factor alike: in full if none of its effects is an intercept,
    reduced if one is. lme4 decides term by term. Where the two differ, Bambi gets each column as a number, put into
    `columns`.
    """
    reduced = any(sibling.has_intercept for sibling in siblings)
    as_written = (
        block.term.correlated
        and all(item.as_formulae for item in block.items)
        and set().union(*(item.codings for item in block.items)) <= {not reduced}
        and not any(item.term.name in ambiguous for item in block.items)
    )
    text = evaluator.text(block.term.effects_tree, block.items)
    if as_written and is_readable(text):
        return block.columns, [f"({text} | {factor})"]
    effects, texts = [], []
    names = [label for item in block.items for label in item.term.labels]
    for column, name, values in zip(block.columns, names, block.Z.T, strict=True):
        if column.is_intercept:
            effects.append(column)
            texts.append(f"(1 | {factor})")
        else:
            word = free_name(name, values, columns, evaluator.frame)
            columns[word] = values
            effects.append(replace(column, term=word, index=None))
            texts.append(f"(0 + {quoted(word)} | {factor})")
    return tuple(effects), texts
