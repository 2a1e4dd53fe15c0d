"""Numbers, changes and places as a report speaks of them, in the user's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from hierkit.checks.findings import Findings
from hierkit.formats import decimals_of
from hierkit.intervals import interval
from hierkit.model.columns import Column
from hierkit.model.design import Design
from hierkit.model.reference_rows import is_measured
from hierkit.vocabulary import Vocabulary, singular, with_article

MOST_DIGITS = 4
FRACTIONS = (
    (0.02, "hardly at all"),
    (0.07, "a twentieth of the way"),
    (0.13, "a tenth of the way"),
    (0.22, "a fifth of the way"),
    (0.29, "a quarter of the way"),
    (0.38, "a third of the way"),
    (0.45, "two fifths of the way"),
    (0.56, "half of the way"),
    (0.70, "two thirds of the way"),
    (0.79, "three quarters of the way"),
    (0.93, "most of the way"),
    (1.00, "nearly all of the way"),
)
WORDS_OF_ACTIONS = {
    "R-hat": "the chains disagree",
    "bulk ESS": "there are too few independent draws",
    "tail ESS": "there are too few independent draws in the tails",
    "divergences": "the sampler met regions that it could not explore",
    "BFMI": "the sampler explored the differences between groups slowly",
    "few draws": "there are too few draws to tell",
    "not finite": "some draws are no numbers",
}


@dataclass(frozen=True)
class Level:
    """One level of a category, and the level that it is compared with; None where every level has a coefficient."""

    name: str
    level: Any
    reference: Any | None


@dataclass(frozen=True)
class Figures:
    """An estimate with the bounds of its interval, and the decimals that its uncertainty leaves."""

    estimate: float
    lower: float
    upper: float
    decimals: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval is on one side of zero."""
        return self.lower > 0 or self.upper < 0

    def text(self, value: float) -> str:
        """One of the numbers, rounded, with a minus sign that does not break."""
        text = f"{value:,.{self.decimals}f}"
        return text.replace("-", "\N{MINUS SIGN}") if text.strip("-0.,") else text.removeprefix("-")

    def size(self, unit: str = "") -> str:
        """How large it is without its sign: "1.07 points (1.03 to 1.12)"."""
        low, high = sorted((abs(self.lower), abs(self.upper)))
        return f"{_with(self.text(abs(self.estimate)), unit)} ({self.text(low)} to {self.text(high)})"

    def __str__(self) -> str:
        return f"{self.text(self.estimate)} ({self.text(self.lower)} to {self.text(self.upper)})"


def figures(draws: xr.DataArray) -> Figures:
    """The figures of draws (chain, draw)."""
    found = interval(draws)
    sd = float(draws.std(("chain", "draw"), ddof=1))
    places = decimals_of(sd)
    decimals = 2 if not np.isfinite(places) else int(places)
    size = abs(float(found.estimate))
    if np.isfinite(size):
        # beyond four digits nobody reads
        decimals = min(decimals, max(0, MOST_DIGITS - 1 - int(np.floor(np.log10(max(1e-9, size))))))
    return Figures(float(found.estimate), float(found.lower), float(found.upper), decimals)


def number(draws: xr.DataArray, percent: bool = False) -> str:
    """A mean with its interval, in words."""
    if not percent:
        return str(figures(draws))
    found = figures(100 * draws)
    low, high = f"{max(found.lower, 0):.0f}", f"{found.upper:.0f}"
    return f"{found.estimate:.0f}% ({low} to {high}%)"


def verdict(findings: Findings) -> str:
    """Whether the numbers can be used, in a sentence."""
    if findings.need_action:
        checks = list(dict.fromkeys(finding.check for finding in findings.need_action))
        said = [check for check in checks if not (check == "tail ESS" and "bulk ESS" in checks)]
        reasons = list(dict.fromkeys(WORDS_OF_ACTIONS.get(check, check) for check in said))
        return f"These numbers cannot be trusted yet: {listed(reasons)} ({', '.join(checks)})."
    notes = sum(finding.severity == "warning" for finding in findings)
    kept = {0: "", 1: " One thing is to be kept in mind."}.get(notes, f" {notes} things are to be kept in mind.")
    return f"The computation can be trusted.{kept}"


