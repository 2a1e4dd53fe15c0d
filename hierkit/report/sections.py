"""What a report says, as sections of sentences and tables; text and HTML are made of the same ones."""

import html
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierkit.classical.compare_pooling import compare_pooling
from hierkit.errors import check_word
from hierkit.intervals import interval_in_words
from hierkit.model.design import Design
from hierkit.model.reference_rows import is_measured
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.group_effects import group_effects
from hierkit.quantities.response_curve import response_curve
from hierkit.quantities.variance_components import variance_components
from hierkit.report.parts import MOST_FITTED, Parts
from hierkit.report.section import Section, drawn, findings_as_text, in_text, items_as_text, quantity_section
from hierkit.report.story import story
from hierkit.report.words import verdict

MOST_CURVES, MOST_DRAWN = 2, 200  # predictors, and groups of each


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """The main sections of a fit; prints as text."""

    sections: tuple[Section, ...]

    def __str__(self) -> str:
        return "\n\n".join(in_text(section) for section in self.sections)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def summarise(parts: Parts) -> Summary:
    """The sections that fit on a page of text: model, findings, coefficients, variance components."""
    return Summary((model_section(parts), findings_section(parts), *_estimates(parts)))


def report_sections(parts: Parts, wanted: Sequence[str] | None = None) -> tuple[Section, ...]:
    """The sections of a report, in the order in which they are read; all, or those wanted by their words."""
    chosen = list(SECTIONS) if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    for word in chosen:
        check_word("sections", word, list(SECTIONS))
    return tuple(section for word, made in SECTIONS.items() if word in chosen for section in made(parts))


def _found(parts: Parts) -> Iterator[Section]:
    yield Section("What was found", (*story(parts), f"Numbers in parentheses are {interval_in_words()}."))


def _trust(parts: Parts) -> Iterator[Section]:
    yield findings_section(parts)


def _shares(parts: Parts) -> Iterator[Section]:
    if parts.design.factors:
        caption = "Share of the variance left by predictors that lies between groups"
        yield drawn("How the variance divides", parts.shares, caption, _thinned_note(parts, parts.shares))
        if not parts.design.family.is_linear and parts.design.columns:
            note = _thinned_note(parts, parts.across)
            yield quantity_section("Across the population", parts.across, "Marginal coefficients", note)


def _groups(parts: Parts) -> Iterator[Section]:
    for factor in parts.design.factors:
        found = group_effects(parts.posterior, factor.label)
        yield drawn(f"Groups of {factor.label}", found, f"Group effects of {factor.label}")


def _pooling(parts: Parts) -> Iterator[Section]:
    for factor in parts.design.factors:
        found = parts.kept[factor.label]
        caption = f"Shares that groups of {factor.label} keep of their own evidence"
        untabled = ("pull",) if len(factor.levels) <= MOST_FITTED else ("pull", "own", "pooled")
        yield drawn(f"Shrinkage of {factor.label}", found, caption, _thinned_note(parts, found), untabled)
        if len(factor.levels) <= MOST_FITTED:
            compared = compare_pooling(parts.thinned, factor.label)
            caption = f"Complete, no and partial pooling of {factor.label}"
            yield drawn(f"Pooling of {factor.label}", compared, caption, _thinned_note(parts, compared))


