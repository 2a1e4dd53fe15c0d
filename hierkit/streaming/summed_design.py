"""Chunks of rows with a Gaussian outcome -> a design of points that have the same sums in each cell."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.design import Design, make_design
from hierkit.model.formula import Formula
from hierkit.model.points import Points, design_of_points
from hierkit.model.rows import Missing, Rows, read_rows
from hierkit.sources.chunks import Chunks, Partitions
from hierkit.streaming.calibration import calibrated
from hierkit.streaming.cells import make_cells
from hierkit.streaming.exact_sums import Sums, Units, units_of
from hierkit.streaming.on_dask import bounds_of_partitions, parts_of_partitions, sum_partitions
from hierkit.streaming.pseudo_rows import moments, of_all, pseudo_rows
from hierkit.streaming.suitable import coded_columns
from hierkit.streaming.summing import Summing, bounds_of_chunks, sum_chunks
from hierkit.streaming.survey import Survey, parts_of, survey


def make_summed_design(formula: Formula, chunks: Chunks | Partitions, missing: Missing) -> Design:
    """Go through the rows twice, and keep the sums of each cell and a sample of the rows.

    Parameters
    ----------
    formula : Formula
        Of a Gaussian outcome; one that `hierkit.streaming.suitable` has nothing against.
    chunks : callable or Partitions
        Goes through the rows: returns an iterable of tables; or those of a Dask DataFrame.
    missing : {"drop", "error"}
        What to do with rows in which a used column is missing.

    Returns
    -------
    Design
        See `design_of_points`.

    Raises
    ------
    HierkitError
        For what cannot be fitted, and where the sums would take too much memory.
    """
    found = _survey(formula, chunks, missing)
    rows = _sampled_rows(formula, found)
    example = make_design(formula, rows)
    columns, places = _distinct_columns(example)
    summing = Summing(example, make_cells(found.levels), columns)
    sums, units = _sums(summing, chunks)
    means, products = moments(of_all(sums), units)
    middle = units.middle + means[0]
    in_place_of = calibrated(summing.of_sample(), found.spacing, middle, products[0] / found.used, found.used)
    points = Points(
        pseudo_rows(sums, units),
        places,
        sums.rows,
        summing.cells.labels(sums.cells),
        np.searchsorted(sums.cells, summing.cells.numbers(found.sample)).astype(np.int64),
        in_place_of,
    )
    return design_of_points(formula, rows, points)


def _survey(formula: Formula, chunks: Chunks | Partitions, missing: Missing) -> Survey:
    coded = coded_columns(formula)
    if isinstance(chunks, Partitions):
        return survey(parts_of_partitions(chunks, formula, coded), formula, coded, missing)
    return survey(parts_of(chunks(), formula), formula, coded, missing)


def _sums(summing: Summing, chunks: Chunks | Partitions) -> tuple[Sums, Units]:
    """The sums of all rows, and the units that they are in."""
    values = summing.of_sample()
    units = units_of(values.min(axis=0), values.max(axis=0))
    try:
        return _sums_in(summing, chunks, units), units
    except OverflowError:  # some column goes far beyond what the sample shows
        units = units_of(*_bounds_in(summing, chunks))
        return _sums_in(summing, chunks, units), units


def _sums_in(summing: Summing, chunks: Chunks | Partitions, units: Units) -> Sums:
    if isinstance(chunks, Partitions):
        return sum_partitions(summing, chunks, units)
    return sum_chunks(summing, chunks, units)


def _bounds_in(summing: Summing, chunks: Chunks | Partitions) -> tuple[Array, Array]:
    if isinstance(chunks, Partitions):
        return bounds_of_partitions(summing, chunks)
    return bounds_of_chunks(summing, chunks)


def _sampled_rows(formula: Formula, found: Survey) -> Rows:
    rows = read_rows(found.sample, formula.columns)
    unused = {name: levels for name, levels in rows.unused_levels.items() if name not in found.levels}
    for name, values in found.levels.items():
        unused |= read_rows(values.to_frame(name), [name]).unused_levels
    return replace(
        rows,
        positions=found.positions,
        given=found.given,
        missing=found.missing,
        unused_levels=unused,
        not_kept=found.used - len(found.positions),
    )


def _distinct_columns(design: Design) -> tuple[tuple[int, ...], NDArray[np.int64]]:
    """Which of the columns of X, Z and y side by side are summed, and where each is among these; -1 for ones."""
    labels = [column.label for column in design.columns]
    labels += [effect.label for factor in design.factors for effect in factor.effects]
    values = [*design.X.T, *(z for factor in design.factors for z in factor.Z.T)]
    chosen: list[int] = []
    places: list[int] = []
    for k, (label, column) in enumerate(zip(labels, values, strict=True)):
        same = [i for i in chosen if labels[i] == label and np.array_equal(values[i], column)]
        if (column == 1).all():
            places.append(-1)
        elif same:
            places.append(chosen.index(same[0]))
        else:
            places.append(len(chosen))
            chosen.append(k)
    return (*chosen, len(labels)), np.array([*places, len(chosen)])
