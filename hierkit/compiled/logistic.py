"""Numba kernel of the logit-binomial likelihood.

It is where the time of a Bernoulli model goes. A compiled `np.exp` or `np.log` is a call for each number; the series
here are plain arithmetic, which the compiler applies to several rows at once: four to eight times as fast.
"""

import math

import numpy as np

from hierkit.arrays import Array
from hierkit.compiled.compiling import row_kernel, series_kernel

# ln 2 in two parts, the first with zeros at its end: k times it is exact (as in fdlibm's exp)
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
LOG2_E = 1.4426950408889634
EXP_SERIES = tuple(1 / math.factorial(n) for n in range(14))


@series_kernel
def exp_below_zero(x: Array, result: Array) -> None:
    """Fill `result` with exp x for x from -700 to 0; below -700 with exp -700.

    exp x = 2^k exp r, k the nearest whole number to x / ln 2 and |r| <= ln 2 / 2, exp r by its series to r^13.
    """
    power = np.empty(x.shape[0], dtype=np.int64)
    for i in range(x.shape[0]):
        bounded = max(x[i], -700.0)
        k = np.floor(bounded * LOG2_E + 0.5)
        r = (bounded - k * LN2_HIGH) - k * LN2_LOW
        s = EXP_SERIES[13]
        for n in range(12, -1, -1):
            s = EXP_SERIES[n] + s * r
        result[i] = s
        power[i] = (np.int64(k) + 1023) << 52  # the bits of 2^k
    scale = power.view(np.float64)
    for i in range(x.shape[0]):
        result[i] *= scale[i]


@row_kernel
def log_one_plus(e: float) -> float:
    """Log of 1 + e for e from 0 to 1: 2 artanh s with s = e / (2 + e) <= 1/3, by its series to s^35."""
    s = e / (2 + e)
    square = s * s
    total = 1 / 35
    for n in range(33, 0, -2):
        total = 1 / n + square * total
    return 2 * s * total


@row_kernel
def binomial_rows(eta: Array, y: Array, trials: Array, residual: Array) -> float:
    """Log likelihood of y successes in `trials` at logit p = eta, without its constant.

    y eta - trials log(1 + exp eta), written for exp -|eta|.

    Parameters
    ----------
    eta, y, trials : (row,)
        The rows.
    residual : (row,)
        Filled with the derivative by eta, y - trials p.
    """
    exp_below_zero(-np.abs(eta), residual)
    total = 0.0
    for i in range(eta.shape[0]):
        e = residual[i]
        share = 1 / (1 + e)
        total += y[i] * eta[i] - trials[i] * (max(eta[i], 0.0) + log_one_plus(e))
        residual[i] = y[i] - trials[i] * (share if eta[i] >= 0 else e * share)
    return total