def _curves(parts: Parts) -> Iterator[Section]:
    design = parts.design
    measured = [name for name in design.formula.predictors if is_measured(design, name)]
    for name in [name for name in measured if design.rows.frame[name].nunique() > 2][:MOST_CURVES]:
        levels = design.factors[0].levels if design.factors else np.empty(0)
        groups = list(levels[:: max(1, -(-len(levels) // MOST_DRAWN))]) if design.factors else None
        found = response_curve(parts.thinned, name, groups=groups)
        title = f"{design.outcome.label} along {name}"
        caption = f"Mean of {design.outcome.label} along {name}"
        note = _thinned_note(parts, found)
        if design.factors:
            note += ("Curves of single groups are drawn, and not in the table.",)
        yield drawn(title, found, caption, note, ("by_group",))


def _shape(parts: Parts) -> Iterator[Section]:
    for label, found in parts.unusual.items():
        yield drawn(f"Are the effects of {label} normal?", found, f"Standardised effects of {label}")


def _priors(parts: Parts) -> Iterator[Section]:
    yield _priors_section(parts)


def _data(parts: Parts) -> Iterator[Section]:
    yield model_section(parts)


def _method(parts: Parts) -> Iterator[Section]:
    yield _sampling_section(parts)


SECTIONS: dict[str, Callable[[Parts], Iterable[Section]]] = {
    "found": _found,
    "trust": _trust,
    "estimates": lambda parts: _estimates(parts),
    "shares": _shares,
    "groups": _groups,
    "pooling": _pooling,
    "curves": _curves,
    "shape": _shape,
    "data": _data,
    "priors": _priors,
    "method": _method,
}


def _thinned_note(parts: Parts, quantity: Quantity) -> tuple[str, ...]:
    """How many of the draws were used, where not all were."""
    used = int(quantity.draws.sizes["chain"] * quantity.draws.sizes["draw"])
    drawn = parts.posterior.size
    return (f"Computed from {used:,} of the {drawn:,} draws.",) if used < drawn else ()


def model_section(parts: Parts) -> Section:
    """The formula, the outcome, the rows used and the groups."""
    design = parts.design
    items = {
        "Formula": design.formula.text,
        "Outcome": _outcome(design),
        "Rows": f"{len(design.rows.positions)} of {design.rows.given} used",
    }
    if design.formula.precision.column is not None:
        items |= _precision(design)
    items["Engine"] = f"{parts.run.engine} ({parts.run.engine_reason})"
    items["Draws"] = _sampled(parts)
    for factor in design.factors:
        sizes = design.sizes(factor)
        least, most = sizes.min(), sizes.max()
        unit = design.unit if most > 1 else design.unit.removesuffix("s")
        size = f"{least} to {most} {unit} each" if least < most else f"{least} {unit} each"
        items[f"Groups of {factor.label}"] = f"{len(factor.levels)}, {size}"
    table = pd.DataFrame(items.items(), columns=["item", "value"])
    return Section("Model and data", (), table, "What was fitted to what", items_as_text)


def _sampled(parts: Parts) -> str:
    """How many draws there are, how many diverged, and how long it took."""
    run, statistics = parts.run, parts.draws["sample_stats"]
    diverged = int(statistics["diverging"].sum()) if "diverging" in statistics else 0
    said = f"{diverged:,} divergence{'' if diverged == 1 else 's'}"
    return f"{run.chains} chains of {run.draws:,} after {run.tune:,} for tuning, {said}, {run.sampling_seconds:g} s"


def _precision(design: Design) -> dict[str, str]:
    """The column of weights or known sds, and its range."""
    precision = design.formula.precision
    values = design.rows.frame[precision.columns[0]]
    name = "Weights" if precision.known_sd is None else "Known sds"
    return {name: f"{precision.column}, from {values.min():.4g} to {values.max():.4g}"}


def findings_section(parts: Parts) -> Section:
    """The verdict, and every finding with its advice."""
    table = parts.findings.table() if parts.findings else None
    return Section("Findings", (verdict(parts.findings),), table, "Findings, the gravest first", findings_as_text)


def _outcome(design: Design) -> str:
    outcome = design.outcome
    if outcome.family.has_residual:
        return f"{outcome.label}, Gaussian: mean {outcome.y.mean():.4g}, sd {outcome.y.std():.4g}"
    if outcome.is_counts:
        return f"{outcome.label}, counts: {outcome.y.sum():.0f} successes in {outcome.trials_of_each.sum():.0f} trials"
    event = "1" if outcome.event is None else str(outcome.event)
    return f"{outcome.label}, Bernoulli: the event is {event}, in {outcome.y.mean():.1%} of the rows"


def _estimates(parts: Parts) -> tuple[Section, ...]:
    sections = []
    if parts.design.columns:
        found = coefficients(parts.posterior)
        sections.append(quantity_section("Coefficients", found, "Conditional coefficients"))
    components = variance_components(parts.posterior)
    if components.draws.sizes["component"]:
        sections.append(quantity_section("Variance components", components, "How much groups differ"))
    return tuple(sections)


def _priors_section(parts: Parts) -> Section:
    sentence = "The prior of the intercept is at the centre of the predictors."
    return Section("Priors", (sentence,), parts.priors.table(), "Prior of every parameter")


def _sampling_section(parts: Parts) -> Section:
    run = parts.run
    precision = parts.design.formula.precision
    given = f"{precision}, " if precision.given else ""
    sentences = [
        f"Engine {run.engine} ({run.engine_reason}), {run.nuts_sampler}, seed {run.random_seed}.",
        f"{run.chains} chains of {run.draws} draws after {run.tune} for tuning, target acceptance "
        f"{run.target_accept:g}, {run.sampling_seconds:g} s.",
        f"To reproduce it: hierkit.fit({parts.design.formula.text!r}, data, family={parts.design.family.name!r}, "
        f"{given}priors=..., effects={run.effects!r}, engine={run.engine!r}, draws={run.draws}, "
        f"tune={run.tune}, chains={run.chains}, target_accept={run.target_accept:g}, "
        f"random_seed={run.random_seed}) with the priors and versions listed on this page.",
        *([f"First run: {run.retry}."] if run.retry else []),
    ]
    versions = pd.DataFrame(run.versions.items(), columns=["package", "version"])
    return Section("How it was computed", tuple(sentences), versions, "Versions")
