"""What a report says, as sections of sentences, pictures and tables; text and HTML are made of the same ones."""

import html
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from hierkit.errors import check_word
from hierkit.formats import as_csv, as_html, as_latex, as_markdown, condensed, in_latex, in_markdown
from hierkit.intervals import interval_in_words
from hierkit.model.columns import weighted_mean, weighted_sd
from hierkit.model.design import Design
from hierkit.progress import counted
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.prior_and_posterior import prior_and_posterior
from hierkit.quantities.variance_components import variance_components
from hierkit.reporting.certainty import answers, data_like_these
from hierkit.reporting.curve_sections import curves, lead
from hierkit.reporting.equation import equation
from hierkit.reporting.group_sections import groups, poolings, shapes, shares
from hierkit.reporting.methods import methods_paragraph, references, script
from hierkit.reporting.parts import Parts
from hierkit.reporting.section import Section, drawn, findings_as_text, in_text, items_as_text, quantity_section
from hierkit.reporting.story import first_screen, story
from hierkit.reporting.words import verdict
from hierkit.visible import visible

DEFAULTS = "All priors are the weakly informative defaults, scaled by the data."


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """The main sections of a fit; prints as text."""

    sections: tuple[Section, ...]

    def __str__(self) -> str:
        return visible("\n\n".join(in_text(section) for section in self.sections))

    __repr__ = __str__

    def to_markdown(self) -> str:
        """The sections in Markdown: headings and pipe tables."""
        return "\n\n".join(self._in("## {}", in_markdown, as_markdown))

    def to_latex(self) -> str:
        """The sections in LaTeX: headings and tabulars with booktabs' rules."""
        return "\n\n".join(self._in("\\section*{{{}}}", in_latex, as_latex))

    def to_html(self) -> str:
        """The sections in HTML: headings and tables, everything escaped."""
        return "\n".join(self._in("<h2>{}</h2>", html.escape, as_html))

    def to_csv(self) -> str:
        """Coefficients and variance components as comma-separated values with all digits, one table."""
        parts = {"Coefficients": "term", "Variance components": "component"}
        tables = [
            section.table.rename(columns={parts[section.title]: "parameter"})
            for section in self.sections
            if section.table is not None and section.title in parts
        ]
        return as_csv(pd.concat(tables, ignore_index=True))

    def _in(self, heading: str, escape: Callable[[str], str], spell: Callable[[pd.DataFrame], str]) -> Iterator[str]:
        for section in self.sections:
            yield heading.format(escape(section.title))
            yield from (escape(sentence) for sentence in section.sentences)
            if section.table is not None:
                yield spell(condensed(section.rows))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_latex_(self) -> str:
        return self.to_latex()


def summarise(parts: Parts) -> Summary:
    """The fit on one page of text: model, findings, coefficients, variance components.

    Parameters
    ----------
    parts : Parts
        The parts of the fit.

    Returns
    -------
    Summary
        Prints as text, and shows tables in a notebook.
    """
    return Summary((data_section(parts), findings_section(parts), *_estimates(parts)))


def report_sections(parts: Parts, wanted: Sequence[str] | None = None) -> tuple[Section, ...]:
    """The sections of a report, in the order in which they are read; all, or those wanted by their words."""
    chosen = list(SECTIONS) if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    for word in chosen:
        check_word("sections", word, list(SECTIONS))
    made = [section for word, section in SECTIONS.items() if word in chosen]
    return tuple(section for of_word in counted(made, "report", len(made)) for section in of_word(parts))


def _found(parts: Parts) -> Iterator[Section]:
    note = f"Numbers in parentheses are {interval_in_words()}."
    section = Section("What was found", (note,), points=first_screen(parts))
    best = next(lead(parts), None)
    yield section if best is None else replace(section, picture=best.picture)


