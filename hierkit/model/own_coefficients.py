"""What a group's own coefficients are made of: common coefficients, some of them times what the group has.

With `y ~ x * z + (x | g)` and z constant within groups, a group's level is β_0 + β_z z_j + u_0j and its slope on x is
β_x + β_xz z_j + u_xj.
"""

import numpy as np

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.groups import Factor

SAME = 1e-8  # of a column's size


def common_in_effects(design: Design, factor: Factor) -> Array:
    """(group, effect, column), what a group's own coefficient of an effect takes of each common coefficient.

    A column of the common part belongs to the effects if it is a combination of their columns, as that of the same
    predictor is, or in every group a multiple of one. A column that is neither, such as that of a predictor without
    group effects, has zeros: a group's own coefficients are for rows where it is zero.
    """
    bases = _bases(design, factor)
    shares = np.zeros((len(factor.levels), len(factor.effects), len(design.columns)))
    for i, x in enumerate(design.X.T):
        weights = combination(factor.Z, x)
        if weights is not None:
            shares[:, :, i] = weights
            continue
        multiples = ((multiple(x, base, factor), own) for base, own in bases)
        found = next(((m, own) for m, own in multiples if m is not None), None)
        if found is not None:
            shares[:, :, i] = np.outer(*found)
    return shares


def _bases(design: Design, factor: Factor) -> list[tuple[Array, Array]]:
    """Columns (row,) that are combinations of the effects' columns, and the weights (effect,) of these."""
    candidates = [np.ones(len(factor.codes)), *factor.Z.T, *design.X.T]
    combinations = ((column, combination(factor.Z, column)) for column in candidates)
    return [(column, weights) for column, weights in combinations if weights is not None]


def combination(X: Array, z: Array) -> Array | None:
    """(column,), the a with X a = z, if there is one."""
    if not X.shape[1]:
        return None
    same = (z[:, None] == X).all(axis=0)
    if same.any():
        own: Array = np.eye(len(same))[same.argmax()]
        return own
    sizes = np.abs(X).max(axis=0)
    sizes = np.where(sizes > 0, sizes, 1.0)
    weights: Array = np.linalg.lstsq(X / sizes, z)[0] / sizes
    whole = np.round(weights)
    # a predictor is one times itself, and not what rounding makes of that
    exact = np.where(np.abs(weights - whole) < SAME, whole, weights)
    return next((w for w in (exact, weights) if np.abs(X @ w - z).max() <= SAME * _size(z)), None)


def multiple(x: Array, base: Array, factor: Factor) -> Array | None:
    """(group,), the m with x = m base in every row of each group, if there is one."""
    n_groups = len(factor.levels)
    squares = np.bincount(factor.codes, base**2, n_groups)
    products = np.bincount(factor.codes, x * base, n_groups)
    found = np.divide(products, squares, out=np.zeros(n_groups), where=squares > 0)
    return found if np.abs(x - found[factor.codes] * base).max() <= SAME * _size(x) else None


def _size(x: Array) -> float:
    """How much a column varies, or how large a constant one is."""
    return float(np.ptp(x) or np.abs(x).max())
