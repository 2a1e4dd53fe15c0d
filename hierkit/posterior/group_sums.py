"""What the rows of each group say of its effects, as sums, for a Gaussian outcome: all rows are gone through once.

Sums are of effects at the centre of the predictors, and of what least squares leave of the outcome, so that they are
small wherever predictors and outcome have their zero.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.posterior.draws import Draws

MOST_OF_OTHERS = 60  # effects of other factors: each is a column beside the coefficients
MOST_NUMBERS = 100_000_000  # products of groups with them


@dataclass(frozen=True, eq=False)
class GroupSums:
    """The sums, and what is subtracted from the outcome in each draw.

    Attributes
    ----------
    sums : ndarray
        (group, effect, effect + head + 1), Z_j'W Z_j, Z_j'W H and Z_j'W e side by side: H what multiplies the head, e
        the outcome less its least squares fit.
    head : ndarray
        (sample, head), coefficients counted from least squares, and the effects of the other factors.
    """

    sums: Array
    head: Array

    @property
    def information(self) -> Array:
        """(group, effect, effect), Z_j'W Z_j."""
        return self.sums[:, :, : self.sums.shape[1]]

    def score(self, places: NDArray[np.intp], samples: NDArray[np.intp]) -> Array:
        """(effect, sample, group), Z_j'W (y - X β - Σ Z_f u_f), what is left to the effects of some groups."""
        own = self.sums[places, :, self.sums.shape[1] :]
        by_head: Array = np.moveaxis(own[:, :, :-1] @ self.head[samples].T, 0, -1)
        return own[:, :, -1].T[:, None, :] - by_head


def have_sums(design: Design, factor: Factor) -> bool:
    """Whether sums are all that there is to know of a factor's groups: the other factors are small."""
    others = sum(len(one.levels) * len(one.effects) for one in design.factors if one is not factor)
    numbers = len(factor.levels) * len(factor.effects) * others
    return design.family.has_residual and others <= MOST_OF_OTHERS and numbers <= MOST_NUMBERS


def group_sums(design: Design, factor: Factor, known: Draws) -> GroupSums:
    """The sums of a factor's groups.

    Parameters
    ----------
    design : Design
        Of the fit.
    factor : Factor
        The one whose groups they are.
    known : Draws
        Parameters, and as `u` the effects of the other factors, in the order of the design.
    """
    X, beta = design.X - design.column_means, known.beta.copy()
    fixed = [i for i, column in enumerate(design.columns) if column.is_intercept]
    beta[:, fixed] += (known.beta @ design.column_means)[:, None]
    weights, y = design.row_weights[:, None], design.outcome.y - design.offset
    root = np.sqrt(weights)
    centre = np.linalg.lstsq(root * X, root[:, 0] * y, rcond=None)[0]
    effects = [u.reshape(len(beta), -1) for u in known.u]
    Z = factor.Z_centred
    own = factor.sums(weights * np.column_stack([Z, X, y - X @ centre]), Z)
    others = [_products(factor, weights * Z, other) for other in design.factors if other is not factor]
    sums = np.concatenate([own[:, :, :-1], *others, own[:, :, -1:]], axis=2)
    return GroupSums(sums, np.column_stack([beta - centre, *effects]))


def _products(factor: Factor, Z: Array, other: Factor) -> Array:
    """(group, effect, group and effect of the other factor), Z_j'Z_f, by pairs of groups."""
    shape = len(factor.levels), len(other.levels)
    pairs = np.ravel_multi_index((factor.codes, other.codes), shape)
    products = [[np.bincount(pairs, z * own, shape[0] * shape[1]) for own in other.Z.T] for z in Z.T]
    found: Array = np.array(products).reshape(Z.shape[1], other.Z.shape[1], *shape)
    return np.moveaxis(found, (2, 0, 3, 1), (0, 1, 2, 3)).reshape(shape[0], Z.shape[1], -1)
