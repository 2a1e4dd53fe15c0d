"""A polynomial in place of the log posterior of very many groups, whose gradient costs as much as there are groups.

In units of posterior sds from the mode, terms of degree k of the log posterior of J groups are of the order
J^(1 - k/2): it is nearly quadratic. A polynomial of degree 4 is fitted to its values and gradients around the mode.
NUTS samples the polynomial, and draws are compared with the density itself, which decides whether they are kept.
"""

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import kernel
from hierkit.sampling.kernels.densities import answer, callback, numbers_at, words
from hierkit.sampling.kernels.packing import matrix, pack, vector

Density = Callable[[Array], tuple[float, Array]]
DEGREE = 4
REACH = 6.0  # posterior sds from the mode, as far as the density is looked at
FARTHEST = 9.0  # as far as NUTS may go
STEP = 1e-4  # of a coordinate, for second derivatives
NEAR, ROUGHLY = 3.0, 0.1  # posterior sds, and how much of the log density there may be left
CHECKED = 50  # draws
CLOSE = 0.01  # the sd over draws of the density's log over the polynomial


class Surrogate(NamedTuple):
    """A polynomial around a mode.

    Attributes
    ----------
    mode, S : ndarray
        (coordinate,) and (coordinate, coordinate), x = mode + S z, z in units of posterior sds.
    exponents, coefficients : ndarray
        (monomial, coordinate) of int and (monomial,), log p(z) = Σ c z^e - z'z / 2, less a constant.
    """

    mode: Array
    S: Array
    exponents: NDArray[np.int64]
    coefficients: Array

    def packed(self) -> Array:
        """What the polynomial's callback reads."""
        return pack(self.exponents, self.coefficients)

    def x(self, z: Array) -> Array:
        """(..., coordinate), where z is in the density's own coordinates."""
        return self.mode + z @ self.S.T

    def log_density(self, z: Array) -> float:
        """The polynomial's log density, less a constant."""
        return _polynomial(z, self.exponents, self.coefficients, np.empty(len(z)))


def make_surrogate(density: Density, mode: Array) -> Surrogate | None:
    """Fit a polynomial to a log density around its mode; None where the density is far from one.

    Parameters
    ----------
    density : callable
        A point -> the log density and its gradient.
    mode : ndarray
        (coordinate,), or near it.
    """
    d = len(mode)
    steps = STEP * np.eye(d)
    hessian = np.array([(density(mode + e)[1] - density(mode - e)[1]) / (2 * STEP) for e in steps])
    if not np.isfinite(hessian).all():
        return None
    values, vectors = np.linalg.eigh(-(hessian + hessian.T) / 2)
    if values.min() <= 0:
        return None
    S = vectors / np.sqrt(values)
    exponents = np.array([_exponents(term, d) for k in range(1, DEGREE + 1) for term in _terms(d, k)])
    z = _places(2 * len(exponents) // (d + 1) + 4 * d, d)
    found = [density(mode + S @ one) for one in z]
    middle = density(mode)[0]
    left = np.array([value - middle for value, _ in found]) + (z**2).sum(axis=1) / 2
    slopes = np.array([S.T @ gradient for _, gradient in found]) + z
    if not (np.isfinite(left).all() and np.isfinite(slopes).all()):
        return None
    rows = np.vstack([_monomials(z, exponents), *(_slopes(z, exponents, i) for i in range(d))])
    coefficients = np.linalg.lstsq(rows, np.concatenate([left, *slopes.T]), rcond=None)[0]
    unexplained = left - rows[: len(z)] @ coefficients
    is_near = np.linalg.norm(z, axis=1) < NEAR
    return Surrogate(mode, S, exponents, coefficients) if np.abs(unexplained[is_near]).max() < ROUGHLY else None


def is_close(surrogate: Surrogate, density: Density, z: Array) -> bool:
    """Whether the polynomial is the density, but for a constant, at some of the draws z (draw, coordinate)."""
    some = z[:: max(1, len(z) // CHECKED)]
    left = [density(surrogate.x(one))[0] - surrogate.log_density(one) for one in some]
    return bool(np.std(left) < CLOSE)


def _terms(d: int, degree: int) -> Any:
    return combinations_with_replacement(range(d), degree)


def _exponents(term: tuple[int, ...], d: int) -> list[int]:
    return [term.count(i) for i in range(d)]


def _places(count: int, d: int) -> Array:
    """(point, coordinate), in all directions, up to the reach."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((count, d))
    radii = REACH * np.sqrt((np.arange(count) + 0.5) / count)
    return np.asarray(directions * (radii / np.linalg.norm(directions, axis=1))[:, None])


def _monomials(z: Array, exponents: NDArray[np.int64]) -> Array:
    """(point, monomial)."""
    return np.asarray(np.prod(z[:, None, :] ** exponents, axis=2))


def _slopes(z: Array, exponents: NDArray[np.int64], i: int) -> Array:
    """(point, monomial), the derivatives by one coordinate."""
    lower = exponents.copy()
    lower[:, i] = np.maximum(lower[:, i] - 1, 0)
    return exponents[:, i] * _monomials(z, lower)


@kernel
def _polynomial(z: Array, exponents: Ints, coefficients: Array, grad: Array) -> float:
    """The polynomial less z'z / 2, and its gradient, put into `grad`."""
    d = z.shape[0]
    powers = np.ones((d, DEGREE + 1))
    for i in range(d):
        for k in range(DEGREE):
            powers[i, k + 1] = powers[i, k] * z[i]
    total = 0.0
    for i in range(d):
        total -= 0.5 * z[i] * z[i]
        grad[i] = -z[i]
    for j in range(coefficients.shape[0]):
        term = coefficients[j]
        for i in range(d):
            term *= powers[i, exponents[j, i]]
        total += term
        for i in range(d):
            if exponents[j, i] > 0:
                slope = coefficients[j] * exponents[j, i]
                for k in range(d):
                    slope *= powers[k, exponents[j, k] - (1 if k == i else 0)]
                grad[i] += slope
    return total


@callback
def polynomial_callback(dimension: int, x: Array, out: Array, log_p: Array, address: Any) -> int:
    """The polynomial for nutpie; no number beyond where it is known."""
    block = words(address)
    i = np.arange(2)  # numba would compile the readers anew for each literal number
    exponents, coefficients = matrix(block, i[0]).view(np.int64), vector(block, i[1])
    z = numbers_at(x, dimension)
    grad = np.empty(dimension)
    value = _polynomial(z, exponents, coefficients, grad)
    far = 0.0
    for k in range(dimension):
        far += z[k] * z[k]
    if far > FARTHEST * FARTHEST:
        value = -np.inf
    return answer(value, grad, numbers_at(out, dimension), numbers_at(log_p, 1))
