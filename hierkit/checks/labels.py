"""Findings about labels: numbers that arrived as text, and labels that a reader takes for one."""

import re
import unicodedata
from collections.abc import Iterator

import numpy as np
import pandas as pd

from hierkit.checks.findings import Finding
from hierkit.checks.limits import FEW_OTHERS_SHARE, MANY_LEVELS, MANY_LEVELS_SHARE
from hierkit.model.design import Design
from hierkit.model.labels import LEADING_ZERO, some

SIGNS = re.compile(r"[\s,$€£%]")  # in numbers that were written as text


def label_findings(design: Design) -> Iterator[Finding]:
    """Findings about the levels of predictors and factors.

    Parameters
    ----------
    design : Design
        Its rows and its formula.

    Yields
    ------
    Finding
        A predictor of nearly as many levels as rows, or whose labels are numbers but for a few; levels that differ in
        spaces, in case or in how accents are written.
    """
    yield from _numbers_as_labels(design)
    yield from _alike_labels(design)


def _numbers_as_labels(design: Design) -> Iterator[Finding]:
    """A predictor that is a category of nearly as many levels as rows, or of numbers but for a label or two.

    Both are most likely numbers that arrived as text, because a cell has a unit or a typing error.
    """
    frame = design.rows.frame
    for name in design.formula.predictors:
        if not isinstance(frame[name].dtype, pd.CategoricalDtype):
            continue
        levels = list(frame[name].cat.categories)
        labels = pd.Series(list(map(str, levels)))
        is_long_text = len(levels) >= MANY_LEVELS and isinstance(levels[0], str)
        numbers = _are_numbers(labels)
        others = list(labels[~numbers])
        message = f"{name} is a category of {len(labels):,} levels in {design.rows.used:,} rows."
        are = "Its labels are numbers" if not others else f"Its labels are numbers, but for {some(others)}"
        signs = "" if not labels[numbers].str.contains(SIGNS).any() else " without signs such as %"
        to_number = f"Make {name} a number in the data{signs}" + (", and set other cells missing." if others else ".")
        if len(labels) >= MANY_LEVELS and MANY_LEVELS_SHARE * design.rows.used <= len(labels):
            if len(others) < len(labels) / 2:
                yield Finding("warning", "many levels", f"{message} {are}.", to_number)
            else:
                advice = "Leave it out, or make it the grouping factor of a group term."
                yield Finding("warning", "many levels", message, advice)
        elif (others or signs or is_long_text) and len(others) <= FEW_OTHERS_SHARE * len(labels):
            advice = f"If it is a quantity: {to_number[0].lower()}{to_number[1:]}"
            yield Finding("warning", "numbers among labels", f"{message} {are}.", advice)


def _are_numbers(labels: "pd.Series[str]") -> "pd.Series[bool]":
    """Numbers, those with signs such as % too; 007 is none."""
    numbers = pd.to_numeric(labels.str.replace(SIGNS, "", regex=True), errors="coerce")
    return pd.Series(np.isfinite(numbers) & ~labels.str.match(LEADING_ZERO))


def _alike_labels(design: Design) -> Iterator[Finding]:
    """Labels that a reader takes for one: they differ in spaces, in case, or in how an accent is written."""
    frame = design.rows.frame
    names = dict.fromkeys(
        [*design.formula.predictors, *(name for term in design.formula.group_terms for name in term.factor)]
    )
    for name in names:
        if name not in frame or not isinstance(frame[name].dtype, pd.CategoricalDtype):
            continue
        read: dict[str, list[str]] = {}
        for label in frame[name].cat.categories:
            if isinstance(label, str):
                key = " ".join(unicodedata.normalize("NFC", label).casefold().split())
                read.setdefault(key, []).append(label)
        if alike := [labels for labels in read.values() if len(labels) > 1]:
            how = "nothing but spaces, case or how accents are written"
            message = f"{name} has levels that differ in {how}: {some(alike[0])}"
            more = f", and {len(alike) - 1} more such" if len(alike) > 1 else ""
            yield Finding("warning", "alike labels", f"{message}{more}.", "If they are the same, write them alike.")
