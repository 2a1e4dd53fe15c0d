"""The sections about groups: how they differ, how far they are pooled, how the variance divides, which stand out."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hierkit.classical.compare_pooling import compare_pooling
from hierkit.model.groups import Factor
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.group_effects import group_effects
from hierkit.reporting.parts import MOST_FITTED, Parts
from hierkit.reporting.section import Section, drawn, quantity_section
from hierkit.reporting.story import HARDLY, kept_by_size, outlying, pooling, share
from hierkit.reporting.words import fraction, number
from hierkit.vocabulary import capital

INSIDE = "All points are inside the grey band, where normally distributed {several} would be."


def groups(parts: Parts) -> Iterator[Section]:
    """Each factor's groups beside the common line."""
    for factor in parts.design.factors:
        found = group_effects(parts.of_groups(factor), factor.label)
        title, sentence = _clear_groups(parts, factor, found)
        caption = f"Effects of {parts.words.plural(factor.label)}"
        yield drawn(title, found, caption, (sentence,), thinned_note(parts, found), words=parts.words)


def _clear_groups(parts: Parts, factor: Factor, found: Quantity) -> tuple[str, str]:
    """How many groups differ clearly from the common line, and which are the highest and the lowest."""
    words, effect = parts.words, factor.effects[0]
    rows = found.table().query("effect == @effect.label")
    low, high, estimate = (rows[name].to_numpy() for name in ("ci_lower", "ci_upper", "estimate"))
    labels = rows["group"].tolist()
    clear = int(((low > 0) | (high < 0)).sum())
    size = len(labels)
    several = words.plural(factor.label)
    what = "the common level" if effect.is_intercept else f"the common effect of {words.term(effect.label)}"
    many = "None" if not clear else f"{clear:,}"
    title = f"{many} of the {size:,} {several} {'differs' if clear <= 1 else 'differ'} clearly from {what}"
    top, bottom = (words.group(factor.label, labels[int(place)]) for place in (estimate.argmax(), estimate.argmin()))
    sentence = (
        f"The highest is {top}, the lowest {bottom}. One differs clearly where its whole interval is on one side of "
        "the dashed line."
    )
    return title, sentence


def poolings(parts: Parts) -> Iterator[Section]:
    """How far each factor's groups are pulled, and what they would be otherwise."""
    for factor in parts.design.factors:
        found = parts.kept[factor.label]
        several = parts.words.plural(factor.label)
        caption = f"Shares that {several} keep of their own evidence"
        untabled = () if len(factor.levels) <= MOST_FITTED else ("own", "pooled")
        sentences, notes = (pooling(parts, factor),), thinned_note(parts, found)
        yield drawn(_pooling_title(parts, factor), found, caption, sentences, notes, untabled, parts.words)
        if len(factor.levels) <= MOST_FITTED:
            yield _compared(parts, factor)


def _compared(parts: Parts, factor: Factor) -> Section:
    several = parts.words.plural(factor.label)
    compared = compare_pooling(parts.thinned, factor.label)
    sentence = (
        f"On the left all {several} are one, in the middle each is estimated from its own rows, on the right by the "
        "model, which takes of both as much as the data support."
    )
    title = f"What the {several} would be as one, each alone, and together"
    caption = f"Complete, no and partial pooling of {several}"
    return drawn(title, compared, caption, (sentence,), thinned_note(parts, compared), words=parts.words)


def _pooling_title(parts: Parts, factor: Factor) -> str:
    low, high, by_size = kept_by_size(parts, factor)
    several = parts.words.plural(factor.label)
    if by_size and fraction(1 - low) != fraction(1 - high):
        return f"The smallest {several} are pulled {fraction(1 - low)} in"
    middle = 1 - (low + high) / 2
    return f"{capital(several)} are {f'pulled {fraction(middle)} in' if middle > HARDLY else 'hardly pulled'}"


def shares(parts: Parts) -> Iterator[Section]:
    """How the variance divides; and for events the effects across the population."""
    design = parts.design
    if not design.factors:
        return
    first = design.factors[0]
    where = "response" if "response" in parts.shares.draws else "latent"
    part = number(parts.shares.draws[where].sel(factor=first.label), percent=True).split(" ")[0]
    title = f"{part} of the unexplained variance lies between {parts.words.plural(first.label)}"
    sentences = tuple(share(parts, factor) for factor in design.factors)
    caption = "Share of the variance left by predictors that lies between groups"
    yield drawn(title, parts.shares, caption, sentences, thinned_note(parts, parts.shares), words=parts.words)
    if not design.family.is_linear and design.columns:
        note = thinned_note(parts, parts.across)
        section = quantity_section(
            "Effects across the whole population", parts.across, "Marginal coefficients", (), note
        )
        yield replace(section, is_open=True)


def shapes(parts: Parts) -> Iterator[Section]:
    """Whether groups follow a normal distribution, and which stand out."""
    for label, found in parts.unusual.items():
        if found.draws["standardised"].isnull().all():
            continue
        factor = parts.design.factor(label)
        several = parts.words.plural(label)
        count = int(np.sum(found.draws["outlying"].values))
        who = parts.words.counted(count, label) if count else f"None of the {several}"
        title = f"{who} {'is' if count <= 1 else 'are'} out of the ordinary"
        caption = f"Standardised effects of {several}"
        sentence = outlying(parts, factor) if count else INSIDE.format(several=several)
        yield drawn(title, found, caption, (sentence,), words=parts.words)


def thinned_note(parts: Parts, quantity: Quantity) -> tuple[str, ...]:
    """How many of the draws were used, where not all were."""
    used = int(quantity.draws.sizes["chain"] * quantity.draws.sizes["draw"])
    drawn = parts.posterior.size
    return (f"Computed from {used:,} of the {drawn:,} draws.",) if used < drawn else ()
