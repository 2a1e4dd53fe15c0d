"""Chunks of rows with an outcome of events -> a table of the rows that differ, and how many there are of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from hierkit.errors import refusal
from hierkit.model.complete_rows import check_finite, complete_rows, none_complete, refuse_missing
from hierkit.model.design import outcome_values
from hierkit.model.formula import Formula
from hierkit.model.functions import namespace_of
from hierkit.model.outcome import check_counts
from hierkit.model.rows import Missing, Rows, read_rows
from hierkit.model.spelling import safe_names
from hierkit.model.terms import Evaluator
from hierkit.sources.chunks import Chunks

MOST_PATTERNS = 10_000_000
COUNT = "n_rows"


def count_chunks(formula: Formula, count: str, chunks: Chunks, missing: Missing) -> Rows:
    """Go through the rows once, and count equal ones.

    Parameters
    ----------
    formula : Formula
        Whose columns tell rows apart; the columns of an outcome of counts are added up instead.
    count : str
        The column for how many rows are alike, of an outcome that is no counts.
    chunks : callable
        Goes through the rows: returns an iterable of tables.
    missing : {"drop", "error"}
        What to do with rows in which a used column is missing.

    Returns
    -------
    Rows
        A row for each of those that differ, in the order in which they first appear.

    Raises
    ------
    HierkitError
        For no complete row, infinite numbers, missing values under "error", and for more than ten million rows that
        differ.
    """
    added = [count] if count in formula.columns else list(formula.outcome_columns)
    columns = [name for name in formula.columns if name != count]
    keys = [name for name in columns if name not in added]
    absent: Counter[str] = Counter()
    given = used = 0
    parts: list[pd.DataFrame] = []
    for table in chunks():
        frame, kept, own = complete_rows(table, columns)
        absent.update(own)
        for name in columns:
            check_finite(name, frame[name], given + kept)
        _check_counts(formula, frame)
        given += len(table)
        used += len(frame)
        parts.append(_alike(frame.assign(**{count: 1}) if added == [count] else frame, keys, added))
        if sum(map(len, parts[1:])) > len(parts[0]):
            parts = [_alike(pd.concat(parts, ignore_index=True), keys, added)]
            _check_patterns(len(parts[0]), used, keys)
    if absent and missing == "error":
        raise refuse_missing(absent)
    if not used:
        raise none_complete(absent)
    alike = _alike(pd.concat(parts, ignore_index=True), keys, added)
    _check_patterns(len(alike), used, keys)
    rows = read_rows(alike, formula.columns)
    return replace(rows, given=given, missing=dict(absent), not_kept=used - len(rows.frame))


def _check_counts(formula: Formula, frame: pd.DataFrame) -> None:
    """Refuse counts that are none before they are added up."""
    if formula.counts is None or frame.empty:
        return
    names = safe_names(formula.columns)
    evaluator = Evaluator(frame.rename(columns=names), names, namespace_of(formula.trusted))
    successes, trials = outcome_values(formula, frame, evaluator)
    if trials is not None:
        check_counts(formula.outcome, successes, trials)


def _alike(frame: pd.DataFrame, keys: Sequence[str], added: Sequence[str]) -> pd.DataFrame:
    """One row for those that are alike in some columns, with sums of the others."""
    if not keys:
        return frame[list(added)].sum().to_frame().T
    return frame.groupby(list(keys), sort=False, observed=True, as_index=False)[list(added)].sum()


def _check_patterns(patterns: int, used: int, keys: Sequence[str]) -> None:
    if patterns > MOST_PATTERNS:
        raise refusal(
            f"More than {MOST_PATTERNS:,} of the first {used:,} rows differ in {', '.join(map(repr, keys))}",
            f"Rows of events are kept as counts of those that are alike, up to {MOST_PATTERNS:,} of them",
            "Round the predictors that are measured, use fewer of them, or fit a sample of the groups",
        )
