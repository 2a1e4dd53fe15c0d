"""Student-t effects as normal ones whose scale each group has for itself.

The effects u_j of a group are multivariate t with nu degrees of freedom and the scale matrix G if

    u_j | s_j ~ N(0, s_j² G),      s_j² ~ InverseGamma(a, a),      a = nu / 2

NUTS moves the scales, in coordinates c_j = sqrt(a) log s_j²: the density of log s_j² is exp(-a (t + e^-t)) up to a
constant, which has the curvature a at its top, so that c_j is nearly standard normal for large nu. Given the scales all
is as for normal effects. They are not kept with the draws, as the effects are t once the scales are left out.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.compiled.compiling import kernel
from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.sampling.kernels.layout import Layout
from hierkit.sampling.kernels.parameters import Parameters

START_DEGREES = 10.0  # where chains start
FAR = 8.0  # from here on the series of digamma has errors below 1e-12


class GroupScales(NamedTuple):
    """Which groups have scales; empty where effects are normal.

    Attributes
    ----------
    groups : ndarray of int
        (factor,), how many groups, the factors in the order of the layout.
    degrees : ndarray of int
        (factor,), the place of the factor's degrees of freedom among the parameters after the coefficients.
    """

    groups: NDArray[np.int64]
    degrees: NDArray[np.int64]

    @property
    def coordinates(self) -> int:
        """How many coordinates the scales have."""
        return int(self.groups.sum())


def make_group_scales(design: Design, priors: Priors, parameters: Parameters, layout: Layout) -> GroupScales:
    """The groups of all factors if effects are Student-t, else none."""
    factors = [design.factors[f] for f in layout.order]
    names = parameters.names[parameters.coefficients :]
    places = [names.index(factor.nu) for factor in factors if factor.nu in priors]
    groups = layout.groups if places else np.empty(0, dtype=np.int64)
    return GroupScales(groups, np.array(places, dtype=np.int64))


def scales_of_draws(group_scales: GroupScales, values: Array, c: Array) -> Array:
    """(draw, group), the scale of each group of all factors; without groups where effects are normal.

    Parameters
    ----------
    group_scales : GroupScales
        Of the model.
    values : ndarray
        (draw, parameter), without coefficients.
    c : ndarray
        (draw, group), coordinates.
    """
    halves = values[:, group_scales.degrees] / 2
    return np.asarray(np.exp(c / (2 * np.sqrt(np.repeat(halves, group_scales.groups, axis=1)))))


@kernel
def digamma(a: float) -> float:
    """The derivative of log gamma, for a > 0: the recurrence up to a large number, and the series there."""
    total = 0.0
    while a < FAR:
        total -= 1.0 / a
        a += 1.0
    z = 1.0 / (a * a)
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z / 132))))
    return total + math.log(a) - 0.5 / a - series


@kernel
def count_scales(group_scales: GroupScales) -> int:
    """How many coordinates the scales have."""
    total = 0
    for f in range(group_scales.groups.shape[0]):
        total += group_scales.groups[f]
    return total


@kernel
def fill_scales(c: Array, value: Array, group_scales: GroupScales, scales: Array) -> float:
    """The log density of the coordinates c (group,), up to a constant; fills scales (group,)."""
    total, at = 0.0, 0
    for f in range(group_scales.groups.shape[0]):
        n_groups = group_scales.groups[f]
        a = 0.5 * value[group_scales.degrees[f]]
        root = np.sqrt(a)
        for j in range(at, at + n_groups):
            t = c[j] / root
            scales[j] = np.exp(0.5 * t)
            total -= a * (t + np.expm1(-t))
        total += n_groups * ((a - 0.5) * np.log(a) - a - math.lgamma(a))
        at += n_groups
    return total


@kernel
def inverse_squares(scales: Array, n_groups: int) -> Array:
    """(group,), what the precision of each group's effects is multiplied by; ones if there are no scales."""
    by = np.ones(max(n_groups, scales.shape[0]))
    for j in range(scales.shape[0]):
        by[j] = 1.0 / (scales[j] * scales[j])
    return by


@kernel
def scale_coordinates_gradient(
    c: Array, value: Array, slope: Array, group_scales: GroupScales, by_scale: Array, grad_c: Array, grad: Array
) -> None:
    """The gradient of the log posterior by coordinates and degrees of freedom.

    Parameters
    ----------
    c : (group,)
        Coordinates.
    value, slope : (parameter,)
        Of the parameters after the coefficients, and by their coordinates.
    group_scales : GroupScales
        Which groups.
    by_scale : (group,)
        The derivative of all else by the log of each scale.
    grad_c : (group,)
        Filled.
    grad : (parameter,)
        Added to.
    """
    at = 0
    for f in range(group_scales.groups.shape[0]):
        n_groups = group_scales.groups[f]
        place = group_scales.degrees[f]
        a = 0.5 * value[place]
        root = np.sqrt(a)
        by_a = n_groups * (np.log(a) - 0.5 / a - digamma(a))
        for j in range(at, at + n_groups):
            t = c[j] / root
            by_t = a * np.expm1(-t) + 0.5 * by_scale[j]
            grad_c[j] = by_t / root
            by_a -= t + np.expm1(-t) + 0.5 * by_t * t / a
        grad[place] += 0.5 * by_a * slope[place]
        at += n_groups
