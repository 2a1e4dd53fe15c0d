"""Points in place of rows: all that is kept of more rows than memory holds, beside a sample of them.

A Gaussian likelihood knows of the rows of a cell, which are in the same group of every factor, their number, means and
products. A few points have the same.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.columns import weighted_mean
from hierkit.model.design import Design, make_design
from hierkit.model.formula import Formula
from hierkit.model.groups import Factor
from hierkit.model.levels import observed_groups
from hierkit.model.rows import Rows


@dataclass(frozen=True, eq=False)
class Points:
    """Points, and the sample that goes with them.

    Attributes
    ----------
    values : ndarray
        (point, column), those of the first cell, then those of the second, as many of each; the last column is y less
        its offset.
    places : ndarray of int
        Where each column of X, of the factors' Z, and y is among these columns; -1 for a column of ones.
    rows : ndarray of int
        (cell,), how many rows each cell has.
    cells : pandas.DataFrame
        (cell, column), the labels of each cell's groups, by grouping column.
    cell_of_row, in_place_of : ndarray of int, ndarray
        (row of the sample,), its cell, and how many rows it is in place of.
    """

    values: Array
    places: NDArray[np.int64]
    rows: NDArray[np.int64]
    cells: pd.DataFrame
    cell_of_row: NDArray[np.int64]
    in_place_of: Array

    @property
    def cell_of_point(self) -> NDArray[np.intp]:
        """(point,), the place of each point's cell."""
        return np.repeat(np.arange(len(self.rows)), self.of_each_cell)

    @property
    def of_each_cell(self) -> int:
        """How many points a cell has."""
        return len(self.values) // len(self.rows)

    @property
    def labels(self) -> pd.DataFrame:
        """(point, column), the labels of the groups of each point's cell, by grouping column."""
        return self.cells.iloc[self.cell_of_point]


def design_of_points(formula: Formula, rows: Rows, points: Points) -> Design:
    """The design whose rows are the points; its `sample` is the design of the rows. Both know the points.

    Parameters
    ----------
    formula : Formula
        Of a Gaussian outcome.
    rows : Rows
        The sample.
    points : Points
        In place of all rows.
    """
    sample = make_design(formula, rows, in_place_of=points.in_place_of)
    groups = groups_of_cells(formula, points.cells)
    factors = tuple(_regrouped(factor, groups, points.cell_of_row) for factor in sample.factors)
    sample = replace(sample, factors=factors, points=points)
    cells = points.cell_of_point
    in_place_of = points.rows[cells] / points.of_each_cell
    whole = np.column_stack([points.values, np.ones(len(cells))])[:, points.places]
    ends = np.cumsum([len(sample.columns), *(len(factor.effects) for factor in factors)])
    X, *Z, y = np.split(whole, ends, axis=1)
    moved = [_regrouped(factor, groups, cells) for factor in factors]
    return replace(
        sample,
        outcome=replace(sample.outcome, y=y[:, 0].copy(), in_place_of=in_place_of),
        X=np.ascontiguousarray(X),
        column_means=np.where(sample.column_means != 0, weighted_mean(X, in_place_of), 0.0),
        offset=np.zeros(len(y)),
        factors=tuple(replace(factor, Z=np.ascontiguousarray(z)) for factor, z in zip(moved, Z, strict=True)),
        sample=sample,
    )


Groups = dict[str, tuple[NDArray[np.generic], NDArray[np.intp]]]


def groups_of_cells(formula: Formula, cells: pd.DataFrame) -> Groups:
    """By each factor's label, its observed groups, and the place of each cell's group among them."""
    terms = {term.factor_label: term for term in formula.group_terms}
    return {label: observed_groups(cells, term) for label, term in terms.items()}


def _regrouped(factor: Factor, groups: Groups, cells: NDArray[np.intp]) -> Factor:
    """The factor with all groups, and those of rows that are in these cells."""
    levels, codes = groups[factor.label]
    return replace(factor, levels=levels, codes=codes[cells])


def check_keeps_rows(design: Design, what: str) -> None:
    """Refuse what needs each row, where only sums of rows are kept.

    Raises
    ------
    HierkitError
        For a design of points.
    """
    if design.points is not None:
        raise refusal(
            f"{what} needs each row, and of these {design.rows.used:,} rows only sums are kept",
            "All rows are kept up to ten million of them",
            "Fit a sample of the groups for it",
        )


def sample_note(design: Design) -> str:
    """A sentence for what is computed from a sample of rows, where only sums of all rows are kept; else nothing."""
    if design.points is None:
        return ""
    rows = design.rows
    return (
        f" The rows are a sample of {len(rows.positions):,} of {rows.used:,}, weighted towards the means and products "
        "of columns of all rows."
    )
