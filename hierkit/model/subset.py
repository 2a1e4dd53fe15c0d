"""Some of a design's rows, as the same model: columns, codings and the place of the priors are those of all rows."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hierkit.errors import refusal
from hierkit.model.design import Design
from hierkit.model.groups import Factor


def subset(design: Design, kept: NDArray[np.intp]) -> Design:
    """The design of some of its rows.

    Parameters
    ----------
    design : Design
        Of all rows.
    kept : ndarray of int
        Places of the rows.

    Returns
    -------
    Design
        Groups without rows are not in it. A column that is zero in all rows kept is, and its coefficient has its prior.

    Raises
    ------
    HierkitError
        If a factor has one group left.
    """
    rows = replace(
        design.rows, frame=design.rows.frame.iloc[kept].reset_index(drop=True), positions=design.rows.positions[kept]
    )
    return replace(
        design,
        rows=rows,
        outcome=design.outcome.at(kept),
        X=design.X[kept],
        offset=design.offset[kept],
        factors=tuple(_some_groups(factor, kept) for factor in design.factors),
        frame=design.frame.iloc[kept].reset_index(drop=True),
    )


def one_trial_apart(design: Design, place: int) -> Design:
    """The same trials of a frequency table, one of those of a row as a row of its own, the last."""
    weights = design.formula.precision.columns[0]
    rows = np.append(np.arange(len(design.offset)), place)
    again = subset(design, rows)
    trials = again.trials.copy()
    trials[place] -= 1
    trials[-1] = 1
    return replace(
        again,
        rows=replace(again.rows, frame=again.rows.frame.assign(**{weights: trials})),
        outcome=replace(again.outcome, y=np.sign(again.outcome.y) * trials, trials=trials),
    )


def places_in(smaller: Factor, factor: Factor) -> NDArray[np.intp]:
    """(group,), where each group of a factor is among those of a subset; from their number on for those left out."""
    known = {level: place for place, level in enumerate(smaller.levels)}
    places = [known.get(level, -1) for level in factor.levels]
    missing = np.array(places) < 0
    found = np.array(places, dtype=np.intp)
    found[missing] = len(known) + np.arange(missing.sum())
    return found


def _some_groups(factor: Factor, kept: NDArray[np.intp]) -> Factor:
    present, codes = np.unique(factor.codes[kept], return_inverse=True)
    if len(present) < 2:
        raise refusal(
            f"The grouping factor {factor.label!r} has one group left", "At least two are needed", "Keep more rows"
        )
    return replace(factor, levels=factor.levels[present], codes=codes.astype(np.intp), Z=factor.Z[kept])
