"""The density of rows with their group effects integrated out, and draws of those effects given the rows.

The effects are u = L v with v standard normal, or Student-t by group. A Gaussian outcome has a closed form. For a
Bernoulli one with one or two normal effects the integral is adaptive Gauss-Hermite quadrature about the mode of v
(Pinheiro and Bates 1995); with more effects, or Student-t ones, it is importance sampling from a Student t about the
same mode.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln, log1p, logsumexp

from hierkit.arrays import Array
from hierkit.model.families import Family

NODES = {1: 25, 2: 11}  # per effect: errors of log p below 1e-4 and 1e-3 for sds up to 3
CANDIDATES = 200  # of importance sampling, per draw
HEAVY = 5.0  # degrees of freedom of what candidates are drawn from
NEWTON_STEPS = 100
HALVINGS = 40
STILL = 1e-6
# of what the slope promises (Armijo), and of the density
RISE = 0.1
ROUNDING = 1e-12
FARTHER = 3.0  # times the mode under a normal prior: beyond where Student-t effects may have theirs
BATCH = 4_000_000  # numbers at once


@dataclass(frozen=True, eq=False)
class Block:
    """Rows that share unknown group effects, and the linear predictor of the rest.

    Attributes
    ----------
    family : Family
        Of the outcome.
    y, weights : ndarray
        (row,), the outcome, and its weights as in `Outcome.row_weights`.
    Z : ndarray
        (row, effect), the columns of all unknown effects.
    groups : tuple of slice
        The effects of each group.
    eta : ndarray
        (sample, row), the linear predictor without the unknown effects.
    L : ndarray
        (sample, effect, effect), Cholesky factor of the unknown effects' covariance.
    sigma : ndarray or None
        (sample,), the residual sd of a row of weight 1.
    nu : tuple of (ndarray or None)
        (sample,) for each group, the degrees of freedom of Student-t effects.
    """

    family: Family
    y: Array
    weights: Array
    Z: Array
    groups: tuple[slice, ...]
    eta: Array
    L: Array
    sigma: Array | None
    nu: tuple[Array | None, ...]

    @property
    def is_conjugate(self) -> bool:
        """Whether the integral has a closed form."""
        return self.family.has_residual and all(nu is None for nu in self.nu)

    def part(self, part: slice) -> "Block":
        """The same rows in some of the draws."""
        sigma = None if self.sigma is None else self.sigma[part]
        nu = tuple(None if own is None else own[part] for own in self.nu)
        return replace(self, eta=self.eta[part], L=self.L[part], sigma=sigma, nu=nu)


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
    if block.is_conjugate:
        return _gaussian(block)[0], 0.0
    if all(nu is None for nu in block.nu) and block.Z.shape[1] in NODES:
        nodes, weights = _tensor_nodes(block.Z.shape[1])
        parts = [_quadrature(part, nodes, weights) for part in _parts(block, len(weights))]
        return np.concatenate(parts), 0.0
    found = [_importance(part, rng) for part in _parts(block, CANDIDATES)]
    log_weights = np.concatenate([weights for _, weights in found])
    spread = np.std(np.exp(log_weights - log_weights.max(axis=1, keepdims=True)), axis=1)
    level = np.mean(np.exp(log_weights - log_weights.max(axis=1, keepdims=True)), axis=1)
    error = float(np.mean(spread / level)) / np.sqrt(CANDIDATES)
    return logsumexp(log_weights, axis=1) - np.log(CANDIDATES), error


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
        parts = [_importance(part, rng) for part in _parts(block, CANDIDATES)]
        candidates, log_weights = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        gumbel = rng.gumbel(size=log_weights.shape)  # the largest of log weight + Gumbel is a draw by weight
        v = candidates[np.arange(len(candidates)), np.argmax(log_weights + gumbel, axis=1)]
    u: Array = (block.L @ v[..., None])[..., 0]
    return u


def _parts(block: Block, points: int) -> Iterator[Block]:
    step = max(1, BATCH // (points * max(1, len(block.y))))
    for start in range(0, len(block.eta), step):
        yield block.part(slice(start, start + step))


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


def _mode(block: Block, start: Array, heavy: bool) -> tuple[Array, Array]:
    """(sample, effect), a mode of v, and (sample, effect, effect), a square root of its spread there.

    Newton's method, each step halved until the density rises as its slope promises. With `heavy` the prior is that of
    the block, where Student-t effects are pulled with a weight of (nu + q) / (nu + |v|²) in each group; else it is
    normal.
    """
    ZL, v = block.Z @ block.L, start
    turned = np.swapaxes(ZL, 1, 2)
    density = _log_at(block, v, heavy)
    for _ in range(NEWTON_STEPS):
        weight, residual = _weights(block, block.eta + (ZL @ v[..., None])[..., 0])
        prior = _prior_weights(block, v, heavy)
        H = turned @ (weight[..., None] * ZL) + prior[:, :, None] * np.eye(ZL.shape[2])
        gradient = (turned @ residual[..., None])[..., 0] - prior * v
        step = np.linalg.solve(H, gradient[..., None])[..., 0]
        for _ in range(HALVINGS):
            after = _log_at(block, v + step, heavy)
            short = ~(after >= density + RISE * (gradient * step).sum(axis=1) - ROUNDING * np.abs(density))
            if not short.any():
                break
            step[short] /= 2
        step[short] = 0.0
        v, density = v + step, np.maximum(after, density)
        if np.abs(step).max(initial=0.0) < STILL:
            break
    return v, np.linalg.inv(np.swapaxes(np.linalg.cholesky(H), 1, 2))


def _weights(block: Block, eta: Array) -> tuple[Array, Array]:
    """(sample, row), minus the second and the first derivative of each row's log likelihood by eta."""
    sigma = None if block.sigma is None else block.sigma[:, None]
    return block.family.weight(block.weights, eta, sigma), block.family.score(block.y, block.weights, eta, sigma)


