"""Numba kernels that every engine shares: transforms, priors and Cholesky factors, each with its gradient.

Every kernel returns what is not finite as it is: an exception would panic the sampler's threads. Log densities leave
out constants that do not depend on parameters. Kernels are compiled once per machine.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import kept, kernel
from hierkit.sampling.kernels.codes import (
    CAUCHY,
    CURVE,
    EXPONENTIAL,
    GAMMA,
    HALF,
    INTERVAL,
    INVERSE_GAMMA,
    LAPLACE,
    LKJ,
    LOG_NORMAL,
    NORMAL,
    PARTIAL,
    POSITIVE,
    STUDENT_T,
)

C_LOG_POSTERIOR = numba.types.int64(  # nutpie's: dimension, x, gradient, value, data -> 0 or an error code
    numba.types.uint64, *[numba.types.CPointer(numba.types.double)] * 3, numba.types.voidptr
)
NO_GRADIENT, NO_VALUE = 3, 4

PRIOR_NUMBERS = 3  # of a parameter, before the numbers of its curve
KNOTS = 17
FIRST_KNOT = -4.0
BETWEEN_KNOTS = 0.5


def callback[F: Callable[..., Any]](function: F) -> F:
    """Compile, once per machine, to a function that nutpie calls without Python."""
    return kept(partial(numba.cfunc, C_LOG_POSTERIOR, error_model="numpy", fastmath=False), function)


def expansion[F: Callable[..., Any]](function: F) -> F:
    """Compile, once per machine, to a function with which nutpie stores a point."""
    return kept(partial(numba.cfunc, "int64(uint64, uint64, CPointer(double), CPointer(double), voidptr)"), function)


@expansion
def keep_point(dimension: int, count: int, x: Array, out: Array, data: Array) -> int:
    """All of it."""
    for i in range(count):
        out[i] = x[i]
    return 0


@kernel
def words(address: Any) -> Any:
    """The block of memory at an address, whose first word says how many it has; see `packing`."""
    return numba.carray(address, (numba.carray(address, (1,), np.int64)[0],), np.float64)


@kernel
def numbers_at(address: Any, count: int) -> Any:
    """(count,), numbers at an address."""
    return numba.carray(address, (count,))


@kernel
def answer(value: float, grad: Array, out: Array, log_p: Array) -> int:
    """Hand value and gradient to nutpie; the code says whether they are finite."""
    log_p[0] = value
    finite = True
    for i in range(grad.shape[0]):
        out[i] = grad[i]
        finite &= np.isfinite(grad[i])
    if not finite:
        return NO_GRADIENT
    return 0 if np.isfinite(value) else NO_VALUE


@kernel
def spline(x: float, table: Array) -> tuple[float, float, float]:
    """Height, slope and second derivative of a natural cubic spline, a line beyond its ends.

    The table has its heights at the knots, then its second derivatives there.
    """
    place = (x - FIRST_KNOT) / BETWEEN_KNOTS
    i = int(min(max(np.floor(place), 0.0), KNOTS - 2.0))
    right = min(max(place - i, 0.0), 1.0)
    left = 1 - right
    a, b = table[KNOTS + i], table[KNOTS + i + 1]
    h = BETWEEN_KNOTS
    height = left * table[i] + right * table[i + 1] + ((left**3 - left) * a + (right**3 - right) * b) * h * h / 6
    slope = (table[i + 1] - table[i]) / h + ((3 * right**2 - 1) * b - (3 * left**2 - 1) * a) * h / 6
    beyond = (place - i - right) * h
    return height + slope * beyond, slope, left * a + right * b


@kernel
def transform(kind: int, x: float, numbers: Array) -> tuple[float, float, float, float]:
    """Value, its slope, the log of the slope, and the derivative of that log, at a real number x.

    REAL: x. POSITIVE: exp x. INTERVAL: lower + (upper - lower) / (1 + exp -x), the bounds being the first two numbers.
    PARTIAL: tanh x, slope 1 - tanh² x. CURVE: exp s(x), s the spline of `hierkit.sampling.kernels.curves`.
    """
    if kind == CURVE:
        height, steep, bend = spline(x, numbers[PRIOR_NUMBERS:])
        value = np.exp(height)
        return value, value * steep, height + np.log(steep), steep + bend / steep
    if kind == POSITIVE:
        value = np.exp(x)
        return value, value, x, 1.0
    if kind == INTERVAL:
        e = np.exp(-abs(x))
        share = 1 / (1 + e) if x >= 0 else e / (1 + e)
        lower, upper = numbers[0], numbers[1]
        width = upper - lower
        slope = width * e / (1 + e) ** 2
        return lower + width * share, slope, np.log(width) - abs(x) - 2 * np.log1p(e), 1 - 2 * share
    if kind == PARTIAL:
        e = np.exp(-2 * abs(x))
        value = np.tanh(x)
        return value, 4 * e / (1 + e) ** 2, np.log(4.0) - 2 * abs(x) - 2 * np.log1p(e), -2 * value
    return x, 1.0, 0.0, 0.0


@kernel
def log_density(kind: int, v: float, a: float, b: float, c: float) -> tuple[float, float]:
    """Log density of a value v and its derivative; a, b, c are the prior's parameters in PyMC's order.

    HALF is |Student t| with a degrees of freedom and scale b: half-normal for a = inf, half-Cauchy for a = 1. LKJ is
    that of one canonical partial correlation, (1 - v²)^(a - 1).
    """
    if kind == NORMAL:
        z = (v - a) / b
        return -0.5 * z * z, -z / b
    if kind == STUDENT_T:
        z = (v - b) / c
        return -0.5 * (a + 1) * np.log1p(z * z / a), -(a + 1) * z / (c * (a + z * z))
    if kind == CAUCHY:
        z = (v - a) / b
        return -np.log1p(z * z), -2 * z / (b * (1 + z * z))
    if kind == LAPLACE:
        return -abs(v - a) / b, -np.sign(v - a) / b
    if kind == HALF:
        z = v / b
        if np.isinf(a):
            return -0.5 * z * z, -z / b
        return -0.5 * (a + 1) * np.log1p(z * z / a), -(a + 1) * z / (b * (a + z * z))
    if kind == EXPONENTIAL:
        return -a * v, -a
    if kind == GAMMA:
        return (a - 1) * np.log(v) - b * v, (a - 1) / v - b
    if kind == INVERSE_GAMMA:
        return -(a + 1) * np.log(v) - b / v, -(a + 1) / v + b / (v * v)
    if kind == LOG_NORMAL:
        z = (np.log(v) - a) / b
        return -0.5 * z * z - np.log(v), -(z / b + 1) / v
    if kind == LKJ:
        return (a - 1) * np.log1p(-v * v), -2 * (a - 1) * v / (1 - v * v)
    return 0.0, 0.0


@kernel
def log_priors(x: Array, codes: Ints, numbers: Array, value: Array, slope: Array, grad: Array) -> float:
    """Sum over parameters of log p(value) + log |d value / dx|, for a vector x of real numbers.

    Parameters
    ----------
    x : (parameter,)
        Where.
    codes : (parameter, 2) of int
        Transform and prior of each.
    numbers : (parameter, 3 + 2 knots)
        The prior's parameters, and the table of its curve.
    value, slope, grad : (parameter,)
        Filled with the values, d value / dx, and the derivative of the sum with respect to x.
    """
    total = 0.0
    for i in range(x.shape[0]):
        a = numbers[i, 0]
        b = numbers[i, 1]
        c = numbers[i, 2]
        v, s, log_slope, d_log_slope = transform(codes[i, 0], x[i], numbers[i])
        if codes[i, 1] == LKJ:
            # (1 - v²)^(a - 1) times the slope 1 - v²: stable where tanh x rounds to 1
            log_p, dx = (a - 1) * log_slope, (a - 1) * d_log_slope
        else:
            log_p, d_value = log_density(codes[i, 1], v, a, b, c)
            dx = d_value * s
        total += log_p + log_slope
        value[i] = v
        slope[i] = s
        grad[i] = dx + d_log_slope
    return total


@kernel
def cholesky_solve_identity(M: Array, inverse: Array) -> float:
    """Replace M by its Cholesky factor, fill `inverse` with M^-1, and return log |M|."""
    q = M.shape[0]
    log_det = 0.0
    for k in range(q):
        for j in range(k + 1):
            s = M[k, j]
            for i in range(j):
                s -= M[k, i] * M[j, i]
            M[k, j] = np.sqrt(s) if k == j else s / M[j, j]
        log_det += 2 * np.log(M[k, k])
    for column in range(q):
        for k in range(q):
            s = 1.0 if k == column else 0.0
            for i in range(k):
                s -= M[k, i] * inverse[i, column]
            inverse[k, column] = s / M[k, k]
        for k in range(q - 1, -1, -1):
            s = inverse[k, column]
            for i in range(k + 1, q):
                s -= M[i, k] * inverse[i, column]
            inverse[k, column] = s / M[k, k]
    return log_det


@kernel
def constrain(x: Array, codes: Ints, numbers: Array) -> tuple[Array, Array]:
    """(draw, parameter) twice: values and their slopes for real vectors x (draw, parameter)."""
    values, slopes = np.empty_like(x), np.empty_like(x)
    for d in range(x.shape[0]):
        for i in range(x.shape[1]):
            values[d, i], slopes[d, i], _, _ = transform(codes[i, 0], x[d, i], numbers[i])
    return values, slopes
