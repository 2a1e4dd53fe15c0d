"""Complete, no and partial pooling side by side."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.names import INTERCEPT
from hierkit.model.own_coefficients import combination, multiple
from hierkit.posterior.effects import labels_of
from hierkit.posterior.posterior import Posterior, draws_note
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.shrinkage import shrinkage


@dataclass(frozen=True, eq=False)
class OwnTerms:
    """The regression that a group's rows alone can have.

    Attributes
    ----------
    labels : list of str
        Of its columns.
    X : ndarray
        (row, term).
    of_columns : ndarray
        (group, term, column): its coefficients are these times those of the common part. A predictor that is constant
        within groups is a part of their intercepts, its interaction with x a part of their slopes.
    of_effects : ndarray
        (group, term, effect), and these times the group's effects.
    """

    labels: list[str]
    X: Array
    of_columns: Array
    of_effects: Array


def compare_pooling(posterior: Posterior, factor: str | None = None) -> Quantity:
    """Each group's coefficients from one regression of all rows, from its own rows alone, and from the model.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        `partial` (chain, draw, group, term), β + u; `complete`, `none` and `none_se` (group, term), from linear or
        logistic regressions; `status` (group) of the group's own regression: "estimated", "rank-deficient" or
        "separated", without estimates for the latter two; `shrinkage` (group), the mean of tr Λ / q; `n` (group). What
        is constant within every group is a part of its intercept and slopes in all three, and so are the effects of a
        factor whose groups contain those of this one; effects of other factors are zero.

    Raises
    ------
    HierkitError
        For an unknown factor.
    """
    design = posterior.design
    from hierkit.classical.regressions import complete_pooling, no_pooling  # statsmodels takes a second to import

    chosen = design.factor(factor)
    place = design.factors.index(chosen)
    used, terms = posterior.in_memory, own_terms(design, chosen)
    draws = used.draws
    partial = np.einsum("sc,jtc->sjt", draws.beta, terms.of_columns) + np.einsum(
        "sjk,jtk->sjt", draws.u[place], terms.of_effects
    )
    outer_factors = containing(design, chosen)
    for outer, group_of in outer_factors:
        u = draws.u[design.factors.index(outer)][:, group_of]
        partial += np.einsum("sjk,jtk->sjt", u, _shares(terms, outer, chosen))
    own, all_rows = no_pooling(design, chosen, terms.X), complete_pooling(design)
    kept = shrinkage(used, chosen.label).draws["overall"].mean(("chain", "draw"))
    coords = {"group": chosen.levels, "term": terms.labels}
    dataset = xr.Dataset({"n": ("group", design.sizes(chosen))}, coords=coords)
    beside = {
        "shrinkage": ("group", kept.values),
        "status": ("group", own.status),
        "complete": (("group", "term"), terms.of_columns @ all_rows.estimate[0]),
        "none": (("group", "term"), own.estimate),
        "none_se": (("group", "term"), own.se),
    }
    dataset = dataset.assign(partial=draws.labelled(partial, coords)).assign(beside)
    missing = len(own.status) - own.status.count("estimated")
    names = " and ".join(outer.label for outer, _ in outer_factors)
    added = f", with the effects of the {names} that a group is in" if names else ""
    definition = (
        f"Coefficients of each group of {chosen.label}: complete pooling (one regression of all rows), none (the "
        f"group's own regression) and partial (the model, β + u{added}); shrinkage is the share of its own evidence "
        "that a group keeps."
    )
    if missing:
        definition += f" {missing} groups have too few or separated rows for a regression of their own."
    definition += draws_note(used, posterior)
    attrs = labels_of(design, chosen) | _drawn(terms)
    return Quantity(dataset.assign_attrs(attrs), definition, picture="pooling")


def containing(design: Design, factor: Factor) -> list[tuple[Factor, NDArray[np.intp]]]:
    """The factors whose groups contain those of this one, as schools do classes, and (group,) which contains each."""
    found = []
    for other in design.factors:
        group_of = np.zeros(len(factor.levels), dtype=np.intp)
        group_of[factor.codes] = other.codes
        if other is not factor and (group_of[factor.codes] == other.codes).all():
            found.append((other, group_of))
    return found


def _shares(terms: OwnTerms, outer: Factor, factor: Factor) -> Array:
    """(group, term, effect), the effects of a containing factor in the columns of a group's own regression."""
    basis, size = _Basis(terms.X, list(terms.labels)), len(terms.labels)
    shares = [_placed(basis, effect.label, z, factor)[1] for effect, z in zip(outer.effects, outer.Z.T, strict=True)]
    return np.stack([_widened(share[:, :size], size) for share in shares], axis=2)


