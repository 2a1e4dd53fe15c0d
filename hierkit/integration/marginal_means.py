"""Means of the outcome with group effects integrated out.

Normal effects add to the linear predictor a normal variable of the variance s² = z'Gz. Student-t effects are normal
ones of which the covariance is multiplied by nu / χ²_nu, a number that the groups draw: a mixture over that number,
taken at Gauss-Legendre nodes of the square root of its probability. The error of a probability is below 1e-4 for one
factor with Student-t effects, whatever its sd and nu above 1.2.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from scipy import stats

from hierkit.arrays import Array
from hierkit.model.families import Mixture
from hierkit.model.matrices import Matrices
from hierkit.posterior.draws import Draws, common_part, group_variance

NODES, NODES_OF_SEVERAL = 12, 6  # for one factor with Student-t effects, and for each of several


def marginal_means(draws: Draws, rows: Matrices, part: slice = slice(None)) -> Array:
    """(sample, row), the mean of the outcome with all group effects integrated out."""
    return draws.family.mean_over_groups(common_part(draws, rows, part), mixture_of_rows(draws, rows, part))


def marginal_links(draws: Draws, rows: Matrices, part: slice = slice(None)) -> Array:
    """(sample, row), the same on the link scale."""
    return draws.family.link_over_groups(common_part(draws, rows, part), mixture_of_rows(draws, rows, part))


def mixture_of_rows(draws: Draws, rows: Matrices, part: slice = slice(None)) -> Mixture:
    """What the groups of all factors add to the linear predictor.

    Variances are (sample, row), or (sample, 1) where they are those of all rows.
    """
    different = [Z[:1] if (Z[:1] == Z).all() else Z for Z in rows.Z]
    variances = [group_variance(G[part], Z) for G, Z in zip(draws.G, different, strict=True)]
    degrees = [None if nu is None else nu[part, None] for nu in draws.nu]
    return mixture(variances, degrees) if variances else [(1.0, np.zeros((1, 1)))]


def mixture(variances: Sequence[Array], degrees: Sequence[Array | None]) -> Mixture:
    """The weights and variances of the normal variables that the sum of several factors' effects is a mixture of.

    Parameters
    ----------
    variances : sequence of ndarray
        For each factor, z'Gz with G the covariance of normal effects, or that of the scale of Student-t ones.
    degrees : sequence of (ndarray or None)
        The degrees of freedom of each factor's effects, which broadcast against the variances; None for normal ones.
    """
    heavy = sum(nu is not None for nu in degrees)
    nodes = NODES if heavy == 1 else NODES_OF_SEVERAL
    parts = [_scaled(variance, nu, nodes) for variance, nu in zip(variances, degrees, strict=True)]
    return [
        (float(np.prod([weight for weight, _ in chosen])), np.asarray(sum(variance for _, variance in chosen)))
        for chosen in itertools.product(*parts)
    ]


def _scaled(variance: Array, nu: Array | None, nodes: int) -> Mixture:
    if nu is None:
        return [(1.0, variance)]
    roots, weights = np.polynomial.legendre.leggauss(nodes)
    roots = (roots + 1) / 2
    scales = [nu / stats.chi2.ppf(root**2, nu) for root in roots]
    return [
        (float(weight * root), variance * scale) for root, weight, scale in zip(roots, weights, scales, strict=True)
    ]
