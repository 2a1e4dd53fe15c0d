"""What was found, in sentences: how much groups differ, what a unit does, which groups are outlying."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from scipy.stats import norm

from hierkit.classical.compare_pooling import containing
from hierkit.intervals import without_mean
from hierkit.model.columns import Column
from hierkit.model.groups import Factor
from hierkit.model.reference_rows import averaged, reference_rows
from hierkit.posterior.draws import group_variance
from hierkit.posterior.posterior import student_t_note
from hierkit.quantities.coefficients import LARGEST_LOG_ODDS, coefficients
from hierkit.quantities.group_effects import partner
from hierkit.reporting.parts import Parts
from hierkit.reporting.predictors import predictors_in_words, within_and_across
from hierkit.reporting.words import (
    caution,
    event,
    figures,
    fraction,
    level_of,
    listed,
    number,
    outcome_name,
    outcome_unit,
    zeros_of,
)
from hierkit.vocabulary import capital

NAMED = 5
HARDLY = 0.02  # of the way
MOST_FIRST = 4  # sentences about predictors on the first screen
TYPICAL_DIFFERENCE = 2 / np.sqrt(np.pi)  # of two draws of a normal distribution, in its sds: E|u - v|
MEDIAN_ODDS_RATIO = np.sqrt(2) * norm.ppf(0.75)  # of two draws, the larger over the smaller (Merlo et al. 2006)
ODDS = "(Odds are how many cases with the event there are for each case without it.)"


def story(parts: Parts) -> tuple[str, ...]:
    """The findings about groups and predictors, a sentence or two each, after a caution where there must be one."""
    sentences = [caution(parts.findings)]
    for factor in parts.design.factors:
        sentences += [*_levels(parts, factor), *_effects(parts, factor), share(parts, factor)]
    sentences += [*_rows(parts), *predictors_in_words(parts), within_and_across(parts)]
    for factor in parts.design.factors:
        sentences += [pooling(parts, factor), outlying(parts, factor)]
    if parts.design.offset.any():
        sentences.append("All of this is in addition to each row's offset.")
    return tuple(filter(None, sentences))


def first_screen(parts: Parts) -> tuple[str, ...]:
    """The findings that a reader should know."""
    sentences = _of_predictors(parts)
    sentences.append(within_and_across(parts))
    for factor in parts.design.factors[:2]:
        sentences += _levels(parts, factor)
    if parts.design.factors:
        sentences.append(pooling(parts, parts.design.factors[0]))
    for factor in parts.design.factors:
        if factor.label in parts.unusual and parts.unusual[factor.label].draws["outlying"].any():
            sentences.append(outlying(parts, factor))
    if not parts.design.factors:
        sentences += _rows(parts)
    found = list(filter(None, sentences))
    if any(" odds " in sentence for sentence in found):
        found.append(ODDS)
    return tuple(found)


def _of_predictors(parts: Parts) -> list[str]:
    """Sentences about the coefficients that are known best in units of their sd, and how many there are besides."""
    sentences = list(predictors_in_words(parts))
    if len(sentences) <= MOST_FIRST:
        return sentences
    draws = coefficients(parts.posterior).draws["coefficient"]
    places = [i for i, column in enumerate(parts.design.columns) if not column.is_intercept]
    with np.errstate(divide="ignore", invalid="ignore"):  # chains that are stuck have an sd of zero
        strength = np.abs(draws.mean(("chain", "draw")).values / draws.std(("chain", "draw")).values)[places]
    first = np.sort(np.argsort(-strength, kind="stable")[:MOST_FIRST])
    more = len(sentences) - MOST_FIRST
    return [*(sentences[i] for i in first), f"{more} more coefficient{' is' if more == 1 else 's are'} below."]


def sd_of_levels(parts: Parts, factor: Factor) -> xr.DataArray:
    """(chain, draw), the sd of what the groups of a factor add at the means of the predictors."""
    place, draws = parts.design.factors.index(factor), parts.thinned.parameters
    rows = reference_rows(parts.design)
    variance = averaged(rows, (group_variance(draws.G[place], one.matrices.Z[place]) for one in rows))[:, 0]
    return draws.labelled(np.sqrt(variance))


def _levels(parts: Parts, factor: Factor) -> Iterator[str]:
    """How much two groups differ, for the same predictors."""
    if not any(effect.is_intercept for effect in factor.effects):
        return
    design, words = parts.design, parts.words
    sd = sd_of_levels(parts, factor)
    name = outcome_name(design, words)
    one = words.one(factor.label)
    several, same = capital(words.plural(factor.label)), _same(parts)
    if parts.is_student_t(factor):
        yield f"{several} differ{same}: the scale of their Student-t distribution is {number(sd)}{_unit(parts)}."
    elif design.family.is_linear:
        found = figures(TYPICAL_DIFFERENCE * sd)
        size = found.size(outcome_unit(design, words))
        yield f"{several} differ{same}: two of them are typically {size} apart in {name}."
    else:
        ratio = number(without_mean(np.exp((MEDIAN_ODDS_RATIO * sd).clip(max=LARGEST_LOG_ODDS))))
        yield (
            f"{several} differ{same}: the odds of {event(design, words)} in one {one} are typically {ratio} times "
            "those in another."
        )


def _same(parts: Parts) -> str:
    """Under which conditions groups are compared."""
    predictors = [name for name in parts.design.formula.predictors if name in parts.design.rows.frame]
    common = {name for column in parts.design.columns for name in column.variables}
    if not predictors or not common:
        return ""
    if len(predictors) == 1:
        return f" for the same {parts.words.name(predictors[0])}"
    return " for the same predictors"


def _unit(parts: Parts) -> str:
    """The unit of the linear predictor, after a number."""
    design = parts.design
    unit = outcome_unit(design, parts.words) if design.family.is_linear else "log odds"
    return f" {unit}" if unit else ""


def _effects(parts: Parts, factor: Factor) -> Iterator[str]:
    """How much each effect varies that is not described with its predictor, or as a difference of levels."""
    design = parts.design
    for effect in factor.effects:
        common = partner(effect, design.columns)
        if effect.is_intercept or common is not None:
            continue
        sd = number(parts.sds.sel(component=factor.sd(effect)))
        what = effect_in_words(parts, effect, factor.effects)
        unit = f"{_unit(parts)}{per_unit(parts, effect, factor.effects)}"
        several = parts.words.plural(factor.label)
        yield f"{capital(what)} varies between {several} with a {parts.spread(factor)} of {sd}{unit}."


def effect_in_words(parts: Parts, column: Column, effects: tuple[Column, ...], whose: str = "their") -> str:
    """What varies between groups: their level, or the effect of something."""
    design, words = parts.design, parts.words
    if column.is_intercept:
        zeros = zeros_of(design, effects, words)
        return f"{whose} level" + (f" where {listed(zeros)}" if zeros else "")
    found = level_of(design, column, effects)
    if found is None:
        return f"the effect of {words.term(column.label)}"
    name = words.name(found.name)
    if found.reference is None:
        further = "further difference" if any(other.is_intercept for other in effects) else "level"
        return f"{whose} {further} where {name} is {found.level}"
    return f"the difference between {name} {found.level} and {found.reference}"


def per_unit(parts: Parts, column: Column, effects: tuple[Column, ...]) -> str:
    """Per unit of what, for an effect that multiplies a number."""
    is_number = not column.is_intercept and level_of(parts.design, column, effects) is None
    return f" per unit of {parts.words.term(column.label)}" if is_number else ""


def share(parts: Parts, factor: Factor) -> str:
    """Which share of the variance lies between the groups of a factor."""
    shares = parts.shares.draws
    where = "response" if "response" in shares else "latent"
    part = number(shares[where].sel(factor=factor.label), percent=True)
    what = "variance of the outcome" if where == "response" else "variance"
    several = parts.words.plural(factor.label)
    text = f"At the means of the predictors, {part} of the unexplained {what} lies between {several}"
    if len(factor.effects) > 1 and any(effect.is_intercept for effect in factor.effects):
        sd = number(sd_of_levels(parts, factor))
        text += f"; their levels there have a {parts.spread(factor)} of {sd}{_unit(parts)}"
    return f"{text}."


def _rows(parts: Parts) -> Iterator[str]:
    design, words = parts.design, parts.words
    if not design.factors:
        yield f"All {design.rows.used:,} rows are one population: the model has no groups."
    if parts.posterior.sigma is not None:
        several = [words.plural(factor.label) for factor in design.factors]
        where = f"Within {listed(several)}, rows" if several else "Rows with the same predictors"
        weight = ", for a row of weight 1" if design.outcome.precision is not None else ""
        sd = f"{number(parts.posterior.sigma)}{_unit(parts)}"
        yield f"{where} scatter with a standard deviation of {sd}{weight}."
    elif design.outcome.sd_is_known:
        yield f"The standard deviations of the rows are known; they are in {design.formula.precision.known_sd}."


def kept_by_size(parts: Parts, factor: Factor) -> tuple[float, float, bool]:
    """The share of their own evidence that the least and the most certain groups keep, and whether sizes tell which."""
    kept = parts.kept[factor.label].draws["overall"].mean(("chain", "draw")).values
    counts = parts.design.sizes(factor)
    least, most = int(kept.argmin()), int(kept.argmax())
    return float(kept[least]), float(kept[most]), bool(counts[least] < counts[most])


def pooling(parts: Parts, factor: Factor) -> str:
    """How far groups are pulled to the common line."""
    words, sizes = parts.words, parts.design.sizes(factor)
    low, high, by_size = kept_by_size(parts, factor)
    several = words.plural(factor.label)
    alike = fraction(1 - low) == fraction(1 - high) or f"{low:.0%}" == f"{high:.0%}"
    middle = 1 - (low + high) / 2
    if alike and middle <= HARDLY:
        text = f"The model hardly pulls {several} to the common estimate: the rows of each are enough to speak for it."
    elif alike:
        text = f"The model pulls {several} {fraction(middle)} from their own estimates to the common one."
    elif by_size:
        least, most = int(sizes.min()), int(sizes.max())
        text = (
            f"The model pulls the smallest {several} ({least:,} {_rows_of(parts, least)}) {fraction(1 - low)} to the "
            f"common estimate, the largest ({most:,}) {fraction(1 - high)}: the less is known of one, the more it "
            "learns from the others."
        )
    else:
        text = f"The model pulls {several} between {1 - high:.0%} and {1 - low:.0%} of the way to the common estimate."
    others = [one for one in parts.design.factors if one is not factor]
    within = [one for one in others if any(outer is factor for outer, _ in containing(parts.design, one))]
    if inner := [words.plural(one.label) for one in within]:
        text += f" This is for known effects of the {listed(inner)}, which are pulled themselves: in all it is more."
    return text + (student_t_note(parts.posterior) if parts.is_student_t(factor) else "")


def _rows_of(parts: Parts, count: int) -> str:
    return parts.design.unit.removesuffix("s") if count == 1 else parts.design.unit


def outlying(parts: Parts, factor: Factor) -> str:
    """The groups that are unlike the others, or that there are none."""
    words = parts.words
    several = words.plural(factor.label)
    if factor.label not in parts.unusual:
        return f"Outlying {several} were not looked for, because there are {len(factor.levels):,} of them."
    found = parts.unusual[factor.label].draws
    places = np.flatnonzero(found["outlying"].values)
    if found["standardised"].isnull().all():
        return (
            f"With {words.counted(len(factor.levels), factor.label)} nobody can say whether one is out of the ordinary."
        )
    if not len(places):
        return f"None of the {words.counted(len(factor.levels), factor.label)} is out of the ordinary."
    deviations = parts.posterior.in_memory.effects(factor).u.mean(("chain", "draw")).values
    standardised = np.nan_to_num(found["standardised"].transpose("group", "effect").values)
    largest = np.abs(standardised).argmax(axis=1)
    named = [_unusual(parts, factor, j, int(largest[j]), deviations[j]) for j in places[:NAMED]]
    more = f"; and {len(places) - NAMED} more" if len(places) > NAMED else ""
    return f"Out of the ordinary: {'; '.join(named)}{more}."


def _unusual(parts: Parts, factor: Factor, group: int, effect: int, deviations: np.ndarray) -> str:
    """An outlying group: the effect that is most so, its direction and its size."""
    column, value = factor.effects[effect], deviations[effect]
    what = effect_in_words(parts, column, factor.effects, "its")
    side = "above" if value > 0 else "below"
    unit = f"{_unit(parts)}{per_unit(parts, column, factor.effects)}"
    who = parts.words.group(factor.label, factor.levels[group])
    return f"{who} ({what} is {abs(value):.3g}{unit} {side} the common one)"
