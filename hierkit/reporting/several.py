"""Several fits on one page: what differs, side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pandas as pd

from hierkit.errors import HierkitWarning, silencing
from hierkit.intervals import interval_in_words
from hierkit.reporting.curve_sections import lead
from hierkit.reporting.model_table import are_comparable, model_table
from hierkit.reporting.parts import Parts
from hierkit.reporting.section import Section, items_as_text
from hierkit.reporting.story import first_screen
from hierkit.reporting.words import listed, verdict
from hierkit.validation.compare import compare_validations
from hierkit.validation.leave_out import loo

CLEAR = 2.0  # standard errors between two scores
SMALL = 4.0  # a difference of scores that says little in any case


def several_sections(models: Mapping[str, Parts]) -> tuple[Section, ...]:
    """The sections of a page about several fits, by the name of each."""
    return tuple(section for made in (_models, _scores, _table, _each) for section in made(models))


def _models(models: Mapping[str, Parts]) -> Iterator[Section]:
    items = [(name, parts.design.formula.text, verdict(parts.findings)) for name, parts in models.items()]
    table = pd.DataFrame(items, columns=["model", "formula", "verdict"])
    yield Section("The models", (), table, "The models and whether they can be trusted", items_as_text, is_open=True)


def _scores(models: Mapping[str, Parts]) -> Iterator[Section]:
    """Which model predicts rows that were left out better; nothing for models of other rows or outcomes."""
    if len(models) < 2 or not are_comparable([parts.posterior for parts in models.values()]):
        return
    with silencing(HierkitWarning):
        found = compare_validations({name: loo(parts.posterior) for name, parts in models.items()})
    table = found.table()
    best, *others = table.to_dict("records")
    sentences = [_compared(f'"{best["model"]}"', f'"{one["model"]}"', one["elpd_diff"], one["dse"]) for one in others]
    caption = "Log scores of rows left out"
    yield Section("Which predicts better?", tuple(sentences), table, caption, definition=found.definition, is_open=True)


def _compared(best: str, other: str, difference: float, error: float) -> str:
    distance = f"by {abs(difference):.1f} ± {error:.1f}"
    if abs(difference) < SMALL:
        return f"{best} and {other} predict about equally well: their scores differ {distance}."
    if abs(difference) < CLEAR * error:
        return f"{best} may predict better than {other}, but it is not clear: their scores differ {distance}."
    return f"{best} predicts better than {other}, {distance} in the log score of rows left out."


def _table(models: Mapping[str, Parts]) -> Iterator[Section]:
    found = model_table({name: parts.posterior for name, parts in models.items()})
    frame = found.side_by_side().rename(columns={"": "parameter"})
    yield Section("Side by side", (), frame, "Estimates of the models", definition=found.definition, is_open=True)


def _each(models: Mapping[str, Parts]) -> Iterator[Section]:
    for name, parts in models.items():
        section = Section(f'What "{name}" says', (), points=first_screen(parts))
        best = next(lead(parts), None)
        yield section if best is None else replace(section, picture=best.picture)


def about_several(models: Mapping[str, Parts]) -> str:
    """What the page is about, in a line."""
    counts = {parts.design.rows.used for parts in models.values()}
    rows = f"{counts.pop():,} rows" if len(counts) == 1 else "different rows"
    names = listed([f'"{name}"' for name in models])
    return f"{len(models)} models of {rows}: {names}. Intervals are {interval_in_words()}."
