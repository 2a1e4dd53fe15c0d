"""Importance sampling of more than two unknown effects, or Student-t ones, from a Student t about the mode."""

import numpy as np
from scipy.special import logsumexp

from hierkit.arrays import Array
from hierkit.integration.block import Block, log_joint, log_student_t, mode

CANDIDATES = 200  # per draw
HEAVY = 5.0  # degrees of freedom of what they are drawn from
FARTHER = 3.0  # times the mode under a normal prior: beyond where Student-t effects may have theirs


def standard_candidates(samples: int, effects: int, rng: np.random.Generator) -> Array:
    """(sample, candidate, effect), standard Student-t numbers for all draws.

    All at once, so that they do not depend on how many rows there are to compute with.
    """
    t = rng.standard_normal((samples, CANDIDATES, effects))
    t /= np.sqrt(rng.chisquare(HEAVY, (samples, CANDIDATES, 1)) / HEAVY)
    return t


def importance(block: Block, t: Array) -> tuple[Array, Array]:
    """(sample, candidate, effect), candidates for v, and (sample, candidate), their log weights.

    Student-t effects may have two modes, one near the prior and one near the rows: half of the candidates are drawn
    about the mode that a normal prior would give, half about the one found by starting there with the true prior.
    """
    samples, q = len(block.eta), block.Z.shape[1]
    normal = mode(block, np.zeros((samples, q)), heavy=False)
    centres = [normal]
    if any(nu is not None for nu in block.nu):
        centres.append(mode(block, FARTHER * normal[0], heavy=True))
    size = CANDIDATES // len(centres)
    parts = [
        centre[:, None, :] + t[:, i * size : (i + 1) * size] @ np.swapaxes(root, 1, 2)
        for i, (centre, root) in enumerate(centres)
    ]
    v = np.concatenate(parts, axis=1)
    proposals = [_log_proposal(v, centre, root) for centre, root in centres]
    log_proposal = logsumexp(proposals, axis=0) - np.log(len(centres))
    return v, log_joint(block, v) - log_proposal


def _log_proposal(v: Array, centre: Array, root: Array) -> Array:
    """(sample, candidate), the log density of a Student t about a mode."""
    t = np.linalg.solve(root, np.swapaxes(v - centre[:, None, :], 1, 2))
    _, log_size = np.linalg.slogdet(root)
    return np.asarray(log_student_t(np.swapaxes(t, 1, 2), np.array(HEAVY)) - log_size[:, None])
