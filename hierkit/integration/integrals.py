"""The density of rows with their group effects integrated out, and draws of those effects given the rows.

The effects are u = L v with v standard normal, or Student-t by group. A Gaussian outcome has a closed form. For a
Bernoulli one with one or two normal effects the integral is quadrature about the mode of v; with more effects, or
Student-t ones, it is importance sampling about the same mode.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import logsumexp

from hierkit.arrays import Array
from hierkit.integration.block import Block
from hierkit.integration.candidates import CANDIDATES, importance, standard_candidates
from hierkit.integration.quadrature import NODES, quadrature

BATCH = 200_000  # numbers at once


def log_marginal(block: Block, rng: np.random.Generator) -> tuple[Array, float]:
    """Log p(y) of the rows jointly, their unknown effects integrated out.

    Parameters
    ----------
    block : Block
        The rows.
    rng : numpy.random.Generator
        For importance sampling.

    Returns
    -------
    ndarray
        (sample,).
    float
        The standard error of one draw's p(y) from importance sampling, relative and averaged; 0 for the other ways.
    """
    return log_marginal_from(block, candidates_for(block, len(block.eta), rng))


def log_marginal_from(block: Block, t: Array | None, nodes: int | None = None) -> tuple[Array, float]:
    """The same with random numbers t (sample, candidate, effect) for importance sampling, from `candidates_for`.

    `nodes` of quadrature, for each effect, are from `enough_nodes`; as many as any group needs if not given.
    """
    if block.is_conjugate:
        return _gaussian(block)[0], 0.0
    if block.has_quadrature:
        q = block.Z.shape[1]
        size = nodes or NODES[q]
        return np.concatenate([quadrature(block.part(part), size) for part in _parts(block, size**q)]), 0.0
    parts = [] if t is None else [(block.part(part), t[part]) for part in _parts(block, CANDIDATES)]
    log_weights = np.concatenate([importance(*part)[1] for part in parts])
    spread = np.std(np.exp(log_weights - log_weights.max(axis=1, keepdims=True)), axis=1)
    level = np.mean(np.exp(log_weights - log_weights.max(axis=1, keepdims=True)), axis=1)
    error = float(np.mean(spread / level)) / np.sqrt(CANDIDATES)
    return logsumexp(log_weights, axis=1) - np.log(CANDIDATES), error


def candidates_for(block: Block, samples: int, rng: np.random.Generator) -> Array | None:
    """The random numbers that `log_marginal_from` needs for all draws of such a block, if it needs any."""
    if block.is_conjugate or block.has_quadrature:
        return None
    return standard_candidates(samples, block.Z.shape[1], rng)


def draw_effects(block: Block, rng: np.random.Generator) -> Array:
    """(sample, effect), draws of u given the rows and everything else.

    Exact for a Gaussian outcome with normal effects; else chosen among candidates by their importance.

    Parameters
    ----------
    block : Block
        The rows.
    rng : numpy.random.Generator
        For the draws.
    """
    if block.is_conjugate:
        _, mean, C = _gaussian(block)
        v = mean + np.linalg.solve(np.swapaxes(C, 1, 2), rng.standard_normal(mean.shape)[..., None])[..., 0]
    else:
        t = standard_candidates(len(block.eta), block.Z.shape[1], rng)
        parts = [importance(block.part(part), t[part]) for part in _parts(block, CANDIDATES)]
        candidates, log_weights = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        gumbel = rng.gumbel(size=log_weights.shape)  # the largest of log weight + Gumbel is a draw by weight
        v = candidates[np.arange(len(candidates)), np.argmax(log_weights + gumbel, axis=1)]
    u: Array = (block.L @ v[..., None])[..., 0]
    return u


def _parts(block: Block, points: int) -> Iterator[slice]:
    step = max(1, BATCH // (points * max(1, len(block.y))))
    for start in range(0, len(block.eta), step):
        yield slice(start, start + step)


def _gaussian(block: Block) -> tuple[Array, Array, Array]:
    """Log p(y), and v's mean and the Cholesky factor of its precision given y."""
    sigma = np.asarray(block.sigma)
    residual = block.weights * (block.y - block.eta)
    ZL = block.Z @ block.L
    turned = np.swapaxes(ZL, 1, 2)
    precision = turned @ (block.weights[:, None] * ZL) / sigma[:, None, None] ** 2 + np.eye(block.Z.shape[1])
    C = np.linalg.cholesky(precision)
    b = (turned @ residual[..., None])[..., 0] / sigma[:, None] ** 2
    half = np.linalg.solve(C, b[..., None])[..., 0]
    mean = np.linalg.solve(np.swapaxes(C, 1, 2), half[..., None])[..., 0]
    log_det = np.log(np.diagonal(C, axis1=1, axis2=2)).sum(axis=1)
    direct = block.family.log_density(block.y, block.weights, block.eta, sigma[:, None]).sum(axis=1)
    return direct - log_det + 0.5 * (half**2).sum(axis=1), mean, C
