"""What predictors do, in sentences: within a group, across the population, and how much that differs by group."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from scipy.stats import norm

from hierkit.intervals import interval_settings
from hierkit.model.columns import Column
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.syntax import columns_in
from hierkit.quantities.coefficients import LARGEST_LOG_ODDS, coefficients
from hierkit.quantities.group_effects import partner
from hierkit.reporting.parts import Parts
from hierkit.reporting.words import (
    Figures,
    change,
    event,
    figures,
    from_to,
    level_of,
    listed,
    number,
    one_more,
    outcome_name,
    outcome_unit,
    zeros_of,
)
from hierkit.vocabulary import capital, with_article


def predictors_in_words(parts: Parts) -> Iterator[str]:
    """What each predictor does, a sentence or two for each coefficient."""
    columns = [column for column in parts.design.columns if not column.is_intercept]
    if not columns:
        yield from _mean(parts)
        return
    found = coefficients(parts.posterior).draws
    for column in columns:
        if parts.design.family.is_linear:
            yield _linear(parts, column, found["coefficient"].sel(term=column.label))
        else:
            yield _odds(parts, column, found["odds_ratio"].sel(term=column.label))


def _mean(parts: Parts) -> Iterator[str]:
    """What the outcome is like where there is nothing but an intercept."""
    design, words = parts.design, parts.words
    if not design.columns or design.offset.any():
        return
    typical = listed([f"a typical {words.one(factor.label)}" for factor in design.factors])
    where = f"in {typical}, " if typical else ""
    intercept = coefficients(parts.posterior).draws["coefficient"].isel(term=0)
    if design.family.is_linear:
        unit = outcome_unit(design, words)
        said = f"the mean of {outcome_name(design, words)} is {number(intercept)}{f' {unit}' if unit else ''}"
    else:
        probability = intercept.copy(data=design.family.mean(intercept.values))
        said = f"the probability of {event(design, words)} is {number(probability, percent=True)}"
    yield f"{capital(where + said)}."


def _linear(parts: Parts, column: Column, draws: xr.DataArray) -> str:
    design, words = parts.design, parts.words
    found = figures(draws)
    name = outcome_name(design, words)
    unit = outcome_unit(design, words)
    if place := _mean_of_level(parts, column):
        return f"{place}, the mean of {name} is {found}{f' {unit}' if unit else ''}."
    if not _is_alone(design, column):
        return f"The coefficient of {words.term(column.label)} is {found}{_interacting(design, column)}."
    text = f"{_subject(parts, column)} goes with {change(found, name, unit)}{_comparing(parts, column)}."
    return text + "".join(_spread(parts, column, found, factor) for factor in design.factors)


def _odds(parts: Parts, column: Column, draws: xr.DataArray) -> str:
    design, words = parts.design, parts.words
    within = number(draws)
    across = None
    if design.factors:
        across = parts.across.draws["odds_ratio"].sel(term=column.label)
    if place := _mean_of_level(parts, column):
        whole = "" if across is None else f" in a typical group, {number(across)} in the whole population"
        return f"{place}, the odds of {event(design, words)} are {within}{whole}."
    if not _is_alone(design, column):
        return f"The odds ratio of {words.term(column.label)} is {within}{_interacting(design, column)}."
    text = f"{_subject(parts, column)} multiplies the odds of {event(design, words)} by {within}"
    if across is None:
        return f"{text}."
    places = listed([words.one(factor.label) for factor in design.factors])
    between = _constant_within(design, column)
    if between:
        where = f"comparing {listed([words.plural(label) for label in between])} that are otherwise alike"
    else:
        where = f"within {with_article(places)}"
    return f"{text} {where}, and by {number(across)} across the whole population.{_odds_spread(parts, column)}"


def within_and_across(parts: Parts) -> str:
    """Why the effects within groups and across the population differ, and which is for what; nothing if they do not."""
    design, words = parts.design, parts.words
    columns = [
        c for c in design.columns if not c.is_intercept and _is_alone(design, c) and not _mean_of_level(parts, c)
    ]
    if design.family.is_linear or not design.factors or not columns:
        return ""
    weaker = float(parts.across.draws["attenuation"].sel(term=columns[0].label).median())
    if not np.isfinite(weaker) or not 0 < weaker < 1:
        return ""
    first = design.factors[0].label
    one, several = words.one(first), words.plural(first)
    return (
        f"Across the population effects are weaker (here by {1 - weaker:.0%}), because {several} with few and with "
        f"many events are mixed there. Take the first number for what happens within {with_article(one)}, the second "
        "for the average over everybody."
    )


def _comparing(parts: Parts, column: Column) -> str:
    """Whether groups are compared."""
    between = _constant_within(parts.design, column)
    return f", comparing {listed([parts.words.plural(label) for label in between])}" if between else ""


def _interacting(design: Design, column: Column) -> str:
    """Where a coefficient holds if its predictor is in other terms too."""
    products = [other.term_label.split(":") for other in design.columns if ":" in other.term_label]
    interacts = any(column.term_label in parts for parts in products)
    return (
        ", where the predictors it interacts with are zero or at their reference level; see slopes()"
        if interacts
        else ""
    )


def _subject(parts: Parts, column: Column) -> str:
    """What is compared: one more unit of a number, or a level and its reference."""
    design, words = parts.design, parts.words
    if column.label in design.formula.predictors and column.level is None:
        if set(design.rows.frame[column.label].unique()) <= {0, 1}:
            return f"{capital(words.name(column.label))} 1 rather than 0"
        return capital(one_more(column.label, words))
    found = level_of(design, column, design.columns)
    if found is not None and found.reference is not None:
        return f"{capital(words.name(found.name))} {found.level} rather than {found.reference}"
    return f"One more of {words.term(column.label)}"


def _mean_of_level(parts: Parts, column: Column) -> str:
    """Where the coefficient is a level's own mean: of which; else nothing."""
    design = parts.design
    found = level_of(design, column, design.columns) if _is_alone(design, column) else None
    if found is None or found.reference is not None:
        return ""
    others = tuple(other for other in design.columns if other.term_label != column.term_label)
    places = [f"{parts.words.name(found.name)} is {found.level}", *zeros_of(design, others, parts.words)]
    return f"Where {listed(places)}"


