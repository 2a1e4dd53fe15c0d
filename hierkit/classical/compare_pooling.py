"""Complete, no and partial pooling side by side."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.posterior.effects import labels_of
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.shrinkage import shrinkage

SAME = 1e-8  # of a column's size


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
        (term, effect), and these times the group's effects.
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
        is constant within every group is a part of its intercept and slopes in all three; effects of other factors are
        zero.

    Raises
    ------
    HierkitError
        For an unknown factor.
    """
    design = posterior.design
    from hierkit.classical.regressions import complete_pooling, no_pooling  # statsmodels takes a second to import

    chosen = design.factor(factor)
    place = design.factors.index(chosen)
    draws, terms = posterior.draws, own_terms(design, chosen)
    partial = np.einsum("sc,jtc->sjt", draws.beta, terms.of_columns) + draws.u[place] @ terms.of_effects.T
    own, all_rows = no_pooling(design, chosen, terms.X), complete_pooling(design)
    kept = shrinkage(posterior, chosen.label).draws["overall"].mean(("chain", "draw"))
    coords = {"group": chosen.levels, "term": terms.labels}
    beside = {
        "n": ("group", chosen.counts),
        "shrinkage": ("group", kept.values),
        "status": ("group", own.status),
        "complete": (("group", "term"), terms.of_columns @ all_rows.estimate[0]),
        "none": (("group", "term"), own.estimate),
        "none_se": (("group", "term"), own.se),
    }
    dataset = xr.Dataset(beside, coords=coords).assign(partial=draws.labelled(partial, coords))
    missing = len(own.status) - own.status.count("estimated")
    definition = (
        f"Coefficients of each group of {chosen.label}: complete pooling (one regression of all rows), none (the "
        "group's own regression) and partial (the model, β + u); shrinkage is the share of its own evidence that a "
        "group keeps."
    )
    if missing:
        definition += f" {missing} groups have too few or separated rows for a regression of their own."
    attrs = labels_of(design, chosen) | _drawn(terms)
    return Quantity(dataset.assign_attrs(attrs), definition, picture="pooling")


def _drawn(terms: OwnTerms) -> dict[str, Any]:
    """Which term the picture is of, one that varies if there is one: a slope over its range, or else levels."""
    varies = [label for label, row in zip(terms.labels, terms.of_effects, strict=True) if row.any()]
    slopes = [label for label in [*varies, *terms.labels] if label != "Intercept"]
    if terms.labels[0] != "Intercept" or not slopes:
        return {"level": [*varies, *terms.labels][0]}
    values = terms.X[:, terms.labels.index(slopes[0])]
    return {"level": "Intercept", "slope": slopes[0], "range": [float(values.min()), float(values.max())]}


def own_terms(design: Design, factor: Factor) -> OwnTerms:
    """The columns that a group's own regression can distinguish, and the model's coefficients that they contain."""
    ones, constant = np.ones(len(design.offset)), {}
    kept: list[int] = []
    folded: dict[int, tuple[int, Array]] = {}
    for i in sorted(range(len(design.columns)), key=lambda i: _order(design, i)):
        level = None if design.columns[i].is_intercept else _multiple(design.X[:, i], ones, factor)
        multiples = ((c, _multiple(design.X[:, i], design.X[:, c], factor)) for c in kept)
        found = next(((c, m) for c, m in multiples if m is not None), None)
        if level is not None:
            constant[i] = level
        elif found is not None:
            folded[i] = found
        else:
            kept.append(i)
    X, labels = design.X[:, kept], [design.columns[i].label for i in kept]
    for effect, z in zip(factor.effects, factor.Z.T, strict=True):
        if _weights(X, z) is None:
            X, labels = np.column_stack([X, z]), [*labels, effect.label]
    if _weights(X, ones) is None:
        X = np.column_stack([X, design.X[:, list(constant)]])
        labels += [design.columns[i].label for i in constant]
    return OwnTerms(labels, X, _of_columns(design, factor, X, kept, folded, constant), _of_effects(X, factor))


def _order(design: Design, i: int) -> tuple[bool, int, int]:
    """The intercept first, then terms of fewer parts."""
    return not design.columns[i].is_intercept, design.columns[i].label.count(":"), i


def _of_columns(
    design: Design,
    factor: Factor,
    X: Array,
    kept: list[int],
    folded: dict[int, tuple[int, Array]],
    constant: dict[int, Array],
) -> Array:
    shares = np.zeros((len(factor.levels), X.shape[1], len(design.columns)))
    for place, i in enumerate(kept):
        shares[:, place, i] = 1.0
    for i, (c, multiple) in folded.items():
        shares[:, kept.index(c), i] = multiple
    ones = _weights(X, np.ones(len(X)))
    for i, level in constant.items():
        weights = _weights(X, design.X[:, i]) if ones is None else None
        shares[:, :, i] = np.outer(level, ones) if weights is None and ones is not None else weights
    return shares


def _of_effects(X: Array, factor: Factor) -> Array:
    return np.array([_weights(X, z) for z in factor.Z.T]).T


def _weights(X: Array, z: Array) -> Array | None:
    """(term,), the a with X a = z, if there is one."""
    if not X.shape[1]:
        return None
    weights: Array = np.linalg.lstsq(X, z)[0]
    return weights if np.abs(X @ weights - z).max() <= SAME * np.abs(z).max() else None


def _multiple(x: Array, base: Array, factor: Factor) -> Array | None:
    """(group,), the m with x = m base in every row of each group, if there is one."""
    n_groups = len(factor.levels)
    squares = np.bincount(factor.codes, base**2, n_groups)
    products = np.bincount(factor.codes, x * base, n_groups)
    multiple = np.divide(products, squares, out=np.zeros(n_groups), where=squares > 0)
    exact = np.abs(x - multiple[factor.codes] * base).max() <= SAME * np.ptp(x) if np.ptp(x) else True
    return multiple if exact else None
