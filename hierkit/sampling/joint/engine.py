"""Any grouping factors, Gaussian, Bernoulli or counts: NUTS on parameters and effects, in coordinates from a pilot."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.cores import on_all_cores, shares
from hierkit.model.basis import make_basis, prior_in_basis
from hierkit.model.design import Design
from hierkit.model.names import RESIDUAL_SD, Kind, kind_of
from hierkit.model.priors import EffectsDistribution, Priors
from hierkit.sampling.console import stopping_on_interrupt
from hierkit.sampling.draws import as_tree, assemble
from hierkit.sampling.joint.coordinates import Geometry, factors_in_head, make_geometry
from hierkit.sampling.joint.group_effects import draw_largest, gaussian_draws
from hierkit.sampling.joint.patterns import Patterns, make_patterns
from hierkit.sampling.joint.pilot import Pilot, make_pilot
from hierkit.sampling.joint.products import Sums, make_sums
from hierkit.sampling.kernels.curves import along_curves
from hierkit.sampling.kernels.from_python import from_python
from hierkit.sampling.kernels.group_scales import START_DEGREES, GroupScales, make_group_scales, scales_of_draws
from hierkit.sampling.kernels.layout import Layout, make_layout, without_last
from hierkit.sampling.kernels.nuts import run_nuts
from hierkit.sampling.kernels.origin import Origin, make_origin
from hierkit.sampling.kernels.packing import pack
from hierkit.sampling.kernels.parameters import Numbers, Parameters, constrained, make_parameters, to_real, uncentre
from hierkit.sampling.settings import Settings

CURVE_SPREAD = 1.0  # on a curve the posterior is nearly standard normal


def sample_joint(design: Design, priors: Priors, effects: EffectsDistribution, settings: Settings) -> xr.DataTree:
    """Draws from a model.

    Parameters
    ----------
    design, priors, effects
        The model; one that `hierkit.sampling.engines` has nothing against.
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
    compiled = compiled_log_posterior(model)
    with stopping_on_interrupt():
        x, sample_stats = run_nuts("joint", compiled, model.packed(), model.start, model.spread, settings)
        posterior = _posterior(design, model, x, settings.random_seed)
    return as_tree(posterior, sample_stats, design)


class Model(NamedTuple):
    """What a log posterior reads besides a point, and where chains start.

    Attributes
    ----------
    parameters, group_scales, origin, geometry
        As there.
    layout : Layout
        Of the factors whose effects are sampled.
    rows : Sums or Patterns
        Of a Gaussian outcome, or of another.
    start, spread : ndarray
        (coordinate,).
    """

    parameters: Parameters
    group_scales: GroupScales
    origin: Origin
    geometry: Geometry
    layout: Layout
    rows: Sums | Patterns
    start: Array
    spread: Array

    @property
    def numbers(self) -> Numbers:
        """The parameters as kernels read them."""
        return Numbers(self.parameters.codes, self.parameters.numbers, self.parameters.pairs)

    def packed(self) -> Array:
        """All that the compiled log posterior reads, in one block."""
        return pack(*self.numbers, *self.group_scales, *self.origin, *self.geometry, *self.layout, *self.rows)


def compiled_log_posterior(model: Model) -> Any:
    """The log density, up to a constant; it is compiled, once per machine, when its module is imported."""
    if isinstance(model.rows, Sums):
        from hierkit.sampling.joint.gaussian import gaussian_callback

        return gaussian_callback
    from hierkit.sampling.joint.logit import logit_callback

    return logit_callback


def log_posterior_of(model: Model) -> Callable[[Array], tuple[float, Array]]:
    """A function of a point that returns the log density there and its gradient."""
    return from_python(compiled_log_posterior(model), model.packed(), len(model.start))


def make_model(design: Design, priors: Priors) -> Model:
    """Rows, coordinates and starting points of a model."""
    parameters = make_parameters(design, priors)
    origin = make_origin(design, priors)
    basis = make_basis(design, priors)
    layout, gaussian = make_layout(design.factors), design.family.has_residual
    patterns = make_patterns(design, layout, basis.X, origin.T)
    head = factors_in_head(layout, len(design.columns), gaussian)
    factors = [design.factors[f] for f in layout.order]
    pilot = make_pilot(patterns, layout, factors, design.outcome, *prior_in_basis(design, priors, basis), head)
    geometry = make_geometry(pilot, patterns, layout, np.ascontiguousarray(basis.inverse), head, gaussian)
    sampled = without_last(layout) if gaussian else layout
    group_scales = make_group_scales(design, priors, parameters, layout)
    start, spread = starting_point(parameters, pilot, layout, group_scales.coordinates + int(sampled.first[-1]))
    rows = make_sums(design, basis, layout, head, origin.T) if gaussian else patterns
    model = Model(parameters, group_scales, origin, geometry, sampled, rows, start, spread)
    log_posterior = log_posterior_of(model)
    curved, start = along_curves(parameters, lambda x: log_posterior(x)[0], start, 0)
    changed = np.flatnonzero(curved.codes[:, 0] != parameters.codes[:, 0])
    spread[changed] = CURVE_SPREAD
    return model._replace(parameters=curved, start=start, spread=spread)


