"""Sections -> one self-contained HTML file: no script, no network, everything escaped."""

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from hierkit.formats import STYLE, as_csv, as_html, condensed
from hierkit.posterior.quantity import Quantity
from hierkit.replacing import replacing
from hierkit.reporting.parts import Parts, without_levels
from hierkit.reporting.section import Section
from hierkit.reporting.sections import report_sections, summarise
from hierkit.reporting.several import about_several, several_sections
from hierkit.reporting.weight import MOST_BYTES, lighter
from hierkit.reporting.words import caution, listed, outcome_name, verdict
from hierkit.visible import visible
from hierkit.vocabulary import Labels, Units, capital, make_vocabulary

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_NAMED = 3  # predictors in a title
MOST_CSV = 60_000  # bytes of a table that is downloaded


@dataclass(frozen=True, repr=False)
class Report:
    """A report as text of HTML.

    Attributes
    ----------
    html : str
        The whole page.
    """

    html: str

    def save(self, path: str | Path) -> Path:
        """Write the page into a file, whole or not at all.

        Parameters
        ----------
        path : str or Path
            The file; one that is there is replaced in a single step, when the new one is complete.

        Returns
        -------
        Path
            Where it was written.

        Raises
        ------
        HierkitError
            For a folder, a folder that does not exist, and what is no file.
        OSError
            Where the file cannot be written; an older one is left as it was.
        """
        with replacing(path) as temporary:
            temporary.write_text(self.html, encoding="utf-8")
        return Path(path)

    def __repr__(self) -> str:
        return f"Report of {len(self.html.encode()) / 1024:.0f} kB; save it with .save('report.html')"

    def _repr_html_(self) -> str:
        page = html.escape(self.html, quote=True)
        return f'<iframe sandbox srcdoc="{page}" title="Report" width="100%" height="600">{self!r}</iframe>'


def render_report(
    parts: Parts,
    title: str | None = None,
    sections: Sequence[str] | None = None,
    include_levels: bool = True,
    labels: Labels | None = None,
    units: Units | None = None,
    calibration: Quantity | None = None,
) -> Report:
    """The report of a fit.

    Parameters
    ----------
    parts : Parts
        The parts of the fit.
    title : str, optional
        Of the page; the outcome if not given.
    sections : sequence of str, optional
        Which sections: "found", "trust", "estimates", "shares", "groups", "pooling", "curves", "shape", "data",
        "priors", "method"; all if not given.
    include_levels : bool
        Whether groups have their names; else they are numbered. The formula and the names of coefficients stay as they
        are, also where a grouping factor is a predictor too.
    labels : mapping of str to str or (str, str), optional
        The names of columns in sentences and pictures, `{"team": "support team"}`, or for one and for several,
        `{"mouse": ("mouse", "mice")}`.
    units : mapping of str to str, optional
        The units of columns, in the plural: `{"wait": "minutes"}`.
    calibration : Quantity, optional
        What `fit.calibration()` returned, to be part of the page.

    Returns
    -------
    Report
        The same bytes for the same fit, below 1 MB: long tables are cut and the largest pictures left out where it has
        to be, which their sections say. Its Content-Security-Policy allows inline style and data images, nothing else.
    """
    words = make_vocabulary(labels, units, _columns(parts))
    parts = replace(parts, words=words, calibration=calibration)
    if not include_levels:
        parts = without_levels(parts)
    said, trusted = caution(parts.findings) or verdict(parts.findings), not parts.findings.need_action
    version = parts.run.versions.get("hierkit", "")
    return _page(title or _title(parts), _about(parts), said, trusted, version, report_sections(parts, sections))


def render_several(
    models: Mapping[str, Parts], title: str | None = None, labels: Labels | None = None, units: Units | None = None
) -> Report:
    """A page of several fits, by the name of each: what differs, side by side."""
    columns = {column: None for parts in models.values() for column in _columns(parts)}
    words = make_vocabulary(labels, units, list(columns))
    models = {name: replace(parts, words=words) for name, parts in models.items()}
    bad = [name for name, parts in models.items() if parts.findings.need_action]
    said = f"{listed(bad)} cannot be trusted yet." if bad else "All computations can be trusted."
    first = next(iter(models.values()))
    name = title or f"Models of {outcome_name(first.design, words)}"
    version = first.run.versions.get("hierkit", "")
    return _page(name, about_several(models), said, not bad, version, several_sections(models))


def _columns(parts: Parts) -> list[str]:
    return [*map(str, parts.design.rows.frame), *(factor.label for factor in parts.design.factors)]


def _page(title: str, about: str, said: str, trusted: bool, version: str, sections: Sequence[Section]) -> Report:
    """The page, with what is too large left out."""
    template = _environment().get_template("report.html.jinja")
    words = {"title": title, "about": about, "verdict": said, "trusted": trusted, "version": version}
    text = template.render(words, sections=sections)
    while len(text.encode()) > MOST_BYTES and (fewer := lighter(sections)) is not None:
        sections = fewer
        text = template.render(words, sections=sections)
    return Report(visible(text))


def _title(parts: Parts) -> str:
    """The outcome, what it is explained by, and whose it is."""
    design, words = parts.design, parts.words
    predictors = [words.name(name) for name in design.formula.predictors if name in design.rows.frame]
    by = f" by {listed(predictors)}" if predictors and len(predictors) <= MOST_NAMED else ""
    of = f" of {listed([words.plural(f.label) for f in design.factors])}" if design.factors else ""
    return f"{capital(outcome_name(design, words))}{of}{by}"


def _about(parts: Parts) -> str:
    """What was fitted to what, in a line."""
    design, words = parts.design, parts.words
    kind = "Bayesian hierarchical model" if design.factors else "Bayesian regression"
    groups = listed([words.counted(len(f.levels), f.label) for f in design.factors])
    return f"{kind} of {design.rows.used:,} rows{f' of {groups}' if groups else ''}: {design.formula.text}"


def render_notebook(parts: Parts) -> str:
    """The main sections of a fit for a notebook: the verdict and findings first, no script, the notebook's colours."""
    summary = summarise(parts)
    model, found, *estimates = summary.sections
    findings = [found] if parts.findings else []
    text = (
        _environment()
        .get_template("notebook.html.jinja")
        .render(
            text=str(summary),
            verdict=verdict(parts.findings),
            trusted=not parts.findings.need_action,
            sections=[*findings, *estimates, replace(model, is_open=False)],
            style=Markup(STYLE),  # noqa: S704  (a constant)
        )
    )
    return visible(text)


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # not before there is something to render

    environment = Environment(
        loader=PackageLoader("hierkit", "reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["table"] = lambda frame, caption: Markup(as_html(frame, caption))  # noqa: S704  (escaped there)
    environment.filters["condensed"] = condensed
    environment.filters["markup"] = Markup  # made in `equation`, where everything is escaped
    environment.filters["csv"] = lambda frame: base64.b64encode(_rows(frame).encode()).decode()
    environment.filters["filename"] = lambda caption: f"{re.sub(r'[^a-z0-9]+', '_', caption.lower()).strip('_')}.csv"
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    return environment


def _rows(frame: pd.DataFrame) -> str:
    """A table to download, as many of its first rows as a page can carry."""
    text = as_csv(frame)
    return text if len(text) <= MOST_CSV else text[: text.rindex("\n", 0, MOST_CSV) + 1]