def caution(findings: Findings) -> str:
    """The verdict and what it means for all that follows; nothing where the numbers can be used."""
    return f"{verdict(findings)} What follows may be wrong." if findings.need_action else ""


def listed(names: Sequence[Any], last: str = "and") -> str:
    """a, b and c; nothing of nothing."""
    if not names:
        return ""
    *first, end = map(str, names)
    return f"{', '.join(first)} {last} {end}" if first else end


def fraction(share: float) -> str:
    """A share in words, "a third of the way"."""
    return next(words for limit, words in FRACTIONS if share <= limit or limit == 1.0)


def outcome_name(design: Design, words: Vocabulary) -> str:
    """What the outcome is called."""
    columns = design.formula.outcome_columns
    return words.name(columns[0]) if design.formula.outcome_is_column else words.labels_or(design.outcome.label)


def outcome_unit(design: Design, words: Vocabulary) -> str:
    """The unit of a Gaussian outcome; nothing where none was given."""
    return words.unit(design.formula.outcome_columns[0]) if design.formula.outcome_is_column else ""


def event(design: Design, words: Vocabulary) -> str:
    """Of what the odds are."""
    name = outcome_name(design, words)
    if design.outcome.is_counts or design.outcome.event in (None, True, 1):
        counts = design.formula.counts
        return words.name(design.formula.outcome_columns[0]) if counts is not None else name
    return f"{name} = {design.outcome.event}"


def one_more(column: str, words: Vocabulary) -> str:
    """One more unit of a predictor: "a minute more of waiting time", "one more of x"."""
    unit = words.unit(column)
    if unit:
        return f"{with_article(singular(unit))} more of {words.name(column)}"
    return f"one more of {words.name(column)}"


def change(found: Figures, name: str, unit: str) -> str:
    """A change of the outcome: "1.07 points less satisfaction (1.03 to 1.12)"."""
    if not found.is_clear:
        low, high = (_signed(found, bound, unit) for bound in (found.lower, found.upper))
        return f"no clear change of {name}: from {low} to {high}"
    if not unit:
        return f"{name} {'higher' if found.estimate > 0 else 'lower'} by {found.size()}"
    least, most = sorted((abs(found.lower), abs(found.upper)))
    side = "more" if found.estimate > 0 else "less"
    size = found.text(abs(found.estimate))
    return f"{_with(size, unit)} {side} {name} ({found.text(least)} to {found.text(most)})"


def from_to(found: Figures, low: float, high: float, unit: str) -> str:
    """Two changes, from the lower to the higher one: "1.7 points less and 0.4 points less"."""
    return f"{_signed(found, low, unit)} and {_signed(found, high, unit)}"


def _signed(found: Figures, value: float, unit: str) -> str:
    side = ("more" if unit else "higher") if value >= 0 else ("less" if unit else "lower")
    return f"{_with(found.text(abs(value)), unit)} {side}"


def _with(size: str, unit: str) -> str:
    return f"{size} {unit}" if unit else size


def level_of(design: Design, column: Column, among: tuple[Column, ...]) -> Level | None:
    """The level that a column indicates, if it is a category's and the only term that the category is in."""
    name = column.term_label
    if name not in design.formula.predictors or is_measured(design, name) or column.level is None:
        return None
    own = [str(other.level) for other in among if other.term_label == name]
    missing = [level for level in design.rows.frame[name].unique() if str(level) not in own]
    if column.in_full and not missing:
        return Level(name, column.level, None)
    return Level(name, column.level, missing[0]) if len(missing) == 1 else None


def zeros_of(design: Design, columns: tuple[Column, ...], words: Vocabulary) -> list[str]:
    """Where numbers are zero and categories at their reference; products and categories in full have no such place."""
    said = []
    for column in [column for column in columns if not column.is_intercept and ":" not in column.term_label]:
        found = level_of(design, column, columns)
        if found is None:
            said.append(f"{words.term(column.label)} is 0")
        elif found.reference is not None:
            said.append(f"{words.name(found.name)} is {found.reference}")
    return list(dict.fromkeys(said))
