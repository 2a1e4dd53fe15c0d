"""Findings: what a fit's user should know, how grave it is, and what to do."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd

from hierkit.formats import in_notebook
from hierkit.visible import visible

Severity = Literal["action", "warning", "note"]
SEVERITIES = get_args(Severity)


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes
    ----------
    severity : {"action", "warning", "note"}
        "action": do not use the results before acting; "warning": a result may mislead; "note": worth knowing.
    check : str
        What was checked, in a word or two.
    message : str
        What was found, with its number.
    advice : str
        What to do.
    """

    severity: Severity
    check: str
    message: str
    advice: str


@dataclass(frozen=True, repr=False)
class Findings(Sequence[Finding]):
    """All findings, the gravest first."""

    findings: tuple[Finding, ...]

    def __getitem__(self, index: int) -> Finding:  # type: ignore[override]
        return self.findings[index]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    @property
    def need_action(self) -> tuple[Finding, ...]:
        """The findings after which the results should not be used as they are."""
        return tuple(finding for finding in self.findings if finding.severity == "action")

    def table(self) -> pd.DataFrame:
        """One row per finding: `severity`, `check`, `message`, `advice`."""
        rows = [(f.severity, f.check, f.message, f.advice) for f in self.findings]
        return pd.DataFrame(rows, columns=["severity", "check", "message", "advice"])

    def __repr__(self) -> str:
        if not self.findings:
            return "No findings."
        return visible("\n".join(f"{f.severity:<8}{f.check}: {f.message} {f.advice}" for f in self.findings))

    def _repr_html_(self) -> str:
        return in_notebook(self.table()) if self.findings else f"<p>{html.escape(repr(self))}</p>"


def sorted_findings(findings: Iterator[Finding]) -> Findings:
    """Findings in order of severity, otherwise as they came."""
    return Findings(tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))))
