"""The sections about predictors that are measured: the outcome along each, and the picture of a first screen."""

from collections.abc import Iterator

import numpy as np

from hierkit.classical.compare_pooling import compare_pooling
from hierkit.model.reference_rows import is_measured
from hierkit.quantities.group_effects import group_effects
from hierkit.quantities.response_curve import response_curve
from hierkit.reporting.group_sections import thinned_note
from hierkit.reporting.parts import MOST_FITTED, Parts
from hierkit.reporting.predictors import predictors_in_words, within_and_across
from hierkit.reporting.section import Section, drawn
from hierkit.reporting.words import figures, outcome_name
from hierkit.vocabulary import capital

MOST_CURVES, MOST_DRAWN = 2, 200  # predictors, and groups of each


def curves(parts: Parts, most: int = MOST_CURVES) -> Iterator[Section]:
    """The outcome along the first measured predictors."""
    design = parts.design
    measured = [name for name in design.formula.predictors if is_measured(design, name)]
    for name in [name for name in measured if design.rows.frame[name].nunique() > 2][:most]:
        levels = design.factors[0].levels if design.factors else np.empty(0)
        chosen = list(levels[:: max(1, -(-len(levels) // MOST_DRAWN))]) if design.factors else None
        found = response_curve(parts.thinned, name, groups=chosen)
        caption = f"Mean of {outcome_name(design, parts.words)} along {parts.words.name(name)}"
        notes = thinned_note(parts, found)
        if design.factors:
            notes += ("Curves of single groups are drawn, and not in the table.",)
        sentences = _slopes_in_words(parts, name)
        yield drawn(_title(parts, name), found, caption, sentences, notes, words=parts.words)


def lead(parts: Parts) -> Iterator[Section]:
    """What shows the findings, the best first: curves, else complete, no and partial pooling, else the groups."""
    yield from curves(parts, most=1)
    for factor in parts.design.factors[:1]:
        several = parts.words.plural(factor.label)
        if len(factor.levels) <= MOST_FITTED:
            compared = compare_pooling(parts.thinned, factor.label)
            yield drawn("", compared, f"Complete, no and partial pooling of {several}", words=parts.words)
        yield drawn(
            "", group_effects(parts.of_groups(factor), factor.label), f"Effects of {several}", words=parts.words
        )


def _slopes_in_words(parts: Parts, name: str) -> tuple[str, ...]:
    """The sentences about a predictor, and why its effects within and across differ."""
    columns = [column for column in parts.design.columns if not column.is_intercept]
    sentences = list(predictors_in_words(parts)) if columns else []
    own = [sentence for column, sentence in zip(columns, sentences, strict=True) if column.term_label == name]
    return tuple(filter(None, [*own, within_and_across(parts) if own else ""]))


def _title(parts: Parts, name: str) -> str:
    """What happens along a predictor, if one coefficient says it."""
    words, outcome = parts.words, outcome_name(parts.design, parts.words)
    if [column.label for column in parts.design.columns if name in column.term_label] != [name]:
        return f"{capital(outcome)} along {words.name(name)}"
    found = figures(parts.posterior.coefficients().sel(term=name))
    what = outcome if parts.design.family.is_linear else f"the probability of {outcome}"
    if not found.is_clear:
        return f"{capital(what)} does not clearly change with {words.name(name)}"
    return f"{capital(what)} {'rises' if found.estimate > 0 else 'falls'} with {words.name(name)}"
