"""What the engine `marginal` reads of the rows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array


class Statistics(NamedTuple):
    """All that the posterior needs to know of the rows.

    Attributes
    ----------
    cross : ndarray
        (head + 1, head + 1), products of the head's columns and e.
    groups : ndarray
        (block, effect, effect + head + 1, lane), Z_j'Z_j, Z_j'H and Z_j'e side by side, of the groups of the largest
        factor; see `hierkit.sampling.kernels.integrated_groups.in_lanes`.
    precision, shift : ndarray
        (column, column) and (column,), Pi and Pi d of the coefficients.
    head : ndarray of int
        (factor, 3), groups, effects, and the place of the first effect among all effects, of the head's factors.
    last : ndarray of int
        (1,), the place of the largest factor's first effect.
    size : ndarray
        (1,), the rows n.
    """

    cross: Array
    groups: Array
    precision: Array
    shift: Array
    head: NDArray[np.int64]
    last: NDArray[np.int64]
    size: Array
