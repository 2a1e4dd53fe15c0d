"""What a report says, as sections of sentences and tables; text and HTML are made of the same ones."""

import html
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.quantities.blups import group_effects
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.findings import Findings
from hierkit.quantities.quantity import Quantity
from hierkit.quantities.variance import variance_components

MOST_ROWS = 200
WIDTH = 100


def _table_as_text(table: pd.DataFrame) -> list[str]:
    return table.to_string(index=False, float_format="{:.4g}".format).splitlines()


def _items_as_text(table: pd.DataFrame) -> list[str]:
    return [f"{item}: {value}" for item, value in table.itertuples(index=False)]


def _findings_as_text(table: pd.DataFrame) -> list[str]:
    rows = [f"{row.severity}, {row.check}: {row.message} {row.advice}" for row in table.itertuples()]
    return [line for row in rows for line in textwrap.wrap(row, WIDTH, subsequent_indent="  ")]


@dataclass(frozen=True, eq=False)
class Parts:
    """What a report is made of: the parts of a fit, and its findings."""

    design: Design
    priors: Priors
    draws: xr.DataTree
    findings: Findings

    @property
    def posterior(self) -> xr.Dataset:
        """(chain, draw, ...)."""
        return self.draws["posterior"].to_dataset()


@dataclass(frozen=True, eq=False)
class Section:
    """A heading, sentences, and a table with its caption and its form in plain text where there is one."""

    title: str
    sentences: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    caption: str = ""
    as_text: Callable[[pd.DataFrame], list[str]] = _table_as_text


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """The main sections of a fit; prints as text."""

    sections: tuple[Section, ...]

    def __str__(self) -> str:
        return "\n\n".join(_as_text(section) for section in self.sections)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def summarise(parts: Parts) -> Summary:
    """The sections that fit on a page of text: model, findings, coefficients, variance components."""
    return Summary((model_section(parts), findings_section(parts), *_estimates(parts)))


def report_sections(parts: Parts) -> tuple[Section, ...]:
    """All sections of a report, in the order in which they are read."""
    effects = [
        _quantity_section(
            f"Groups of {factor.label}",
            group_effects(parts.posterior, parts.design, factor.label),
            f"Group effects of {factor.label}",
        )
        for factor in parts.design.factors
    ]
    return (
        findings_section(parts),
        *_estimates(parts),
        *effects,
        model_section(parts),
        _priors_section(parts),
        _sampling_section(parts),
    )


def verdict(findings: Findings) -> str:
    """Whether the draws can be used, in a sentence."""
    if findings.need_action:
        checks = ", ".join(finding.check for finding in findings.need_action)
        return f"The draws cannot be trusted yet: {checks}."
    return "The sampling checks found nothing wrong."


def model_section(parts: Parts) -> Section:
    """The formula, the outcome, the rows used and the groups."""
    design = parts.design
    items = {
        "Formula": design.formula.text,
        "Outcome": _outcome(design),
        "Rows": f"{len(design.rows.positions)} of {design.rows.given} used",
    }
    for factor in design.factors:
        least, most = factor.counts.min(), factor.counts.max()
        size = f"{least} to {most} rows each" if least < most else f"{least} rows each"
        items[f"Groups of {factor.label}"] = f"{len(factor.levels)}, {size}"
    table = pd.DataFrame(items.items(), columns=["item", "value"])
    return Section("Model and data", (), table, "What was fitted to what", _items_as_text)


def findings_section(parts: Parts) -> Section:
    """The verdict, and every finding with its advice."""
    table = parts.findings.table() if parts.findings else None
    return Section("Findings", (verdict(parts.findings),), table, "Findings, the gravest first", _findings_as_text)


def _outcome(design: Design) -> str:
    outcome = design.outcome
    if outcome.family == "gaussian":
        return f"{outcome.label}, Gaussian: mean {outcome.y.mean():.4g}, sd {outcome.y.std():.4g}"
    if outcome.trials is not None:
        return f"{outcome.label}, counts: {outcome.y.sum():.0f} successes in {outcome.trials.sum():.0f} trials"
    event = "1" if outcome.event is None else str(outcome.event)
    return f"{outcome.label}, Bernoulli: the event is {event}, in {outcome.y.mean():.1%} of the rows"


def _estimates(parts: Parts) -> tuple[Section, ...]:
    sections = []
    if parts.design.columns:
        found = coefficients(parts.posterior, parts.design)
        sections.append(_quantity_section("Coefficients", found, "Conditional coefficients"))
    components = variance_components(parts.posterior, parts.design)
    if components.draws.sizes["component"]:
        sections.append(_quantity_section("Variance components", components, "How much groups differ"))
    return tuple(sections)


def _quantity_section(title: str, quantity: Quantity, caption: str) -> Section:
    table = quantity.table()
    interval = (
        f"{table.attrs['ci_prob']:.0%} {'equal-tailed' if table.attrs['ci_kind'] == 'eti' else 'highest-density'}"
    )
    sentences = [quantity.definition, f"The interval is the {interval} interval."]
    if len(table) > MOST_ROWS:
        sentences.append(f"The first {MOST_ROWS} of {len(table)} rows are shown.")
        table = table.head(MOST_ROWS)
    return Section(title, tuple(sentences), table, caption)


def _priors_section(parts: Parts) -> Section:
    sentence = "The prior of the intercept is at the centre of the predictors."
    return Section("Priors", (sentence,), parts.priors.table(), "Prior of every parameter")


def _sampling_section(parts: Parts) -> Section:
    attrs = parts.draws.attrs
    sentences = [
        f"Engine {attrs['engine']} ({attrs['engine_reason']}), {attrs['nuts_sampler']}, seed {attrs['random_seed']}.",
        f"{attrs['chains']} chains of {attrs['draws']} draws after {attrs['tune']} for tuning, target acceptance "
        f"{attrs['target_accept']:g}, {attrs['sampling_seconds']:g} s.",
        *([f"First run: {attrs['retry']}."] if attrs["retry"] else []),
    ]
    versions = pd.DataFrame(attrs["versions"].items(), columns=["package", "version"])
    return Section("How it was computed", tuple(sentences), versions, "Versions")


def _as_text(section: Section) -> str:
    lines = [section.title, "-" * len(section.title)]
    for sentence in section.sentences:
        lines += textwrap.wrap(sentence, WIDTH)
    if section.table is not None:
        lines += section.as_text(section.table)
    return "\n".join(lines)
