"""Numbers, units and categories as a report speaks of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from hierkit.checks.findings import Findings
from hierkit.model.columns import Column
from hierkit.model.design import Design
from hierkit.model.reference_rows import is_measured
from hierkit.posterior.quantity import Quantity


@dataclass(frozen=True)
class Level:
    """One level of a category, and the level that it is compared with; None where every level has a coefficient."""

    name: str
    level: Any
    reference: Any | None


def number(draws: xr.DataArray, percent: bool = False) -> str:
    """A mean with its interval, in words."""
    row = Quantity(xr.Dataset({"value": draws.drop_vars([c for c in draws.coords if c not in draws.dims])}), "").table()
    pattern = "{:.0%}" if percent else "{:.3g}"
    mean, lower, upper = (pattern.format(row[name].iloc[0]) for name in ("estimate", "ci_lower", "ci_upper"))
    return f"{mean} ({lower} to {upper})"


def verdict(findings: Findings) -> str:
    """Whether the draws can be used, in a sentence."""
    if findings.need_action:
        checks = dict.fromkeys(finding.check for finding in findings.need_action)
        return f"The draws cannot be trusted yet: {', '.join(checks)}."
    return "The sampling checks found nothing wrong."


def listed(names: Sequence[Any]) -> str:
    """a, b and c."""
    *first, last = map(str, names)
    return f"{', '.join(first)} and {last}" if first else last


def event(design: Design) -> str:
    """Of what the odds are."""
    if design.outcome.is_counts:
        return f"a success in {design.outcome.label}"
    return f"{design.outcome.label} = {1 if design.outcome.event is None else design.outcome.event}"


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


def effect_in_words(design: Design, column: Column, effects: tuple[Column, ...], whose: str = "their") -> str:
    """What varies between groups: their level, or the effect of something."""
    if column.is_intercept:
        zeros = zeros_of(design, effects)
        return f"{whose} level" + (f" where {listed(zeros)}" if zeros else "")
    found = level_of(design, column, effects)
    if found is None:
        return f"the effect of {column.label}"
    if found.reference is None:
        further = "further difference" if any(other.is_intercept for other in effects) else "level"
        return f"{whose} {further} where {found.name} is {found.level}"
    return f"the difference between {found.name} = {found.level} and {found.reference}"


def per_unit(design: Design, column: Column, effects: tuple[Column, ...]) -> str:
    """Per unit of what, for an effect that multiplies a number."""
    is_number = not column.is_intercept and level_of(design, column, effects) is None
    return f" per unit of {column.label}" if is_number else ""


def zeros_of(design: Design, columns: tuple[Column, ...]) -> list[str]:
    """Where numbers are zero and categories at their reference; products and categories in full have no such place."""
    said = []
    for column in [column for column in columns if not column.is_intercept and ":" not in column.term_label]:
        found = level_of(design, column, columns)
        if found is None:
            said.append(f"{column.label} is 0")
        elif found.reference is not None:
            said.append(f"{found.name} is {found.reference}")
    return list(dict.fromkeys(said))
