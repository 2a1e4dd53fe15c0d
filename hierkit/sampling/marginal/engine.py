"""Gaussian outcome: NUTS on sds and correlations alone; coefficients and effects are integrated out and drawn after.

The rows are read once, into sums per group, so that a gradient costs as much as there are groups, and NUTS moves in two
to seven dimensions whatever the number of coefficients. Student-t effects add a dimension for each group.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import optimize

from hierkit.arrays import Array
from hierkit.cores import on_all_cores, shares
from hierkit.model.basis import Basis, make_basis, prior_in_basis
from hierkit.model.design import Design
from hierkit.model.names import RESIDUAL_SD, Kind, kind_of
from hierkit.model.priors import EffectsDistribution, Priors
from hierkit.sampling.console import stopping_on_interrupt
from hierkit.sampling.draws import as_tree, assemble
from hierkit.sampling.kernels.curves import along_curves
from hierkit.sampling.kernels.from_python import from_python
from hierkit.sampling.kernels.group_scales import START_DEGREES, GroupScales, make_group_scales, scales_of_draws
from hierkit.sampling.kernels.integrated_groups import in_lanes
from hierkit.sampling.kernels.layout import Layout, make_layout
from hierkit.sampling.kernels.nuts import run_nuts
from hierkit.sampling.kernels.origin import Origin, make_origin, sampled_Z
from hierkit.sampling.kernels.packing import pack
from hierkit.sampling.kernels.parameters import Parameters, constrained, make_parameters, to_real, uncentre
from hierkit.sampling.marginal import surrogate
from hierkit.sampling.marginal.density import marginal_callback
from hierkit.sampling.marginal.group_effects import draw_effects
from hierkit.sampling.marginal.statistics import Statistics
from hierkit.sampling.settings import Settings

STEP = 1e-4  # of a coordinate, for second derivatives
FAILED = 1e100  # what a search for the mode sees where the density is no number
FEWEST_GROUPS = 10_000  # for which a polynomial is made
WIDEST, NARROWEST = 1.0, 0.02  # how far around the mode chains start


def sample_marginal(design: Design, priors: Priors, effects: EffectsDistribution, settings: Settings) -> xr.DataTree:
    """Draws from a Gaussian model with normal or flat priors on coefficients.

    Parameters
    ----------
    design, priors, effects
        The model; one that `hierkit.sampling.engines` has nothing against.
    settings : Settings
        How to sample.

    Returns
    -------
    xarray.DataTree
        posterior, sample_stats, observed_data, constant_data; coefficients and effects are drawn exactly given the
        rest, in each draw.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    layout = make_layout(design.factors)
    basis = make_basis(design, priors)
    model, centre = make_model(design, priors, basis, layout)
    with stopping_on_interrupt():
        mode = find_mode(design, model)
        found = _of_many_groups(model, mode, settings) if _has_many_groups(model, layout) else None
        if found is None:
            model, start, spread = pilot(model, mode)
            found = run_nuts("marginal", marginal_callback, model.packed(), start, spread, settings)
        x, sample_stats = found
        posterior = _posterior(design, model, basis, layout, centre, x, settings)
    return as_tree(posterior, sample_stats, design)


def _has_many_groups(model: "Model", layout: Layout) -> bool:
    """Whether a polynomial is worth its making; the scales of Student-t effects are too many for one."""
    return len(layout.groups) > 0 and layout.groups[-1] >= FEWEST_GROUPS and not model.group_scales.coordinates


def _of_many_groups(model: "Model", mode: Array, settings: Settings) -> tuple[Array, xr.Dataset] | None:
    """Draws (chain, draw, coordinate) and NUTS's statistics from a polynomial; None where it is not the density."""
    density = log_posterior_of(model)
    made = surrogate.make_surrogate(density, mode)
    if made is None:
        return None
    nothing = np.zeros(len(mode))
    z, sample_stats = run_nuts("marginal", surrogate.polynomial_callback, made.packed(), nothing, nothing + 1, settings)
    is_close = surrogate.is_close(made, density, z.reshape(-1, len(mode)))
    return (made.x(z), sample_stats) if is_close else None