def starting_point(parameters: Parameters, pilot: Pilot, layout: Layout, effects: int) -> tuple[Array, Array]:
    """Where to start, and how far around, in NUTS's coordinates of parameters and so many scales and effects."""
    p = parameters.coefficients
    values = np.zeros(len(parameters))
    correlations = np.eye(int(layout.effects.sum()))
    for column, G in zip(layout.columns, pilot.G, strict=True):
        own = slice(column, column + len(G))
        values[p + column : p + column + len(G)] = np.sqrt(G.diagonal())
        correlations[own, own] = G / np.sqrt(np.outer(G.diagonal(), G.diagonal()))
    first = p + len(correlations)
    values[first : first + len(parameters.pairs)] = partial_correlations(correlations, parameters.pairs)
    values[[kind_of(name) is Kind.DEGREES for name in parameters.names]] = START_DEGREES
    values[-1] = np.sqrt(pilot.sigma2) if parameters.names[-1] == RESIDUAL_SD else values[-1]
    start = np.concatenate([to_real(parameters, values), np.zeros(effects)])
    spread = np.concatenate([np.ones(p), np.full(len(parameters) - p, 0.2), np.ones(effects)])
    start[:p] = 0.0
    return start, spread


def partial_correlations(correlations: Array, pairs: NDArray[np.int64]) -> Array:
    """(pair,), canonical partial correlations, kept within ±0.95."""
    C = np.linalg.cholesky(0.999 * correlations + 0.001 * np.eye(len(correlations)))
    left = [1 - np.sum(C[i, [m for k, m in pairs if k == i and m < j]] ** 2) for i, j in pairs]
    return np.clip(C[pairs[:, 0], pairs[:, 1]] / np.sqrt(np.array(left)), -0.95, 0.95)


def _posterior(design: Design, model: Model, x: Array, random_seed: int) -> xr.Dataset:
    """The draws of parameters and effects."""
    parameters, group_scales, origin, geometry, layout, rows, *_ = model
    flat = x.reshape(-1, x.shape[-1])
    count = len(parameters)
    p = parameters.coefficients
    values, L, sigma, degrees = constrained(parameters, flat[:, p:], p, len(origin.T))
    scales = scales_of_draws(group_scales, values, flat[:, count : count + group_scales.coordinates])
    c = np.hstack([flat[:, :p], flat[:, count + group_scales.coordinates :]])
    v, u = np.empty_like(c), {}
    if isinstance(rows, Sums):
        gaussian_draws(c, L, scales, geometry, layout, v)
        residual_sd = np.ones(len(v)) if sigma is None else sigma
        u = _largest_effects(design, model, v, L, residual_sd, scales, random_seed)
    else:
        from hierkit.sampling.joint.logit import logit_draws

        logit_draws(c, L, scales, geometry, layout, rows, v)
    for f, place in enumerate(layout.order):
        n_groups = layout.groups[f]
        q = layout.effects[f]
        column = layout.columns[f]
        own = v[:, p + layout.first[f] : p + layout.first[f + 1]]
        by_group = (
            own.reshape(-1, n_groups, q) if f < geometry.head[0] else np.swapaxes(own.reshape(-1, q, n_groups), 1, 2)
        )
        T = origin.T[column : column + q, column : column + q]
        u[int(place)] = by_group if (np.eye(q) == T).all() else by_group @ T.T
    TL = origin.T @ L
    beta = uncentre(design, v[:, :p] @ geometry.basis.T)
    return assemble(design, len(x), beta, TL @ np.swapaxes(TL, 1, 2), [u[f] for f in range(len(u))], sigma, degrees)


def _largest_effects(
    design: Design, model: Model, v: Array, L: Array, sigma: Array, scales: Array, random_seed: int
) -> dict[int, Array]:
    """The effects (draw, group, effect) that were integrated out, by their factor's place in the design."""
    layout = make_layout(design.factors)
    if not len(layout.order) or not isinstance(model.rows, Sums):
        return {}
    shape = (len(v), int(layout.effects[-1]), int(layout.groups[-1]))
    z = np.random.default_rng([random_seed, 1]).standard_normal(shape)
    T, rows = model.origin.T, model.rows

    def draw(own: slice) -> None:
        draw_largest(v[own], L[own], T, sigma[own], scales[own], rows, z[own])

    on_all_cores(draw, shares(len(v)))
    return {int(layout.order[-1]): np.swapaxes(z, 1, 2)}
