"""Any grouping factors, Gaussian, Bernoulli or counts: NUTS on parameters and effects, in coordinates from a pilot."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.model.basis import make_basis, prior_in_basis
from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.model.terms import Array
from hierkit.sampling import joint_density
from hierkit.sampling.assembly import as_tree, assemble
from hierkit.sampling.curves import along_curves
from hierkit.sampling.geometry import Geometry, factors_in_head, make_geometry
from hierkit.sampling.interrupts import stopping_on_interrupt
from hierkit.sampling.joint_density import Numbers
from hierkit.sampling.nuts import run_nuts
from hierkit.sampling.origin import Origin, make_origin
from hierkit.sampling.packing import pack
from hierkit.sampling.parameters import Parameters, make_parameters, scales, to_real, uncentre
from hierkit.sampling.patterns import Layout, Patterns, make_layout, make_patterns
from hierkit.sampling.pilot import Pilot, make_pilot
from hierkit.sampling.settings import Settings

CURVE_SPREAD = 1.0  # on a curve the posterior is nearly standard normal


def sample_joint(design: Design, priors: Priors, settings: Settings) -> xr.DataTree:
    """Draws from a model with normal effects.

    Parameters
    ----------
    design, priors
        The model; one that `hierkit.sampling.support` has nothing against.
    settings : Settings
        How to sample.

    Returns
    -------
    xarray.DataTree
        posterior, sample_stats, observed_data, constant_data.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    model = make_model(design, priors)
    with stopping_on_interrupt():
        start, spread = model.start, model.spread
        data = pack(*model.numbers, *model.origin, *model.geometry, *model.layout, *model.rows)
        x, sample_stats = run_nuts("joint", joint_density.joint_callback, data, start, spread, settings)
        posterior = _posterior(design, model, x, settings.random_seed)
    return as_tree(posterior, sample_stats, design)


class Model(NamedTuple):
    """What `joint_log_posterior` reads besides a point, and where chains start."""

    parameters: Parameters
    origin: Origin
    geometry: Geometry
    layout: Layout
    rows: Patterns
    start: Array
    spread: Array

    @property
    def numbers(self) -> Numbers:
        """The parameters as kernels read them."""
        return Numbers(self.parameters.codes, self.parameters.numbers, self.parameters.pairs)


def make_model(design: Design, priors: Priors) -> Model:
    """Rows, coordinates and starting points of a model."""
    parameters, origin, basis = make_parameters(design, priors), make_origin(design, priors), make_basis(design, priors)
    layout, gaussian = make_layout(design.factors), "sigma" in priors
    rows = make_patterns(design, layout, basis.X, origin.T)
    head = factors_in_head(layout, len(design.columns), gaussian)
    factors = [design.factors[f] for f in layout.order]
    pilot = make_pilot(rows, layout, factors, gaussian, *prior_in_basis(design, priors, basis), head)
    geometry = make_geometry(pilot, rows, layout, np.ascontiguousarray(basis.inverse), head)
    start, spread = starting_point(parameters, pilot, layout)
    model = Model(parameters, origin, geometry, layout, rows, start, spread)

    def log_posterior(x: Array) -> float:
        return float(joint_density.joint_log_posterior(x, model.numbers, origin, geometry, layout, rows)[0])

    curved, start = along_curves(parameters, log_posterior, start, 0)
    changed = np.flatnonzero(curved.codes[:, 0] != parameters.codes[:, 0])
    spread[changed] = CURVE_SPREAD
    return model._replace(parameters=curved, start=start, spread=spread)


def starting_point(parameters: Parameters, pilot: Pilot, layout: Layout) -> tuple[Array, Array]:
    """Where to start, and how far around, in NUTS's coordinates."""
    p, effects = parameters.coefficients, _effects_sampled(parameters, layout)
    values = np.zeros(len(parameters))
    correlations = np.eye(int(layout.effects.sum()))
    for column, G in zip(layout.columns, pilot.G, strict=True):
        own = slice(column, column + len(G))
        values[p + column : p + column + len(G)] = np.sqrt(G.diagonal())
        correlations[own, own] = G / np.sqrt(np.outer(G.diagonal(), G.diagonal()))
    first = p + len(correlations)
    values[first : first + len(parameters.pairs)] = partial_correlations(correlations, parameters.pairs)
    values[-1] = np.sqrt(pilot.sigma2) if parameters.names[-1] == "sigma" else values[-1]
    start = np.concatenate([to_real(parameters, values), np.zeros(effects)])
    spread = np.concatenate([np.ones(p), np.full(len(parameters) - p, 0.2), np.ones(effects)])
    start[:p] = 0.0
    return start, spread


def partial_correlations(correlations: Array, pairs: NDArray[np.int64]) -> Array:
    """(pair,), canonical partial correlations, kept within ±0.95."""
    C = np.linalg.cholesky(0.999 * correlations + 0.001 * np.eye(len(correlations)))
    left = [1 - np.sum(C[i, [m for k, m in pairs if k == i and m < j]] ** 2) for i, j in pairs]
    return np.clip(C[pairs[:, 0], pairs[:, 1]] / np.sqrt(np.array(left)), -0.95, 0.95)


def _effects_sampled(parameters: Parameters, layout: Layout) -> int:
    """Those of all factors; a Gaussian outcome's of the last factor are drawn afterwards."""
    return int(layout.first[:-1][-1] if parameters.names[-1] == "sigma" and len(layout.groups) else layout.first[-1])


def _posterior(design: Design, model: Model, x: Array, random_seed: int) -> xr.Dataset:
    """The draws of parameters and effects."""
    parameters, origin, geometry, layout, rows, *_ = model
    flat, count, p, n_effects = x.reshape(-1, x.shape[-1]), len(parameters), len(rows.X), int(layout.first[-1])
    L, sigma = scales(parameters, flat[:, p:], p, len(rows.Z))
    left = (len(flat), n_effects - flat.shape[1] + count)
    drawn = np.random.default_rng([random_seed, 1]).standard_normal(left)
    c, v = np.hstack([flat[:, :p], flat[:, count:], drawn]), np.empty((len(flat), p + n_effects))
    residual_sds = np.ones(len(flat)) if sigma is None else sigma
    joint_density.joint_draws(c, L, residual_sds, geometry, layout, rows, v)
    u = {}
    for f, place in enumerate(layout.order):
        n_groups, q, column = layout.groups[f], layout.effects[f], layout.columns[f]
        own = v[:, p + layout.first[f] : p + layout.first[f + 1]]
        by_group = (
            own.reshape(-1, n_groups, q) if f < geometry.head[0] else np.swapaxes(own.reshape(-1, q, n_groups), 1, 2)
        )
        T = origin.T[column : column + q, column : column + q]
        u[int(place)] = by_group if (np.eye(q) == T).all() else by_group @ T.T
    TL = origin.T @ L
    beta = uncentre(design, v[:, :p] @ geometry.basis.T)
    return assemble(design, len(x), beta, TL @ np.swapaxes(TL, 1, 2), [u[f] for f in range(len(u))], sigma)
