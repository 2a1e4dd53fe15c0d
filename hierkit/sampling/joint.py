"""Bernoulli or binomial outcome, one grouping factor: NUTS on parameters and effects, whitened by a cheap pilot.

See `hierkit.sampling.whitened_density` for the coordinates. What is sampled are the coefficients of the centred
columns, the sds, the partial correlations, and one coordinate per effect of each group.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.model.terms import Array
from hierkit.sampling import densities, whitened_density
from hierkit.sampling.assembly import as_tree, assemble
from hierkit.sampling.interrupts import stopping_on_interrupt
from hierkit.sampling.nuts import LogPosterior, run_nuts
from hierkit.sampling.parameters import Parameters, column_means, make_parameters, to_real, uncentre
from hierkit.sampling.settings import Settings

PILOT_STEPS = 25
LEAST_WEIGHT = 1e-6
RIDGE = 0.01  # a coefficient of ten sds of its column is one prior sd from zero


@dataclass(frozen=True, eq=False)
class Pilot:
    """Working weights summed per group, and where the posterior is about.

    Attributes
    ----------
    centre, spread : ndarray
        (column,), coefficients of the centred columns and their standard errors.
    G : ndarray
        (effect, effect), covariance of the effects.
    groups : ndarray
        (group, effect, effect + column + 1), Z_j'W Z_j, Z_j'W X_j, and Z_j'W (z - X b), z the working response.
    """

    centre: Array
    spread: Array
    G: Array
    groups: Array


def sample_joint(design: Design, priors: Priors, settings: Settings) -> xr.DataTree:
    """Draws from a Bernoulli or binomial model with one grouping factor and normal effects.

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
    X = design.X - column_means(design)
    found = pilot(design, X)
    log_posterior = _log_posterior(design, parameters, X, found)
    start, spread = _start(parameters, found)
    with stopping_on_interrupt():
        x, sample_stats = run_nuts(log_posterior, start, spread, settings)
        posterior = _posterior(design, parameters, found, x)
    return as_tree(posterior, sample_stats, design)


def pilot(design: Design, X: Array) -> Pilot:
    """Penalised iteratively reweighted least squares, with an EM step for G in each iteration.

    Schall (1991); a poor pilot costs speed, never truth.
    """
    factor, outcome = design.factors[0], design.outcome
    trials = np.ones_like(outcome.y) if outcome.trials is None else outcome.trials
    p, q, n_groups = X.shape[1], len(factor.effects), len(factor.levels)
    ridge = RIDGE * np.diag((X**2).mean(axis=0))
    beta, u = np.zeros(p), np.zeros((n_groups, q))
    G = np.diag(1 / np.maximum((factor.Z**2).mean(axis=0), 1e-12))
    for _ in range(PILOT_STEPS):
        eta = design.offset + X @ beta + (u[factor.codes] * factor.Z).sum(axis=1)
        share = 1 / (1 + np.exp(-np.clip(eta, -30, 30)))
        W = np.maximum(trials * share * (1 - share), LEAST_WEIGHT)
        z = eta - design.offset + (outcome.y - trials * share) / W
        sums = factor.sums(np.column_stack([factor.Z, X, z]) * W[:, None])
        M, B, b = sums[:, :, :q], sums[:, :, q : q + p], sums[:, :, -1]
        inverse = np.linalg.inv(M + np.linalg.inv(G))
        information = X.T @ (X * W[:, None]) - np.einsum("jak,jab,jbl->kl", B, inverse, B) + ridge
        beta = np.linalg.solve(information, X.T @ (W * z) - np.einsum("jak,jab,jb->k", B, inverse, b))
        u = np.einsum("jab,jb->ja", inverse, b - B @ beta)
        G = np.einsum("ja,jb->ab", u, u) / n_groups + inverse.mean(axis=0)
    groups = np.concatenate([M, B, (b - B @ beta)[:, :, None]], axis=2)
    return Pilot(beta, np.sqrt(np.linalg.inv(information).diagonal()), G, np.ascontiguousarray(groups))


def _start(parameters: Parameters, found: Pilot) -> tuple[Array, Array]:
    p, q = len(found.centre), len(found.G)
    effects = found.groups.shape[0] * q
    values = np.zeros(len(parameters))
    values[:p], values[p : p + q] = found.centre, np.sqrt(found.G.diagonal())
    spread = np.concatenate([found.spread, np.full(len(parameters) - p, 0.2), np.ones(effects)])
    return np.concatenate([to_real(parameters, values), np.zeros(effects)]), spread


def _log_posterior(design: Design, parameters: Parameters, X: Array, found: Pilot) -> LogPosterior:
    factor, outcome = design.factors[0], design.outcome
    data = (
        parameters.codes,
        parameters.numbers,
        parameters.pairs[0],
        found.centre,
        found.groups,
        np.ascontiguousarray(X),
        np.ascontiguousarray(factor.Z),
        factor.codes,
        outcome.y,
        np.ones_like(outcome.y) if outcome.trials is None else outcome.trials,
        design.offset,
    )
    function: LogPosterior = lambda x: whitened_density.joint_log_posterior(x, *data)  # noqa: E731
    return function


def _posterior(design: Design, parameters: Parameters, found: Pilot, x: Array) -> xr.Dataset:
    """The draws of parameters and effects."""
    chains, draws, _ = x.shape
    p, (n_groups, q), head = len(found.centre), found.groups.shape[:2], len(parameters)
    flat = x.reshape(chains * draws, -1)
    values, slopes = densities.constrain(np.ascontiguousarray(flat[:, :head]), parameters.codes, parameters.numbers)
    beta, sds = values[:, :p].copy(), values[:, p : p + q]
    factors = densities.correlation_factors(values[:, p + q :], slopes[:, p + q :], parameters.pairs[0], q)
    c = np.ascontiguousarray(flat[:, head:]).reshape(-1, n_groups, q)
    u = whitened_density.whitened_effects(beta, sds[:, :, None] * factors, c, found.centre, found.groups)

    def by_chain(array: Array) -> Array:
        return array.reshape(chains, draws, *array.shape[1:])

    corr = factors @ np.swapaxes(factors, 1, 2)
    return assemble(design, by_chain(uncentre(design, beta)), [by_chain(sds)], [by_chain(corr)], [by_chain(u)], None)
