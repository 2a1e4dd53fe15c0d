"""What predictors do, in sentences: within a group, across the population, and how much that differs by group."""

from collections.abc import Iterator

from hierkit.model.columns import Column
from hierkit.model.design import Design
from hierkit.model.reference_rows import is_measured
from hierkit.model.syntax import columns_in
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.group_effects import partner
from hierkit.report.parts import Parts
from hierkit.report.words import event, level_of, listed, number, zeros_of


def predictors_in_words(parts: Parts) -> Iterator[str]:
    """A sentence for each coefficient, and how far groups' own ones spread."""
    columns = [column for column in parts.design.columns if not column.is_intercept]
    if not columns:
        return
    found = coefficients(parts.posterior).draws
    for column in columns:
        if parts.design.family.is_linear:
            value = number(found["coefficient"].sel(term=column.label))
            yield _change(parts.design, column, value) + _spread(parts, column)
        else:
            within = number(found["odds_ratio"].sel(term=column.label))
            across = parts.across.draws["odds_ratio"].sel(term=column.label) if parts.design.factors else None
            wide = None if across is None else number(across)
            yield _odds(parts.design, column, within, wide) + _spread(parts, column)


def _change(design: Design, column: Column, value: str) -> str:
    if level := _mean_of_level(design, column):
        return f"{level}, {design.outcome.label} has a mean of {value}."
    if not _is_alone(design, column):
        return f"The coefficient of {column.label} is {value}{_interacting(design, column)}."
    between = _constant_within(design, column)
    if between:
        where = f", a comparison between groups of {listed(between)}"
    else:
        where = ", both within a group and across the population" if design.factors else ""
    return f"{_subject(design, column)} changes {design.outcome.label} by {value}{where}."


def _odds(design: Design, column: Column, within: str, across: str | None) -> str:
    if level := _mean_of_level(design, column):
        whole = f" in a typical group, {across} in the population" if across else ""
        return f"{level}, the odds of {event(design)} are {within}{whole}."
    if not _is_alone(design, column):
        return f"The odds ratio of {column.label} is {within}{_interacting(design, column)}."
    text = f"{_subject(design, column)} multiplies the odds of {event(design)} by {within}"
    if across is None:
        return f"{text}."
    between = _constant_within(design, column)
    where = f"between otherwise similar groups of {listed(between)}" if between else "within a group"
    return f"{text} {where}, and by {across} across the population."


def _interacting(design: Design, column: Column) -> str:
    """Where a coefficient holds if its predictor is in other terms too."""
    products = [other.term_label.split(":") for other in design.columns if ":" in other.term_label]
    interacts = any(column.term_label in parts for parts in products)
    return (
        ", where the predictors it interacts with are zero or at their reference level; see slopes()"
        if interacts
        else ""
    )


def _subject(design: Design, column: Column) -> str:
    if column.label in design.formula.predictors and is_measured(design, column.label):
        return f"One more unit of {column.label}"
    found = level_of(design, column, design.columns)
    if found is not None and found.reference is not None:
        return f"{found.name} = {found.level} instead of {found.reference}"
    return f"One more unit of the term {column.label}"


def _mean_of_level(design: Design, column: Column) -> str:
    """Where the coefficient is a level's own mean: of which; else nothing."""
    found = level_of(design, column, design.columns) if _is_alone(design, column) else None
    if found is None or found.reference is not None:
        return ""
    others = tuple(other for other in design.columns if other.term_label != column.term_label)
    return f"Where {listed([f'{found.name} is {found.level}', *zeros_of(design, others)])}"


def _is_alone(design: Design, column: Column) -> bool:
    """Whether a coefficient is what a predictor does: one that is in no other term."""
    name, others = column.term_label, [other.term_label for other in design.columns]
    elsewhere = any(name in other.split(":") for other in others if other != name)
    return columns_in(design.formula.common_tree).count(name) == 1 and not elsewhere


def _constant_within(design: Design, column: Column) -> list[str]:
    """The factors whose groups have one value each."""
    values = design.X[:, design.columns.index(column)]
    return [factor.label for factor in design.factors if factor.varies(values) == "between"]


def _spread(parts: Parts, column: Column) -> str:
    """How far groups' own coefficients spread, where they vary."""
    text = ""
    for factor in parts.design.factors:
        for effect in factor.effects:
            if partner(effect, parts.design.columns) is column:
                sd = number(parts.sds.sel(component=factor.sd(effect)))
                gaussian = parts.design.family.is_linear
                unit = "" if gaussian else " log odds"
                subject = "It differs" if gaussian else "They differ"
                text += f" {subject} between groups of {factor.label}, with a {parts.spread(factor)} of {sd}{unit}."
    return text