class Model(NamedTuple):
    """What the log posterior reads besides a point."""

    parameters: Parameters
    group_scales: GroupScales
    origin: Origin
    statistics: Statistics

    @property
    def n_parameters(self) -> int:
        """How many parameters are sampled: all but the coefficients."""
        return len(self.parameters) - self.parameters.coefficients

    def packed(self) -> Array:
        """All of it in one block."""
        parameters, p = self.parameters, self.parameters.coefficients
        sampled = parameters.codes[p:], parameters.numbers[p:], parameters.pairs
        return pack(*sampled, *self.group_scales, *self.origin, *self.statistics)


def make_model(design: Design, priors: Priors, basis: Basis, layout: Layout) -> tuple[Model, Array]:
    """The model, and beside it the least-squares coefficients of the basis."""
    parameters = make_parameters(design, priors)
    origin = make_origin(design, priors)
    group_scales = make_group_scales(design, priors, parameters, layout)
    statistics, centre = sufficient_statistics(design, priors, basis, origin, layout)
    return Model(parameters, group_scales, origin, statistics), centre


def sufficient_statistics(
    design: Design, priors: Priors, basis: Basis, origin: Origin, layout: Layout
) -> tuple[Statistics, Array]:
    """One pass over the rows; see `Statistics`. Beside it the least-squares coefficients of the basis."""
    root = np.sqrt(design.row_weights)[:, None]
    y, X = root[:, 0] * (design.outcome.y - design.offset), root * basis.X
    centre = np.linalg.lstsq(X, y, rcond=None)[0]
    residual = y - X @ centre
    order, columns = [int(f) for f in layout.order], [X]
    for f in order[:-1]:
        columns.append(root * _indicators(design, f, origin))
    rows = np.column_stack([*columns, residual])
    groups = np.empty((0, 0, rows.shape[1], 0))
    if order:
        last = design.factors[order[-1]]
        Z = root * sampled_Z(design, order[-1], origin.T)
        groups = in_lanes(last.sums(np.column_stack([Z, rows]), Z))
    precision, weighted_mean = prior_in_basis(design, priors, basis)
    shift = weighted_mean - precision @ centre
    head = np.column_stack([layout.groups[:-1], layout.effects[:-1], layout.columns[:-1]]).astype(np.int64)
    last_place = layout.columns[-1:] if order else np.zeros(1, dtype=np.int64)
    cross = rows.T @ rows
    return Statistics(cross, groups, precision, shift, head, last_place, np.array([design.outcome.n_rows])), centre


def _indicators(design: Design, f: int, origin: Origin) -> Array:
    """(row, group and effect), the columns of a factor's effects, group by group."""
    factor, Z = design.factors[f], sampled_Z(design, f, origin.T)
    columns = np.zeros((len(Z), len(factor.levels), Z.shape[1]))
    columns[np.arange(len(Z)), factor.codes] = Z
    return columns.reshape(len(Z), -1)


