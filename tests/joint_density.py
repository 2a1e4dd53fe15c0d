"""The joint engine's log density at a point, and that of PyMC's model there, in whatever coordinates."""

from typing import Any

import numpy as np
from engines import cholesky_factors, log_jacobian, pymc_point
from scipy import stats
from scipy.linalg import block_diag

from hierkit.model.bambi_model import build
from hierkit.model.design import Design
from hierkit.model.priors import EffectsDistribution, Priors
from hierkit.sampling.joint import engine
from hierkit.sampling.joint.group_effects import gaussian_draws
from hierkit.sampling.joint.logit import logit_draws
from hierkit.sampling.joint.products import Sums
from hierkit.sampling.kernels import densities
from hierkit.sampling.kernels.layout import make_layout


def check_log_posterior(design: Design, priors: Priors, effects: EffectsDistribution = "normal") -> None:
    """log p(x) = log p(y, z, theta) - log p(z_last | ...) - sum_f J_f log|L_f| + log|d v / d c| up to a constant.

    v = (beta, u) is linear in the coordinates and z = L^-1 u are PyMC's; the last factor of a Gaussian model is
    integrated out, which any z_last shows. Where effects are Student-t, PyMC's t(z) gives way to N(z; 0, s²) p(c).
    """
    model = engine.make_model(design, priors)
    parameters, layout = model.parameters, model.layout
    pymc_model = build(design, priors, effects, for_sampling=True).backend.model
    log_p = pymc_model.compile_logp(jacobian=True)
    rng = np.random.default_rng(0)
    p, count, n_scales = len(design.columns), len(parameters), model.group_scales.coordinates
    ours, theirs = [], []
    for _ in range(3):
        x = model.start + model.spread * rng.normal(size=len(model.start))
        values, slopes = (a[0] for a in densities.constrain(x[None, :count], parameters.codes, parameters.numbers))
        L = cholesky_factors(design, parameters, values, slopes)
        scales, there = scales_and_log_density(design, model, values, x[count : count + n_scales])
        c, joined = np.concatenate([x[:p], x[count + n_scales :]]), block_diag(np.empty((0, 0)), *L)
        every = np.concatenate([np.ones(0), *(scales[f] for f in make_layout(design.factors).order)])
        v = coefficients_and_effects(model, np.vstack([c, np.zeros(len(c)), np.eye(len(c))]), joined, every)
        values[:p] = model.geometry.basis @ v[0, :p]
        z = {}
        for f, place in enumerate(layout.order):
            u = v[0, p + layout.first[f] : p + layout.first[f + 1]]
            in_head = f < model.geometry.head[0]
            u = u.reshape(layout.groups[f], -1).T if in_head else u.reshape(-1, layout.groups[f])
            z[place] = np.linalg.solve(L[place], u).T
        there -= sum(len(z[f]) * np.linalg.slogdet(L[f])[1] for f in z)
        for f, factor in enumerate(design.factors):
            if f not in z:
                z[f] = rng.normal(size=(len(factor.levels), len(factor.effects)))
                there -= log_density_of_largest(design, model, values, L, z, scales)
        for f, factor in enumerate(design.factors):
            if effects == "student_t":
                q, nu = z[f].shape[1], values[parameters.names.index(factor.nu)]
                there -= stats.multivariate_t(np.zeros(q), df=nu).logpdf(z[f]).sum()
                there += stats.norm.logpdf(z[f], 0, scales[f][:, None]).sum()
        there += float(log_p(pymc_point(pymc_model, design, parameters, values, [z[f] for f in range(len(z))])))
        ours.append(engine.log_posterior_of(model)(x)[0])
        theirs.append(there + log_jacobian(parameters, values, slopes) + np.linalg.slogdet(v[2:] - v[1])[1])
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-8, atol=1e-8)


def scales_and_log_density(design: Any, model: Any, values: Any, c: Any) -> Any:
    """The scale of each group (group,) by factor, and log p(c | nu); without coordinates c they are 1."""
    scales, total, at = {}, 0.0, 0
    for f in make_layout(design.factors).order:
        n_groups = len(design.factors[f].levels)
        scales[f] = np.ones(n_groups)
        if len(c):
            a = values[model.parameters.names.index(design.factors[f].nu)] / 2
            squares = np.exp(c[at : at + n_groups] / np.sqrt(a))
            total += (stats.invgamma.logpdf(squares, a, scale=a) + np.log(squares) - 0.5 * np.log(a)).sum()
            scales[f] = np.sqrt(squares)
        at += n_groups
    return scales, total


def coefficients_and_effects(model: Any, c: Any, L: Any, scales: Any) -> Any:
    """v (draw, column + effects) of coordinates (draw, ...), with the same L and scales (group,) for all."""
    v, factors = np.empty_like(c), np.broadcast_to(L, (len(c), *L.shape)).copy()
    scales = np.tile(scales, (len(c), 1))
    if isinstance(model.rows, Sums):
        gaussian_draws(c, factors, scales, model.geometry, model.layout, v)
    else:
        logit_draws(c, factors, scales, model.geometry, model.layout, model.rows, v)
    return v


def log_density_of_largest(design: Any, model: Any, values: Any, L: Any, z: Any, scales: Any) -> float:
    """log p(z_last | y, all else) of the factor that is integrated out, written out; scales (group,) by factor."""
    left = design.outcome.y - design.offset - (design.X - design.column_means) @ values[: len(design.columns)]
    sd = (values[-1] if design.outcome.has_sigma else 1.0) / np.sqrt(design.row_weights)
    at = 0
    for f, factor in enumerate(design.factors):
        own = slice(at, at := at + len(factor.effects))
        wide = np.zeros((len(left), len(factor.levels), len(factor.effects)))
        wide[np.arange(len(left)), factor.codes] = factor.Z @ model.origin.T[own, own] @ L[f]
        if f in model.layout.order:
            left = left - wide.reshape(len(left), -1) @ z[f].ravel()
        else:
            last, columns = f, wide.reshape(len(left), -1) / sd[:, None]
    # of a normal distribution whose sd is the group's scale
    precision = np.diag(np.repeat(scales[last] ** -2.0, len(design.factors[last].effects))) + columns.T @ columns
    away = z[last].ravel() - np.linalg.solve(precision, columns.T @ (left / sd))
    return float(0.5 * np.linalg.slogdet(precision)[1] - 0.5 * away @ precision @ away)
