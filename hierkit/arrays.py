"""The types of arrays, and the dims of draws: the ground floor."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
SAMPLE_DIMS = ("chain", "draw")
