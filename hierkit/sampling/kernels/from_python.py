"""A compiled log posterior, called from Python as nutpie calls it: nothing else has to be compiled for that."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from hierkit.arrays import Array

POINTER = ctypes.POINTER(ctypes.c_double)


def from_python(log_posterior: Any, data: Array, size: int) -> Callable[[Array], tuple[float, Array]]:
    """A function of a point (size,) that returns the log density there and its gradient, whether finite or not.

    Parameters
    ----------
    log_posterior : compiled function
        From `hierkit.sampling.kernels.densities.callback`.
    data : ndarray
        What it reads, from `hierkit.sampling.kernels.packing.pack`.
    size : int
        How many coordinates there are.
    """
    compiled = log_posterior.ctypes

    def function(x: Array) -> tuple[float, Array]:
        point = np.ascontiguousarray(x, dtype=float)
        gradient, value = np.empty(size), np.empty(1)
        places = [array.ctypes.data_as(POINTER) for array in (point, gradient, value)]
        compiled(size, *places, data.ctypes.data)
        return float(value[0]), gradient

    return function
