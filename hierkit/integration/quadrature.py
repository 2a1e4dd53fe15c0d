"""Adaptive Gauss-Hermite quadrature about the mode of one or two effects (Pinheiro and Bates 1995)."""

import functools

import numpy as np
from scipy.special import logsumexp

from hierkit.arrays import Array
from hierkit.integration.block import Block, log_joint, mode

NODES = {1: 25, 2: 11}  # per effect: errors of log p below 1e-4 and 1e-3 for sds up to 3
FEWER = (5, 7, 9)  # that do where the rows of a group say much
CLOSE = 1e-5  # in the log, to what all nodes give


def enough_nodes(block: Block) -> int | None:
    """How many nodes for each effect give what all of them give, in a few draws; None where there is no quadrature."""
    q = block.Z.shape[1]
    if not block.has_quadrature:
        return None
    finest = quadrature(block, NODES[q])
    return next((size for size in FEWER if np.abs(quadrature(block, size) - finest).max() < CLOSE), NODES[q])


def quadrature(block: Block, size: int) -> Array:
    """(sample,), log p(y) of the rows, with so many nodes for each effect."""
    nodes, log_weights = _tensor_nodes(block.Z.shape[1], size)
    centre, root = mode(block, np.zeros((len(block.eta), block.Z.shape[1])), heavy=False)
    v = centre[:, None, :] + nodes @ np.swapaxes(root, 1, 2)
    _, log_size = np.linalg.slogdet(root)
    return np.asarray(logsumexp(log_joint(block, v) + log_weights, axis=1) + log_size)


@functools.cache
def _tensor_nodes(q: int, size: int) -> tuple[Array, Array]:
    """(node, effect) and (node,), with weights for integrals of f(t) dt in q dimensions, as logarithms."""
    t, w = np.polynomial.hermite_e.hermegauss(size)
    log_w = np.log(w) + t**2 / 2
    grid = np.stack(np.meshgrid(*[t] * q, indexing="ij"), axis=-1).reshape(-1, q)
    weights = np.stack(np.meshgrid(*[log_w] * q, indexing="ij"), axis=-1).reshape(-1, q)
    return grid, weights.sum(axis=1)
