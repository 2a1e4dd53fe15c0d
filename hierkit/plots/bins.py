"""Edges of a histogram's bins, for values of any spread."""

import numpy as np

from hierkit.arrays import Array

BINS = 40
NARROWEST = 1e-12  # of the values: below, there are fewer numbers than bins


def edges(values: Array) -> list[float]:
    """Those of all bins, from the smallest value to the largest, or around values that are nearly the same."""
    low, high = float(values.min()), float(values.max())
    least = max(NARROWEST * max(abs(low), abs(high)), np.finfo(float).tiny)
    if high == low:
        least = max(least, 1.0)
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    return np.linspace(low, high, BINS + 1).tolist()
