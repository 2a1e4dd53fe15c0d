"""Gaussian outcome, one grouping factor: NUTS on the posterior with the effects integrated out; they are drawn after.

The rows are read once, into sums per group, so that a gradient costs as much as there are groups. What is sampled are
the coefficients of the centred columns, the sds, the partial correlations and sigma.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.model.terms import Array
from hierkit.sampling import marginal_density
from hierkit.sampling.assembly import as_tree, assemble
from hierkit.sampling.interrupts import stopping_on_interrupt
from hierkit.sampling.marginal_effects import draw_effects
from hierkit.sampling.nuts import run_nuts
from hierkit.sampling.packing import pack
from hierkit.sampling.parameters import Parameters, make_parameters, scales, to_real, uncentre
from hierkit.sampling.settings import Settings

PILOT_STEPS = 20


@dataclass(frozen=True, eq=False)
class Statistics:
    """All that the posterior needs to know of the rows.

    Attributes
    ----------
    centre : ndarray
        (column,), least-squares coefficients b of the centred columns.
    cross : ndarray
        (column, column), X'X of the centred columns.
    groups : ndarray
        (effect, effect + column + 1, group), Z_j'Z_j, Z_j'X_j and Z_j'e_j side by side, e = y - X b.
    size : ndarray
        (2,), the rows n and e'e.
    """

    centre: Array
    cross: Array
    groups: Array
    size: Array


def sample_marginal(design: Design, priors: Priors, settings: Settings) -> xr.DataTree:
    """Draws from a Gaussian model with one grouping factor and normal effects.

    Parameters
    ----------
    design, priors
        The model; one that `hierkit.sampling.support` has nothing against.
    settings : Settings
        How to sample.

    Returns
    -------
    xarray.DataTree
        posterior, sample_stats, observed_data, constant_data; u is drawn exactly given the rest, in each draw.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    parameters, statistics = make_parameters(design, priors), sufficient_statistics(design)
    start, spread = pilot(parameters, statistics)
    data = pack(*arguments(parameters, statistics))
    with stopping_on_interrupt():
        x, sample_stats = run_nuts("marginal", marginal_density.marginal_callback, data, start, spread, settings)
        posterior = _posterior(design, parameters, statistics, x, settings.random_seed)
    return as_tree(posterior, sample_stats, design)


def sufficient_statistics(design: Design) -> Statistics:
    """One pass over the rows; see `Statistics`."""
    factor, y = design.factors[0], design.outcome.y - design.offset
    X = design.X - design.column_means
    centre = np.linalg.lstsq(X, y, rcond=None)[0]
    residual = y - X @ centre
    groups = factor.sums(np.column_stack([factor.Z, X, residual]))
    return Statistics(
        centre, X.T @ X, np.ascontiguousarray(np.moveaxis(groups, 0, 2)), np.array([len(y), residual @ residual])
    )


def pilot(parameters: Parameters, statistics: Statistics) -> tuple[Array, Array]:
    """Where to start, and how far around, in NUTS's coordinates: least squares, and EM steps for G and sigma.

    With C_j = (A_j / s2 + G^-1)^-1 and u_j = C_j c_j / s2, G is the mean of u_j u_j' + C_j, and s2 that of the expected
    squared residuals (Dempster, Laird and Rubin 1977). A poor pilot costs tuning, never truth.

    Returns
    -------
    start, spread : ndarray
        (parameter,).
    """
    p, q = len(statistics.centre), len(statistics.groups)
    sums = np.moveaxis(statistics.groups, 2, 0)
    A, c = sums[:, :, :q], sums[:, :, -1]
    n, rss = statistics.size
    s2 = rss / n
    G = np.diag(s2 / np.maximum(A.mean(axis=0).diagonal() / A[:, 0, 0].mean(), 1e-12))
    for _ in range(PILOT_STEPS):
        C = np.linalg.inv(A / s2 + np.linalg.inv(G))
        u = np.einsum("jab,jb->ja", C, c) / s2
        G = np.einsum("ja,jb->ab", u, u) / len(u) + C.mean(axis=0)
        left = rss - 2 * np.sum(u * c) + np.einsum("ja,jab,jb->", u, A, u) + np.einsum("jab,jba->", A, C)
        s2 = max(float(left), 1e-8 * rss) / n
    values, spread = np.zeros(len(parameters)), np.full(len(parameters), 0.2)
    values[:p], values[p : p + q], values[-1] = statistics.centre, np.sqrt(G.diagonal()), np.sqrt(s2)
    spread[:p] = np.sqrt(s2 * np.linalg.pinv(statistics.cross).diagonal())
    return to_real(parameters, values), spread


def arguments(parameters: Parameters, statistics: Statistics) -> tuple[Any, ...]:
    """What `marginal_log_posterior` reads besides a point."""
    return (
        parameters.codes,
        parameters.numbers,
        parameters.pairs,
        statistics.centre,
        statistics.cross,
        statistics.groups,
        statistics.size,
    )


def _posterior(
    design: Design, parameters: Parameters, statistics: Statistics, x: Array, random_seed: int
) -> xr.Dataset:
    """The draws of all that was sampled, and of the effects given them."""
    chains, p, (q, _, groups) = len(x), len(statistics.centre), statistics.groups.shape
    flat = x.reshape(-1, x.shape[-1])
    sds, C, sigma = scales(parameters, flat, p, q)
    beta = np.ascontiguousarray(flat[:, :p])
    z = np.random.default_rng([random_seed, 1]).standard_normal((len(flat), groups, q))
    u = draw_effects(beta, sds[:, :, None] * C, sigma, statistics.centre, statistics.groups, z)
    return assemble(design, chains, uncentre(design, beta), sds, C, [u], sigma)