def _drawn(terms: OwnTerms) -> dict[str, Any]:
    """Which term the picture is of, one that varies if there is one: a slope over its range, or else levels."""
    by_term = np.moveaxis(terms.of_effects, 1, 0)
    varies = [label for label, own in zip(terms.labels, by_term, strict=True) if own.any()]
    slopes = [label for label in [*varies, *terms.labels] if label != INTERCEPT]
    if INTERCEPT not in terms.labels or not slopes:
        return {"level": [*varies, *terms.labels][0]}
    values = terms.X[:, terms.labels.index(slopes[0])]
    return {"level": INTERCEPT, "slope": slopes[0], "range": [float(values.min()), float(values.max())]}


def own_terms(design: Design, factor: Factor) -> OwnTerms:
    """The columns that a group's own regression can distinguish, and the model's coefficients that they contain.

    The columns of the effects come first, then those of the common part, from the intercept to products. One that is a
    combination of columns before it, or in every group a multiple of one, adds no column.
    """
    basis = _Basis(np.empty((len(design.offset), 0)), [])
    effects = []
    for effect, z in zip(factor.effects, factor.Z.T, strict=True):
        basis, share = _placed(basis, effect.label, z, factor)
        effects.append(share)
    columns = dict[int, Array]()
    for i in sorted(range(len(design.columns)), key=lambda i: _order(design, i)):
        basis, columns[i] = _placed(basis, design.columns[i].label, design.X[:, i], factor)
    size = len(basis.labels)
    of_columns = [_widened(columns[i], size) for i in range(len(design.columns))]
    of_effects = [_widened(share, size) for share in effects]
    nothing = np.zeros((len(factor.levels), size, 0))
    return OwnTerms(
        basis.labels,
        basis.X,
        np.stack(of_columns, axis=2) if of_columns else nothing,
        np.stack(of_effects, axis=2),
    )


@dataclass(frozen=True, eq=False)
class _Basis:
    """The columns found so far, and their labels."""

    X: Array
    labels: list[str]

    def with_column(self, label: str, x: Array) -> "_Basis":
        return _Basis(np.column_stack([self.X, x]), [*self.labels, label])


def _placed(basis: _Basis, label: str, x: Array, factor: Factor) -> tuple[_Basis, Array]:
    """The basis with what a column (row,) adds to it, and the column in the basis: (group, term)."""
    groups = np.ones(len(factor.levels))
    weights = combination(basis.X, x)
    if weights is not None:
        return basis, np.outer(groups, weights)
    ones = np.ones(len(x))
    of_ones = combination(basis.X, ones)
    bases = list(zip(basis.X.T, np.eye(len(basis.labels)), strict=True))
    for column, weights in bases if of_ones is None else [(ones, of_ones), *bases]:
        times = multiple(x, column, factor)
        if times is not None:
            return basis, np.outer(times, weights)
    level = multiple(x, ones, factor)
    if level is None:
        return basis.with_column(label, x), np.outer(groups, np.eye(len(basis.labels) + 1)[-1])
    return basis.with_column(INTERCEPT, ones), np.outer(level, np.eye(len(basis.labels) + 1)[-1])


def _widened(share: Array, size: int) -> Array:
    """(group, term), zeros for the terms that came later."""
    return np.pad(share, ((0, 0), (0, size - share.shape[1])))


def _order(design: Design, i: int) -> tuple[bool, int, int]:
    """The intercept first, then terms of fewer parts."""
    return not design.columns[i].is_intercept, len(design.columns[i].parts), i
