"""Where default priors hold: at the centre of the predictors, wherever these have their zero.

A model with `(x | g)` is the same model for x and for x + 2000; only what its intercepts mean differs. Its default
priors are therefore about the effects at the centre, v, of which those in the formula are a linear map, u = T v.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.columns import Column, weighted_mean, weighted_sd
from hierkit.model.evaluated import Evaluated, component_values

ROUNDING = 1e-10
FARTHEST = 1e7  # sds; beyond, variances at the rows would be off by more than a twentieth


def effects_at_centre(items: Sequence[Evaluated], weights: Array) -> tuple[Array, Array]:
    """The map from the effects at the centre to those of the formula, for terms whose effects vary together.

    Numbers are taken less their mean over the rows, a power less what lower powers beside it explain of it, and
    products are those of such numbers. Where a column so centred is no combination of the block's columns, as without
    any intercept, it stays as it is.

    Parameters
    ----------
    items : sequence of Evaluated
        The terms of one block.
    weights : ndarray
        (row,), trials.

    Returns
    -------
    T : ndarray
        (effect, effect), u = T v, with ones on its diagonal; the identity where nothing is centred.
    spread : ndarray
        (effect,), the sd over rows of each centred column.
    """
    Z = np.hstack([item.values for item in items])
    owner = np.repeat(np.arange(len(items)), [item.values.shape[1] for item in items])
    level = next((i for i, item in enumerate(items) if item.is_level), None)
    centred = _centred_numbers(items, weights)
    candidates = np.hstack([_centred_term(item, centred) for item in items])
    T = np.eye(Z.shape[1])
    if level is None:
        return T, np.array([weighted_sd(column, weights) for column in candidates.T])
    for k, i in enumerate(owner.tolist()):
        lower = np.flatnonzero([other == level or _is_lower(items, other, i) for other in owner.tolist()])
        T[lower, k] -= _combination(Z[:, lower], Z[:, k], candidates[:, k]) if i != level else 0.0
    spread = np.array([weighted_sd(column, weights) for column in (Z @ T).T])
    _check_distance([label for item in items for label in item.labels], T, Z, spread)
    return T, spread


def _check_distance(labels: Sequence[str], T: Array, Z: Array, spread: Array) -> None:
    """Refuse effects whose zero is so far from the rows that their variances there have no digits left."""
    sizes = np.abs(T - np.eye(len(T))) * np.sqrt(np.mean(Z**2, axis=0))[:, None]
    far = sizes.max(axis=0) / np.where(spread > 0, spread, np.inf)
    for label in [label for label, distance in zip(labels, far, strict=True) if distance > FARTHEST]:
        raise refusal(
            f"{label!r} lies more than {FARTHEST:,.0f} sds from zero, where the group intercepts of the formula are",
            "The variance of these intercepts would have no digits left",
            f"Subtract a number near its mean in the data, or write I({label} - number) in both places",
        )


def common_spread(columns: Sequence[Column], X: Array, k: int, weights: Array, has_level: bool) -> float:
    """The sd that scales the default prior of a coefficient.

    That of the column; beside an interaction or a power it is the sd that those terms leave: of the residuals of
    regressing the column on the terms that share a variable with it, and on the terms that belong to these.

    Parameters
    ----------
    columns, X
        Of the common part.
    k : int
        Place of the column.
    weights : ndarray
        (row,), trials.
    has_level : bool
        Whether the common part has an intercept, of all rows or of each level.
    """
    own = columns[k]
    beside = [
        c for c in columns if c.term != own.term and set(c.variables) & set(own.variables) and c.spread is not None
    ]
    belong = {c.term for c in columns for b in beside if set(c.variables) <= set(b.variables)} - {own.term}
    others = [i for i, c in enumerate(columns) if c.term in belong and not c.is_intercept]
    if own.spread is None:
        return 1.0
    if own.in_full or not beside:
        return own.spread
    known = X[:, others]
    if has_level:
        known = known - weighted_mean(known, weights)
    column = X[:, k] - (weighted_mean(X[:, k], weights) if has_level else 0.0)
    left = column - known @ _solve(known, column, weights)
    size = float(np.sqrt(weighted_mean(column**2, weights)))
    spread = float(np.sqrt(weighted_mean(left**2, weights)))
    return spread if spread > ROUNDING * size else own.spread


def _centred_numbers(items: Sequence[Evaluated], weights: Array) -> dict[str, Array]:
    """Each numeric component by name, less its mean and less what lower powers of the same variables explain."""
    centred: dict[str, Array] = {}
    lower: dict[frozenset[str], list[Array]] = {}
    components = {c.name: c for item in items for c in getattr(item.term, "components", []) if c.kind == "numeric"}
    alone = {item.term.components[0].name for item in items if item.kind == "numeric"}
    for component in sorted(components.values(), key=_rank):
        values = component_values(component)
        values = values - weighted_mean(values, weights)
        before = lower.setdefault(frozenset(component.var_names) - {""}, [])
        if before:
            known = np.hstack(before)
            values = values - known @ _solve(known, values, weights)
        if component.name in alone:
            before.append(values)
        centred[component.name] = values
    return centred


def _rank(component: object) -> bool:
    """Plain columns come before functions of them; otherwise the order is that of the formula."""
    return "(" in component.name  # type: ignore[attr-defined]


def _centred_term(item: Evaluated, centred: dict[str, Array]) -> Array:
    product = np.ones((len(item.values), 1))
    for component in getattr(item.term, "components", []):
        values = centred[component.name] if component.kind == "numeric" else component_values(component)
        product = (product[:, :, None] * values[:, None, :]).reshape(len(product), -1)
    return product


def _is_lower(items: Sequence[Evaluated], other: int, own: int) -> bool:
    """Whether centring a term takes another one: of fewer variables, or a lower power of the same ones."""
    those, these = set(items[other].variables), set(items[own].variables)
    if those != these:
        return those < these
    ranks = [sum(_rank(component) for component in getattr(items[i].term, "components", [])) for i in (other, own)]
    return (ranks[0], other) < (ranks[1], own)


def _combination(lower: Array, column: Array, centred: Array) -> Array:
    """(lower,), the combination that centring subtracts; zeros where there is none, or where it is rounding."""
    size = np.sqrt(np.mean(centred**2))
    taken = column - centred
    weights = _solve(lower, taken, np.ones(len(column)))
    if np.abs(taken - lower @ weights).max() > 1e-7 * max(size, float(np.abs(taken).max())):
        return np.zeros(lower.shape[1])
    negligible = np.abs(weights) * np.sqrt(np.mean(lower**2, axis=0)) < ROUNDING * size
    return np.where(negligible, 0.0, weights)


def _solve(known: Array, values: Array, weights: Array) -> Array:
    """Weighted least squares, columns in units of their own size."""
    root = np.sqrt(weights / weights.mean())
    known = known * root[:, None]
    size = np.sqrt(np.mean(known**2, axis=0))
    size = np.where(size > 0, size, 1.0)
    weighted = values * (root if values.ndim == 1 else root[:, None])
    found: NDArray[np.float64] = np.linalg.lstsq(known / size, weighted, rcond=1e-13)[0]
    return found / (size if values.ndim == 1 else size[:, None])
