"""Arrays in one block of memory, so that a compiled log posterior finds all of its data behind one address.

The block is 8-byte words: how many there are, then for each array where it begins and its lengths along four axes (1
where it has fewer), then the arrays. Integers keep their bits.
"""

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel

WORDS = 5  # of an array in the table


def pack(*arrays: NDArray[np.float64] | NDArray[np.int64] | float) -> Array:
    """One block of the arrays, of 8-byte numbers each, in this order."""
    table, start = [], 1 + WORDS * len(arrays)
    flat = [np.ascontiguousarray(array) for array in arrays]
    for array in flat:
        table += [start, *array.shape, *[1] * (WORDS - 1 - array.ndim)]
        start += array.size
    head = np.array([start, *table], dtype=np.int64)
    return np.concatenate([head.view(np.float64), *(array.ravel().view(np.float64) for array in flat)])


@kernel
def vector(block: Array, i: int) -> Array:
    """Array i of a block, flat."""
    table = block.view(np.int64)[1 + WORDS * i : 1 + WORDS * (i + 1)]
    return block[table[0] : table[0] + table[1] * table[2] * table[3] * table[4]]


@kernel
def matrix(block: Array, i: int) -> Array:
    """Array i of a block, which has two axes."""
    table = block.view(np.int64)[1 + WORDS * i : 1 + WORDS * (i + 1)]
    return vector(block, i).reshape((table[1], table[2]))


@kernel
def cubes(block: Array, i: int) -> Array:
    """Array i of a block, which has four axes."""
    table = block.view(np.int64)[1 + WORDS * i : 1 + WORDS * (i + 1)]
    return vector(block, i).reshape((table[1], table[2], table[3], table[4]))
