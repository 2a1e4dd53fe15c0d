"""Rows that share unknown group effects: their log density at given effects, and where it is largest."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln, log1p

from hierkit.arrays import Array
from hierkit.model.families import Family

MOST_EFFECTS = 2  # of quadrature
NEWTON_STEPS = 100
HALVINGS = 40
STILL = 1e-6
SHORT = 1.0  # of a change of the linear predictor: a full Newton step then gains 3 - e = 0.28 of its slope, above RISE
# of what the slope promises (Armijo), and of the density
RISE = 0.1
ROUNDING = 1e-12


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

    @property
    def has_quadrature(self) -> bool:
        """Whether the integral is by quadrature: of one or two normal effects of an outcome that is not Gaussian."""
        return not self.is_conjugate and all(nu is None for nu in self.nu) and self.Z.shape[1] <= MOST_EFFECTS

    def part(self, part: slice) -> "Block":
        """The same rows in some of the draws."""
        sigma = None if self.sigma is None else self.sigma[part]
        nu = tuple(None if own is None else own[part] for own in self.nu)
        return replace(self, eta=self.eta[part], L=self.L[part], sigma=sigma, nu=nu)


def mode(block: Block, start: Array, heavy: bool) -> tuple[Array, Array]:
    """(sample, effect), a mode of v, and (sample, effect, effect), a square root of its spread there.

    Newton's method, each step halved until the density rises as its slope promises, which it does where a step is
    short, without looking, if the density is log-concave. With `heavy` the prior is that of
    the block, where Student-t effects are pulled with a weight of (nu + q) / (nu + |v|²) in each group; else it is
    normal.
    """
    ZL, v = block.Z @ block.L, start
    turned = np.swapaxes(ZL, 1, 2)
    reach = np.abs(ZL).max(axis=1, initial=0.0)
    for _ in range(NEWTON_STEPS):
        weight, residual = _weights(block, block.eta + (ZL @ v[..., None])[..., 0])
        prior = _prior_weights(block, v, heavy)
        H = turned @ (weight[..., None] * ZL) + prior[:, :, None] * np.eye(ZL.shape[2])
        gradient = (turned @ residual[..., None])[..., 0] - prior * v
        step = np.linalg.solve(H, gradient[..., None])[..., 0]
        if not heavy and (reach * np.abs(step)).sum(axis=1).max(initial=0.0) < SHORT:
            v = v + step
            if np.abs(step).max(initial=0.0) < STILL:
                break
            continue
        density = _log_at(block, v, heavy)
        for _ in range(HALVINGS):
            after = _log_at(block, v + step, heavy)
            short = ~(after >= density + RISE * (gradient * step).sum(axis=1) - ROUNDING * np.abs(density))
            if not short.any():
                break
            step[short] /= 2
        step[short] = 0.0
        v = v + step
        if np.abs(step).max(initial=0.0) < STILL:
            break
    return v, np.linalg.inv(np.swapaxes(np.linalg.cholesky(H), 1, 2))


def _weights(block: Block, eta: Array) -> tuple[Array, Array]:
    """(sample, row), minus the second and the first derivative of each row's log likelihood by eta."""
    sigma = None if block.sigma is None else block.sigma[:, None]
    return block.family.derivatives(block.y, block.weights, eta, sigma)


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
    return log_joint(replace(block, nu=nu), v[:, None, :])[:, 0]


def log_joint(block: Block, v: Array) -> Array:
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