def _prior_weights(block: Block, v: Array, heavy: bool) -> Array:
    """(sample, effect), what the prior pulls v with."""
    weights = np.ones_like(v)
    for own, nu in zip(block.groups, block.nu, strict=True):
        if heavy and nu is not None:
            part = v[:, own]
            weights[:, own] = ((nu + part.shape[1]) / (nu + (part**2).sum(axis=1)))[:, None]
    return weights


def _log_at(block: Block, v: Array, heavy: bool) -> Array:
    """(sample,), log p(y | v) + log p(v) at one v (sample, effect)."""
    nu = block.nu if heavy else (None,) * len(block.nu)
    return _log_joint(replace(block, nu=nu), v[:, None, :])[:, 0]


def _tensor_nodes(q: int) -> tuple[Array, Array]:
    """(node, effect) and (node,), with weights for integrals of f(t) dt in q dimensions, as logarithms."""
    t, w = np.polynomial.hermite_e.hermegauss(NODES[q])
    log_w = np.log(w) + t**2 / 2
    grid = np.stack(np.meshgrid(*[t] * q, indexing="ij"), axis=-1).reshape(-1, q)
    weights = np.stack(np.meshgrid(*[log_w] * q, indexing="ij"), axis=-1).reshape(-1, q)
    return grid, weights.sum(axis=1)


def _quadrature(block: Block, nodes: Array, log_weights: Array) -> Array:
    mode, root = _mode(block, np.zeros((len(block.eta), block.Z.shape[1])), heavy=False)
    v = mode[:, None, :] + nodes @ np.swapaxes(root, 1, 2)
    _, log_size = np.linalg.slogdet(root)
    return np.asarray(logsumexp(_log_joint(block, v) + log_weights, axis=1) + log_size)


def _importance(block: Block, rng: np.random.Generator) -> tuple[Array, Array]:
    """(sample, candidate, effect), candidates for v, and (sample, candidate), their log weights.

    Student-t effects may have two modes, one near the prior and one near the rows: half of the candidates are drawn
    about the mode that a normal prior would give, half about the one found by starting there with the true prior.
    """
    samples, q = len(block.eta), block.Z.shape[1]
    normal = _mode(block, np.zeros((samples, q)), heavy=False)
    centres = [normal]
    if any(nu is not None for nu in block.nu):
        centres.append(_mode(block, FARTHER * normal[0], heavy=True))
    size = CANDIDATES // len(centres)
    t = rng.standard_normal((samples, CANDIDATES, q))
    t /= np.sqrt(rng.chisquare(HEAVY, (samples, CANDIDATES, 1)) / HEAVY)
    parts = [
        mode[:, None, :] + t[:, i * size : (i + 1) * size] @ np.swapaxes(root, 1, 2)
        for i, (mode, root) in enumerate(centres)
    ]
    v = np.concatenate(parts, axis=1)
    proposals = [_log_proposal(v, mode, root) for mode, root in centres]
    log_proposal = logsumexp(proposals, axis=0) - np.log(len(centres))
    return v, _log_joint(block, v) - log_proposal


def _log_proposal(v: Array, mode: Array, root: Array) -> Array:
    """(sample, candidate), the log density of a Student t about a mode."""
    t = np.linalg.solve(root, np.swapaxes(v - mode[:, None, :], 1, 2))
    _, log_size = np.linalg.slogdet(root)
    return np.asarray(log_student_t(np.swapaxes(t, 1, 2), np.array(HEAVY)) - log_size[:, None])


def _log_joint(block: Block, v: Array) -> Array:
    """(sample, point), log p(y | v) + log p(v) at points v (sample, point, effect)."""
    eta = block.eta[:, None, :] + v @ np.swapaxes(block.Z @ block.L, 1, 2)
    sigma = None if block.sigma is None else block.sigma[:, None, None]
    total = block.family.log_density(block.y, block.weights, eta, sigma).sum(axis=2)
    for own, nu in zip(block.groups, block.nu, strict=True):
        part = v[:, :, own]
        if nu is None:
            total += -0.5 * (part**2).sum(axis=2) - 0.5 * part.shape[2] * np.log(2 * np.pi)
        else:
            total += log_student_t(part, nu[:, None])
    return np.asarray(total)


def log_student_t(t: Array, nu: Array) -> Array:
    """(...,), the log density of the standard multivariate t at t (..., effect)."""
    q = t.shape[-1]
    constant = gammaln((nu + q) / 2) - gammaln(nu / 2) - 0.5 * q * np.log(nu * np.pi)
    return np.asarray(constant - 0.5 * (nu + q) * log1p((t**2).sum(axis=-1) / nu))