def find_mode(design: Design, model: Model) -> Array:
    """(coordinate,), the mode of the posterior of all parameters but the groups' scales, which are 1."""
    parameters, p = model.parameters, model.parameters.coefficients
    y = design.outcome.y - design.offset
    sd = float(np.std(y))
    spreads = [effect.spread or 1.0 for factor in design.factors for effect in factor.effects]
    values = np.zeros(len(parameters))
    values[p : p + len(spreads)] = sd / (2 * np.array(spreads))
    values[[kind_of(name) is Kind.DEGREES for name in parameters.names]] = START_DEGREES
    if parameters.names[-1] == RESIDUAL_SD:
        values[-1] = np.sqrt(model.statistics.cross[-1, -1] / design.outcome.n_rows) + 1e-3 * sd
    minus = _minus_log_posterior(model)
    start = to_real(parameters, values)[p:]
    found = optimize.minimize(minus, start, jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return np.asarray(found.x if found.fun < FAILED else start)


def pilot(model: Model, mode: Array) -> tuple[Model, Array, Array]:
    """The mode of the posterior in NUTS's coordinates, where chains start, and how far around.

    Returns
    -------
    model : Model
        With sds along curves on which the posterior is nearly normal.
    start, spread : ndarray
        (coordinate,).
    """
    minus = _minus_log_posterior(model)
    parameters, start = along_curves(model.parameters, lambda x: -minus(x)[0], mode, model.parameters.coefficients)
    model = model._replace(parameters=parameters)
    spread = _spread(_minus_log_posterior(model), start)
    n_scales = model.group_scales.coordinates
    return model, np.append(start, np.zeros(n_scales)), np.append(spread, np.ones(n_scales))


def log_posterior_of(model: Model) -> Callable[[Array], tuple[float, Array]]:
    """A function of all coordinates: the log density and its gradient."""
    return from_python(marginal_callback, model.packed(), model.n_parameters + model.group_scales.coordinates)


def _minus_log_posterior(model: Model) -> Callable[[Array], tuple[float, Array]]:
    """A function of the parameters' coordinates: minus the log density, and its gradient, where all scales are 1."""
    log_posterior = log_posterior_of(model)
    scales = np.zeros(model.group_scales.coordinates)

    def minus(x: Array) -> tuple[float, Array]:
        value, grad = log_posterior(np.append(x, scales))
        finite = np.isfinite(value) and np.isfinite(grad).all()
        return (-value, -grad[: len(x)]) if finite else (FAILED, np.zeros_like(x))

    return minus


def _spread(minus: Callable[[Array], tuple[float, Array]], start: Array) -> Array:
    """(coordinate,), about two posterior sds, from the curvature at the mode."""
    steps = STEP * np.eye(len(start))
    hessian = np.array([(minus(start + e)[1] - minus(start - e)[1]) / (2 * STEP) for e in steps])
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    sds = np.sqrt((vectors**2 / np.maximum(values, 1e-2)).sum(axis=1))
    return np.asarray(np.clip(2 * sds, NARROWEST, WIDEST))


def _posterior(
    design: Design, model: Model, basis: Basis, layout: Layout, centre: Array, x: Array, settings: Settings
) -> xr.Dataset:
    """The draws of all that was sampled, and of coefficients and, where they are kept, effects given them."""
    origin, statistics = model.origin, model.statistics
    p, q = len(centre), len(origin.T)
    flat = x.reshape(-1, x.shape[-1])
    values, L, sigma, degrees = constrained(model.parameters, flat, p, q)
    scales = scales_of_draws(model.group_scales, values, flat[:, model.n_parameters :])
    rng = np.random.default_rng([settings.random_seed, 1])
    head = rng.standard_normal((len(flat), len(statistics.cross) - 1))
    n_effects, n_last = (layout.effects[-1], layout.groups[-1]) if len(layout.order) else (0, 0)
    z = rng.standard_normal((len(flat), n_effects, n_last if settings.keep_effects else 0))
    residual_sd = np.ones(len(flat)) if sigma is None else sigma

    def draw(own: slice) -> None:
        draw_effects(L[own], origin.T, residual_sd[own], scales[own], statistics, head[own], z[own])

    on_all_cores(draw, shares(len(flat)))
    beta = (head[:, :p] + centre) @ basis.inverse.T
    u: dict[int, Array | None] = {}
    at = p
    for f, n_groups, effects, column in zip(layout.order, *layout[1:4], strict=True):
        if f == layout.order[-1]:
            u[int(f)] = np.swapaxes(z, 1, 2) if settings.keep_effects else None
        else:
            T = origin.T[column : column + effects, column : column + effects]
            u[int(f)] = head[:, at : at + n_groups * effects].reshape(-1, n_groups, effects) @ T.T
        at += n_groups * effects
    TL = origin.T @ L
    G = TL @ np.swapaxes(TL, 1, 2)
    return assemble(design, len(x), uncentre(design, beta), G, [u[f] for f in range(len(u))], sigma, degrees)
