"""What was found, in sentences: how much groups differ, what a unit does, which groups are outlying."""

from collections.abc import Iterator

import numpy as np

from hierkit.model.groups import Factor
from hierkit.model.reference_rows import averaged, reference_rows
from hierkit.posterior.draws import group_variance
from hierkit.posterior.posterior import student_t_note
from hierkit.quantities.group_effects import partner
from hierkit.report.parts import Parts
from hierkit.report.predictors import predictors_in_words
from hierkit.report.words import effect_in_words, number, per_unit, verdict

NAMED = 5


def story(parts: Parts) -> tuple[str, ...]:
    """The findings about groups and predictors, a sentence or two each."""
    sentences = [*_caution(parts)]
    for factor in parts.design.factors:
        sentences += [*_effects(parts, factor), _share(parts, factor)]
    sentences += [*_rows(parts), *predictors_in_words(parts)]
    for factor in parts.design.factors:
        sentences += [_pooling(parts, factor), _outlying(parts, factor)]
    if parts.design.offset.any():
        sentences.append("All of this is in addition to each row's offset.")
    return tuple(sentences)


def _caution(parts: Parts) -> Iterator[str]:
    if parts.findings.need_action:
        yield f"{verdict(parts.findings)} What follows may be wrong."


def _effects(parts: Parts, factor: Factor) -> Iterator[str]:
    """How much each effect varies, without those that are described with their predictor."""
    design, first = parts.design, True
    for effect in factor.effects:
        common = partner(effect, design.columns)
        if common is not None and not effect.is_intercept:
            continue
        sd = number(parts.sds.sel(component=factor.sd(effect)))
        what = effect_in_words(design, effect, factor.effects)
        start = f"Groups of {factor.label} differ: {what} varies" if first else f"{what[0].upper()}{what[1:]} varies"
        unit = f"{design.link_unit}{per_unit(design, effect, factor.effects)}"
        yield f"{start} between them with a {parts.spread(factor)} of {sd} {unit}."
        first = False


def _share(parts: Parts, factor: Factor) -> str:
    design, shares = parts.design, parts.shares.draws
    where = "response" if "response" in shares else "latent"
    share = number(shares[where].sel(factor=factor.label), percent=True)
    what = "variance of the outcome" if where == "response" else "variance"
    text = f"At the means of the predictors, {share} of the unexplained {what} lies between groups of {factor.label}"
    if len(factor.effects) > 1 and any(effect.is_intercept for effect in factor.effects):
        place, draws = design.factors.index(factor), parts.thinned.parameters
        rows = reference_rows(design)
        variance = averaged(rows, (group_variance(draws.G[place], one.matrices.Z[place]) for one in rows))[:, 0]
        text += f"; their levels there have a {parts.spread(factor)} of {number(draws.labelled(np.sqrt(variance)))}"
    return f"{text}."


def _rows(parts: Parts) -> Iterator[str]:
    design = parts.design
    if not design.factors:
        yield f"All {len(design.offset):,} rows are one population: the model has no groups."
    if parts.posterior.sigma is not None:
        where = "Within groups, rows" if design.factors else "Rows with the same predictors"
        sd = f"{number(parts.posterior.sigma)} {design.link_unit}"
        weight = ", for one of weight 1" if design.outcome.precision is not None else ""
        yield f"{where} have a residual standard deviation of {sd}{weight}."
    elif design.outcome.sd_is_known:
        yield f"The standard deviations of the rows are known; they are in {design.formula.precision.known_sd}."


def _pooling(parts: Parts, factor: Factor) -> str:
    design = parts.design
    kept = parts.kept[factor.label].draws["overall"].mean(("chain", "draw")).values
    counts = design.sizes(factor)
    least, most = int(kept.argmin()), int(kept.argmax())
    low, high = f"{kept[least]:.0%}", f"{kept[most]:.0%}"
    if low == high:
        shares = f"about {low}"
    elif counts[least] < counts[most]:
        shares = f"from {low} ({counts[least]:,} {design.unit}) to {high} ({counts[most]:,} {design.unit})"
    else:
        shares = f"from {low} to {high}"
    text = f"Groups of {factor.label} keep {shares} of their own evidence"
    note = student_t_note(parts.posterior) if parts.is_student_t(factor) else ""
    return f"{text}; the rest of each estimate comes from the other groups.{note}"


def _outlying(parts: Parts, factor: Factor) -> str:
    if factor.label not in parts.unusual:
        many = f"{len(factor.levels):,}"
        return f"Outlying groups of {factor.label} were not looked for, because there are {many} groups."
    found = parts.unusual[factor.label].draws
    places = np.flatnonzero(found["outlying"].values)
    if not len(places):
        return f"No group of {factor.label} is outlying: all effects are within what a normal distribution allows."
    deviations = parts.posterior.effects(factor).u.mean(("chain", "draw")).values
    standardised = np.nan_to_num(found["standardised"].transpose("group", "effect").values)
    largest = np.abs(standardised).argmax(axis=1)
    named = [_unusual(parts, factor, j, int(largest[j]), deviations[j]) for j in places[:NAMED]]
    more = f"; and {len(places) - NAMED} more" if len(places) > NAMED else ""
    return f"Outlying groups of {factor.label}: {'; '.join(named)}{more}."


def _unusual(parts: Parts, factor: Factor, group: int, effect: int, deviations: np.ndarray) -> str:
    """An outlying group: the effect that is most so, its direction and its size."""
    column, value = factor.effects[effect], deviations[effect]
    what = effect_in_words(parts.design, column, factor.effects, "its")
    side = "above" if value > 0 else "below"
    unit = f"{parts.design.link_unit}{per_unit(parts.design, column, factor.effects)}"
    return f"{factor.levels[group]} ({what} is {abs(value):.3g} {unit} {side} the common one)"
