"""Numbers of sampled rows at the points that are in place of all rows."""

from dataclasses import replace

import numpy as np

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.matrices import Matrices

LINEAR = 1e-4  # of a column's size, what may be left of it: differences are taken to one side at the ends


def at_points(design: Design, rows: Matrices) -> tuple[Matrices, bool]:
    """Matrices at the points of a design, and whether they are exact.

    Averages over the points of a cell are those over its rows for whatever is linear in the columns that were summed.
    So each column of the matrices is regressed on these over the sample, and predicted at the points: exact where it
    is linear in them, as the slope of a power or of a product is that has its lower terms beside it.

    Parameters
    ----------
    design : Design
        Of points.
    rows : Matrices
        (row of the sample,), such as the change of each column with a predictor.
    """
    sample, known = _summed_columns(design.of_rows), _summed_columns(design)
    wanted = [rows.X, rows.offset[:, None], *rows.Z]
    numbers = np.hstack(wanted)
    size = np.maximum(np.abs(sample).max(axis=0), np.finfo(float).tiny)
    weights = np.linalg.lstsq(sample / size, numbers, rcond=1e-12)[0]
    left = np.sqrt(np.mean((numbers - sample / size @ weights) ** 2, axis=0))
    is_exact = bool((left <= LINEAR * np.sqrt(np.mean(numbers**2, axis=0))).all())
    parts = np.split(known / size @ weights, np.cumsum([part.shape[1] for part in wanted])[:-1], axis=1)
    X, offset, *Z = parts
    codes = tuple(factor.codes for factor in design.factors)
    return replace(rows, X=X, offset=offset[:, 0], Z=tuple(Z), codes=codes), is_exact


def per_unit(low: Matrices, high: Matrices, distance: Array) -> Matrices:
    """What changes from one to the other of the same rows, over a distance (row,)."""
    each = distance[:, None] if len(distance) > 1 else distance
    Z = tuple((after - before) / each for before, after in zip(low.Z, high.Z, strict=True))
    return Matrices((high.X - low.X) / each, (high.offset - low.offset) / distance, Z, low.codes)


def zeros_like(rows: Matrices) -> Matrices:
    """The same rows with all columns zero."""
    return Matrices(0 * rows.X, 0 * rows.offset, tuple(0 * Z for Z in rows.Z), rows.codes)


def _summed_columns(design: Design) -> Array:
    """(row or point, column), ones, and the columns of X and Z."""
    return np.column_stack([np.ones(len(design.offset)), design.X, *(factor.Z for factor in design.factors)])
