"""A source -> a formula and a design: of all rows where memory holds them, else of sums or counts of them."""

import math
from typing import Any

from hierkit.errors import HierkitError, refusal
from hierkit.memory import machine_memory
from hierkit.model.design import Design, make_design
from hierkit.model.families import FamilyName
from hierkit.model.formula import Formula
from hierkit.model.precision import Precision
from hierkit.model.rows import Missing, read_rows
from hierkit.model.run import EngineName
from hierkit.progress import counted
from hierkit.sources.chunks import ROWS, Chunks, chunks_of, count_rows, partitions_of
from hierkit.sources.in_memory import in_memory
from hierkit.streaming.counted_rows import COUNT, count_chunks
from hierkit.streaming.suitable import reason_against

MOST_ROWS = 10_000_000  # that are kept
BYTES = 100  # of a value while it is fitted: 87 and 105 measured with scale() and poly() of 5 million rows


def design_of_source(
    formula: Formula, data: Any, family: FamilyName, engine: EngineName, missing: Missing, progressbar: bool = False
) -> tuple[Formula, Design]:
    """The design of a source's rows; beside it the formula, which counts of rows add a column of weights to.

    More than ten million rows are not kept: of a Gaussian outcome the sums of each cell of groups are, and of events
    the numbers of rows that are alike. A model that has to look at all rows at once gets them, if there is memory.

    Raises
    ------
    HierkitError
        For what cannot be fitted, and for more rows than there is memory for.
    """
    rows = count_rows(data)
    if rows is not None and rows > MOST_ROWS:
        reason = reason_against(formula, family, engine)
        if reason is None and family == "gaussian":
            from hierkit.streaming.summed_design import make_summed_design  # imports what compiles

            source = partitions_of(data, formula.columns) or _chunks(data, formula, rows, progressbar)
            return formula, make_summed_design(formula, source, missing)
        if reason is None:
            return _of_counts(formula, _chunks(data, formula, rows, progressbar), missing)
        _check_memory(rows, len(formula.columns), reason)
    found = read_rows(in_memory(data, formula.columns), formula.columns, missing)
    return formula, make_design(formula, found, family)


def _chunks(data: Any, formula: Formula, rows: int, progressbar: bool) -> Chunks:
    """What goes through the rows, with a line that counts the chunks."""
    read = chunks_of(data, formula.columns)
    return (lambda: counted(read(), "rows", math.ceil(rows / ROWS))) if progressbar else read


def _of_counts(formula: Formula, chunks: Chunks, missing: Missing) -> tuple[Formula, Design]:
    count = COUNT
    while count in formula.columns:
        count += "_"
    formula = formula.for_family("bernoulli")
    if formula.counts is not None:
        return formula, make_design(formula, count_chunks(formula, count, chunks, missing), "bernoulli")
    weighted = formula.with_precision(Precision(weights=count))
    rows = count_chunks(weighted, count, chunks, missing)
    make_design(formula, rows, "bernoulli")  # refuses what is not two-valued in the words of a model without weights
    return weighted, make_design(weighted, rows, "bernoulli")


def _check_memory(rows: int, columns: int, reason: str) -> None:
    needed, there = rows * columns * BYTES, machine_memory()
    if there is not None and needed > there:
        raise _too_many(rows, needed, there, reason)


def _too_many(rows: int, needed: float, there: float, reason: str) -> HierkitError:
    return refusal(
        f"{rows:,} rows may take {needed / 1e9:.0f} GB of memory, and there are {there / 1e9:.0f} GB",
        f"All rows must be kept for {reason}",
        "Compute such columns in the data first, or fit a sample of the groups",
    )
