"""Sections -> one self-contained HTML file: no script, no network, everything escaped."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hierkit.posterior.formats import STYLE, as_html
from hierkit.report.parts import Parts, without_levels
from hierkit.report.section import Section
from hierkit.report.sections import report_sections, summarise
from hierkit.report.weight import MOST_BYTES, lighter
from hierkit.report.words import verdict


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
        """Write the page into a file."""
        path = Path(path)
        path.write_text(self.html, encoding="utf-8")
        return path

    def __repr__(self) -> str:
        return f"Report of {len(self.html.encode()) / 1024:.0f} kB; save it with .save('report.html')"

    def _repr_html_(self) -> str:
        page = html.escape(self.html, quote=True)
        return f'<iframe sandbox srcdoc="{page}" title="Report" width="100%" height="600">{self!r}</iframe>'


def render_report(
    parts: Parts, title: str | None = None, sections: Sequence[str] | None = None, include_levels: bool = True
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

    Returns
    -------
    Report
        The same bytes for the same fit, below 1 MB: long tables are cut and the largest pictures left out where it has
        to be, which their sections say. Its Content-Security-Policy allows inline style and data images, nothing else.
    """
    if not include_levels:
        parts = without_levels(parts)
    template = _environment().get_template("report.html.jinja")

    def page(shown: Sequence[Section]) -> str:
        return template.render(
            title=title or f"Hierarchical model of {parts.design.outcome.label}",
            verdict=verdict(parts.findings),
            trusted=not parts.findings.need_action,
            sections=shown,
        )

    shown = report_sections(parts, sections)
    text = page(shown)
    while len(text.encode()) > MOST_BYTES and (fewer := lighter(shown)) is not None:
        shown = fewer
        text = page(shown)
    return Report(text)


def render_notebook(parts: Parts) -> str:
    """The main sections of a fit for a notebook: what needs action on top, no script, the notebook's colours."""
    summary = summarise(parts)
    return (
        _environment()
        .get_template("notebook.html.jinja")
        .render(
            text=str(summary),
            verdict=verdict(parts.findings),
            trusted=not parts.findings.need_action,
            sections=summary.sections,
            style=Markup(STYLE),  # noqa: S704  (a constant)
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hierkit", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["table"] = lambda frame, caption: Markup(as_html(frame, caption))  # noqa: S704  (escaped there)
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    return environment
