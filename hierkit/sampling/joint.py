"""Any grouping factors, Gaussian, Bernoulli or counts: NUTS on parameters and effects, in coordinates from a pilot."""

import numpy as np
import xarray as xr

from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.model.terms import Array
from hierkit.sampling import joint_density
from hierkit.sampling.assembly import as_tree, assemble
from hierkit.sampling.geometry import Geometry, make_geometry
from hierkit.sampling.interrupts import stopping_on_interrupt
from hierkit.sampling.nuts import run_nuts
from hierkit.sampling.packing import pack
from hierkit.sampling.parameters import Parameters, make_parameters, scales, to_real, uncentre
from hierkit.sampling.patterns import Layout, Patterns, make_layout, make_patterns
from hierkit.sampling.pilot import Pilot, make_pilot
from hierkit.sampling.settings import Settings


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
    parameters = make_parameters(design, priors)
    layout = make_layout(design.factors)
    rows = make_patterns(design, layout)
    with stopping_on_interrupt():
        pilot = make_pilot(rows, layout, [design.factors[f] for f in layout.order], "sigma" in priors)
        geometry = make_geometry(pilot, rows, layout)
        start, spread = starting_point(parameters, pilot, layout)
        data = pack(parameters.codes, parameters.numbers, parameters.pairs, *geometry, *layout, *rows)
        x, sample_stats = run_nuts("joint", joint_density.joint_callback, data, start, spread, settings)
        posterior = _posterior(design, parameters, geometry, layout, rows, x, settings.random_seed)
    return as_tree(posterior, sample_stats, design)


def starting_point(parameters: Parameters, pilot: Pilot, layout: Layout) -> tuple[Array, Array]:
    """Where to start, and how far around, in NUTS's coordinates."""
    p, effects = pilot.C.shape[1], _effects_sampled(parameters, layout)
    values = np.zeros(len(parameters))
    for f, G in enumerate(pilot.G):
        values[p + layout.columns[f] : p + layout.columns[f] + len(G)] = np.sqrt(G.diagonal())
    values[-1] = np.sqrt(pilot.sigma2) if parameters.names[-1] == "sigma" else values[-1]
    start = np.concatenate([to_real(parameters, values), np.zeros(effects)])
    spread = np.concatenate([np.ones(p), np.full(len(parameters) - p, 0.2), np.ones(effects)])
    return start, spread


def _effects_sampled(parameters: Parameters, layout: Layout) -> int:
    """Those of all factors; a Gaussian outcome's of the last factor are drawn afterwards."""
    return int(layout.first[:-1][-1] if parameters.names[-1] == "sigma" and len(layout.groups) else layout.first[-1])


def _posterior(
    design: Design,
    parameters: Parameters,
    geometry: Geometry,
    layout: Layout,
    rows: Patterns,
    x: Array,
    random_seed: int,
) -> xr.Dataset:
    """The draws of parameters and effects."""
    flat, head, p, n_effects = x.reshape(-1, x.shape[-1]), len(parameters), len(rows.X), int(layout.first[-1])
    sds, C, sigma = scales(parameters, flat, p, len(rows.Z))
    left = (len(flat), n_effects - flat.shape[1] + head)
    drawn = np.random.default_rng([random_seed, 1]).standard_normal(left)
    c, v = np.hstack([flat[:, :p], flat[:, head:], drawn]), np.empty((len(flat), p + n_effects))
    residual_sds = np.ones(len(flat)) if sigma is None else sigma
    joint_density.joint_draws(c, sds[:, :, None] * C, residual_sds, geometry, layout, rows, v)
    u = {
        place: v[:, p + layout.first[f] : p + layout.first[f + 1]].reshape(len(v), layout.effects[f], layout.groups[f])
        for f, place in enumerate(layout.order)
    }
    effects = [np.swapaxes(u[f], 1, 2) for f in range(len(u))]
    return assemble(design, len(x), uncentre(design, v[:, :p]), sds, C, effects, sigma)
