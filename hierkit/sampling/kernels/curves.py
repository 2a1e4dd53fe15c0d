"""Sds in coordinates in which their posterior is nearly standard normal.

With 3 to 6 groups the posterior of an sd has a long right tail that ends at the prior, and on the left ends at a wall
or runs to zero: no one function makes all of these round. Here each sd is exp s(x) with a spline s for which the normal
quantiles x meet those of the log posterior along that sd, the other coordinates being held. Any rising s is exact; what
it is made from decides the speed alone.
"""

from collections.abc import Callable

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import ndtri

from hierkit.arrays import Array
from hierkit.model.names import Kind, kind_of
from hierkit.sampling.kernels import codes
from hierkit.sampling.kernels import densities as d
from hierkit.sampling.kernels.parameters import Parameters

POINTS, REACH = 121, 12.0  # of the grid along log sd, to either side of the start
FLATTEST = 1e-3
KNOTS = d.FIRST_KNOT + d.BETWEEN_KNOTS * np.arange(d.KNOTS)


def along_curves(
    parameters: Parameters, log_posterior: Callable[[Array], float], start: Array, skipped: int
) -> tuple[Parameters, Array]:
    """The parameters with a curve for every sd that is a plain exponential so far, and the start on it.

    Parameters
    ----------
    parameters : Parameters
        Of the model.
    log_posterior : callable
        Log density at real numbers.
    start : ndarray
        (coordinate,), where the other coordinates are held.
    skipped : int
        Parameters before those that are among the coordinates.
    """
    moved = start.copy()
    for place in np.flatnonzero(parameters.codes[:, 0] == codes.POSITIVE).tolist():
        if kind_of(parameters.names[place]) is not Kind.SD:
            continue
        table = _curve(log_posterior, start, place - skipped)
        if table is not None:
            parameters = parameters.with_curve(place, table)
            moved[place - skipped] = np.interp(start[place - skipped], table[: d.KNOTS], KNOTS)
    return parameters, moved


def _curve(log_posterior: Callable[[Array], float], start: Array, i: int) -> Array | None:
    """Heights at the knots and second derivatives there; None where no rising curve is found."""
    at, log_p = _along(log_posterior, start, i, start[i])
    if not np.isfinite(log_p).any():
        return None
    if (top := int(np.nanargmax(log_p))) != len(at) // 2:
        at, log_p = _along(log_posterior, start, i, at[top])
    log_p = np.where(np.isfinite(log_p) & (log_p > log_p.max() - 700), log_p, log_p.max() - 700)
    weights = np.exp(log_p - log_p.max())
    steps = np.diff(at) * (weights[1:] + weights[:-1]) / 2
    below = np.concatenate([[0.0], np.cumsum(steps)])
    above = np.concatenate([[0.0], np.cumsum(steps[::-1])])[::-1]
    total = below[-1]
    # the smaller of both tails keeps its digits
    with np.errstate(divide="ignore"):
        quantiles = np.where(below < above, ndtri(below / total), -ndtri(above / total))
    inside = np.isfinite(quantiles) & (np.abs(quantiles) < 7)
    if inside.sum() < 8 or (np.diff(quantiles[inside]) <= 0).any():
        return None
    heights = np.interp(KNOTS, quantiles[inside], at[inside])
    curve = CubicSpline(KNOTS, heights, bc_type="natural")
    fine = np.linspace(KNOTS[0], KNOTS[-1], 8 * d.KNOTS)
    if curve(fine, 1).min() < FLATTEST:
        return None
    return np.concatenate([heights, curve(KNOTS, 2)])


def _along(log_posterior: Callable[[Array], float], start: Array, i: int, centre: float) -> tuple[Array, Array]:
    """A grid around a value of one coordinate, and the log posterior there."""
    at = centre + _grid()
    points = np.tile(start, (len(at), 1))
    points[:, i] = at
    return at, np.array([log_posterior(x) for x in points])


def _grid() -> Array:
    """Distances along log sd, close in the middle."""
    side = np.linspace(-1, 1, POINTS)
    return REACH * np.sign(side) * np.abs(side) ** 2.5