def _trust(parts: Parts) -> Iterator[Section]:
    checked = data_like_these(parts)
    table = answers(parts, checked)
    section = Section("How sure is this?", (), table, "Checks of this fit", is_open=True)
    if checked is not None:
        seen = drawn("", checked, "Data drawn from the model beside the data", words=parts.words)
        section = replace(section, picture=seen.picture, definition=checked.definition)
    yield section
    if parts.calibration is not None:
        recovered = "Not all" if parts.calibration.draws.attrs["not_uniform"] else "All"
        title = f"{recovered} true values are recovered from simulated data"
        yield drawn(title, parts.calibration, "Where true values are among draws", words=parts.words)
    if parts.findings:
        yield findings_section(parts)


def _estimates(parts: Parts) -> tuple[Section, ...]:
    sections = []
    if parts.design.columns:
        found = coefficients(parts.posterior)
        sections.append(quantity_section("Coefficients", found, "Conditional coefficients"))
    components = variance_components(parts.posterior)
    if components.draws.sizes["component"]:
        sections.append(quantity_section("Variance components", components, "How much groups differ"))
    return tuple(replace(section, is_open=True) for section in sections)


def data_section(parts: Parts) -> Section:
    """The formula, the outcome, the rows used and the groups."""
    design = parts.design
    items = {
        "Formula": design.formula.text,
        "Outcome": _outcome(design),
        "Rows": f"{design.rows.used:,} of {design.rows.given:,} used",
    }
    if design.counted_by is not None:
        items["Rows that differ"] = f"{len(design.offset):,}, each with how many are like it"
    elif design.formula.precision.column is not None:
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
    return Section("Model and data", (), table, "What was fitted to what", items_as_text, is_open=True)


def _model(parts: Parts) -> Iterator[Section]:
    yield replace(data_section(parts), markup=equation(parts.design, parts.words))


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
    return Section(
        "Findings", (verdict(parts.findings),), table, "Findings, the gravest first", findings_as_text, is_open=True
    )


def _outcome(design: Design) -> str:
    outcome = design.of_rows.outcome
    if outcome.family.has_residual:
        mean = float(weighted_mean(outcome.y, outcome.trials_of_each))
        spread = weighted_sd(outcome.y, outcome.trials_of_each)
        return f"{outcome.label}, Gaussian: mean {mean:.4g}, sd {spread:.4g}"
    share = outcome.y.sum() / outcome.trials_of_each.sum()
    if outcome.is_counts and design.counted_by is None:
        return f"{outcome.label}, counts: {outcome.y.sum():.0f} successes in {outcome.trials_of_each.sum():.0f} trials"
    event = "1" if outcome.event is None else str(outcome.event)
    return f"{outcome.label}, Bernoulli: the event is {event}, in {share:.1%} of the rows"


def _priors(parts: Parts) -> Iterator[Section]:
    own = len(parts.priors.from_user)
    sentences = (
        f"{own} priors were set by the user." if own else DEFAULTS,
        "The prior of the intercept is at the centre of the predictors. Where a posterior in the picture looks like "
        "its prior (dashed), the rows said little.",
    )
    section = Section("Priors", sentences, parts.priors.table(), "Prior of every parameter")
    if len(variance_components(parts.thinned).draws["component"]):
        found = prior_and_posterior(parts.thinned, parts.priors)
        seen = drawn("", found, "Standard deviations beside their priors", words=parts.words)
        section = replace(section, picture=seen.picture)
    yield section


def _method(parts: Parts) -> Iterator[Section]:
    yield Section("Results, to be pasted", (" ".join(story(parts)),))
    yield Section("Methods, to be pasted", (methods_paragraph(parts), *references(parts)))
    run = parts.run
    sentences = ["This script makes the same fit again, given the table and these versions."]
    sentences += [f"First run: {run.retry}."] if run.retry else []
    versions = pd.DataFrame(run.versions.items(), columns=["package", "version"])
    yield Section("How to do it again", tuple(sentences), versions, "Versions", code=script(parts))


SECTIONS: dict[str, Callable[[Parts], Iterable[Section]]] = {
    "found": _found,
    "trust": _trust,
    "groups": groups,
    "pooling": poolings,
    "curves": curves,
    "shares": shares,
    "shape": shapes,
    "estimates": _estimates,
    "data": _model,
    "priors": _priors,
    "method": _method,
}