def _is_alone(design: Design, column: Column) -> bool:
    """Whether a coefficient is what a predictor does: one that is in no other term."""
    name, others = column.term_label, [other.term_label for other in design.columns]
    elsewhere = any(name in other.split(":") for other in others if other != name)
    return columns_in(design.formula.common_tree).count(name) == 1 and not elsewhere


def _constant_within(design: Design, column: Column) -> list[str]:
    """The factors whose groups have one value each."""
    values = design.X[:, design.columns.index(column)]
    return [factor.label for factor in design.factors if factor.varies(values) == "between"]


def _spread(parts: Parts, column: Column, found: Figures, factor: Factor) -> str:
    """Between which slopes most groups lie, where they vary."""
    sd = _sd_of(parts, column, factor)
    if sd is None:
        return ""
    design = parts.design
    words = parts.words
    prob = interval_settings().prob
    half = _quantile(prob) * float(sd.mean())
    limits = from_to(found, found.estimate - half, found.estimate + half, outcome_unit(design, words))
    one, several = words.name(factor.label), words.plural(factor.label)
    return f" It differs by {one}: in {prob:.0%} of {several} it is between {limits}."


def _odds_spread(parts: Parts, column: Column) -> str:
    """Between which odds ratios most groups lie, where they vary."""
    text = ""
    for factor in parts.design.factors:
        sd = _sd_of(parts, column, factor)
        if sd is not None:
            words, prob = parts.words, interval_settings().prob
            middle = float(parts.posterior.coefficients().sel(term=column.label).mean())
            half = _quantile(prob) * float(sd.mean())
            low, high = np.exp(np.minimum([middle - half, middle + half], LARGEST_LOG_ODDS))
            one, several = words.name(factor.label), words.plural(factor.label)
            text += f" It differs by {one}: in {prob:.0%} of {several} the factor is between {low:.3g} and {high:.3g}."
    return text


def _sd_of(parts: Parts, column: Column, factor: Factor) -> xr.DataArray | None:
    """(chain, draw), the sd of the groups' own coefficients; None where they do not vary."""
    for effect in factor.effects:
        if not effect.is_intercept and partner(effect, parts.design.columns) is column:
            return parts.sds.sel(component=factor.sd(effect))
    return None


def _quantile(prob: float) -> float:
    """How many sds from the middle the bounds of the central part of a normal distribution are."""
    return float(norm.ppf((1 + prob) / 2))
