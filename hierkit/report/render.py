"""Sections -> one self-contained HTML file: no script, no network, everything escaped."""

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hierkit.quantities.findings import SEVERITIES
from hierkit.report.sections import Parts, report_sections, verdict


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
        return f'<iframe sandbox srcdoc="{page}" title="Report" width="100%" height="600"></iframe>'


def render_report(parts: Parts, title: str | None = None) -> Report:
    """The report of a fit.

    Parameters
    ----------
    parts : Parts
        The parts of the fit.
    title : str, optional
        Of the page; the formula if not given.

    Returns
    -------
    Report
        The same bytes for the same fit. Its Content-Security-Policy allows inline style and data images, nothing else.
    """
    environment = Environment(
        loader=PackageLoader("hierkit", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    page = environment.get_template("report.html.jinja").render(
        title=title or f"Hierarchical model of {parts.design.outcome.label}",
        verdict=verdict(parts.findings),
        trusted=not parts.findings.need_action,
        severities=SEVERITIES,
        sections=report_sections(parts),
    )
    return Report(page)


def _cell(value: Any) -> str:
    """A table's entry: numbers to four digits, the rest as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
