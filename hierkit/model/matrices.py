"""Rows as matrices: those that were fitted, and the same formula on other rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.groups import evaluated_effects
from hierkit.model.number_types import as_formulae_needs
from hierkit.model.spelling import safe_names
from hierkit.model.terms import Evaluator


@dataclass(frozen=True, eq=False)
class Matrices:
    """What a model's linear predictor needs of rows.

    Attributes
    ----------
    X, offset : ndarray
        (row, column) and (row,), the common part.
    Z : tuple of ndarray
        (row, effect) for each factor.
    codes : tuple of ndarray of int
        (row,) for each factor, the row's group as a place in its levels.
    """

    X: Array
    offset: Array
    Z: tuple[Array, ...]
    codes: tuple[NDArray[np.intp], ...]

    def at(self, places: NDArray[np.intp]) -> "Matrices":
        """Some of the rows, in any order."""
        Z = tuple(z[places] for z in self.Z)
        codes = tuple(c[places] for c in self.codes)
        return Matrices(self.X[places], self.offset[places], Z, codes)


def fitted_matrices(design: Design) -> Matrices:
    """Those of the rows that were fitted."""
    factors = design.factors
    return Matrices(design.X, design.offset, tuple(f.Z for f in factors), tuple(f.codes for f in factors))


def changed_matrices(design: Design, changes: dict[str, object], rows: NDArray[np.intp] | None = None) -> Matrices:
    """The same rows, or some of them, with columns changed; transformations and codings are those of the fit.

    Parameters
    ----------
    design : Design
        Of the fit.
    changes : dict
        By the user's names of predictors: one value for all rows, or one for each.
    rows : ndarray of int, optional
        Places of the rows, which may repeat.

    Returns
    -------
    Matrices
        Groups are not changed.
    """
    places = np.arange(len(design.offset)) if rows is None else rows
    frame = design.rows.frame.iloc[places].reset_index(drop=True)
    X, offset, Z = evaluated(design, frame.assign(**changes))  # type: ignore[arg-type]
    return Matrices(X, offset, Z, tuple(factor.codes[places] for factor in design.factors))


def evaluated(design: Design, frame: pd.DataFrame) -> tuple[Array, Array, tuple[Array, ...]]:
    """X, offset and Z of a table that has the fit's predictors.

    Raises
    ------
    HierkitError
        For a term that cannot be computed or is not finite there.
    """
    formula, names = design.formula, safe_names(design.formula.columns)
    predictors = [formula.common_tree, *(term.effects_tree for term in formula.group_terms)]
    examples = _examples(design)
    whole = pd.concat([examples, frame[list(examples)]], ignore_index=True)
    new = as_formulae_needs(whole, predictors).rename(columns=names)
    evaluator = Evaluator(design.frame, names, design.namespace)
    parts, offset = [np.empty((len(frame), 0))], np.zeros(len(frame))
    for item in evaluator.terms(formula.common_tree, formula.common):
        values = evaluator.on(new, item, len(examples))
        if item.kind == "offset":
            offset = offset + values[:, 0]
        else:
            parts.append(values[:, [label not in design.dropped for label in item.labels]])
    Z = []
    for factor in design.factors:
        own = [term for term in formula.group_terms if term.factor_label == factor.label]
        items = [item for term in own for block in evaluated_effects(evaluator, term) for item in block]
        Z.append(np.hstack([evaluator.on(new, item, len(examples)) for item in items]))
    return np.hstack(parts), offset, tuple(Z)


def _examples(design: Design) -> pd.DataFrame:
    """Fitted rows that have every level of every predictor that could be a category: some codings need to see all."""
    frame = design.rows.frame[list(design.formula.predictors)]
    labels = [name for name, values in frame.items() if values.dtype.kind != "f"]
    places = sorted({place for name in labels for place in frame[name].drop_duplicates().index})
    return frame.loc[places]
