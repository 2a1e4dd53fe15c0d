"""The information about coefficients and effects, once the largest factor is eliminated: it may be large."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg

from hierkit.arrays import Array
from hierkit.sampling.kernels.layout import Layout


class Information(NamedTuple):
    """R = H'WH - C'A^-1 C, with H the columns of v and C = Z'WH those of the largest factor's effects.

    Attributes
    ----------
    cross : sparse array
        (coordinate, coordinate), H'WH and the precision of the coefficients' prior.
    ties, solved : sparse array
        (effects, coordinate), C and A^-1 C.
    """

    cross: sparse.csr_array
    ties: sparse.csr_array
    solved: sparse.csr_array

    @property
    def size(self) -> int:
        """How many coordinates."""
        return int(self.cross.shape[0])

    def dense(self) -> Array:
        """(coordinate, coordinate)."""
        return np.asarray((self.cross - self.ties.T @ self.solved).toarray())

    def columns(self, count: int) -> Array:
        """(coordinate, count), the first columns."""
        return np.asarray(self.cross[:, :count].toarray() - self.ties.T @ self.solved[:, :count].toarray())

    def times(self, x: Array) -> Array:
        """R x, for x (coordinate,)."""
        return np.asarray(self.cross @ x - self.ties.T @ (self.solved @ x))

    def blocks(self, first: int, n_groups: int, q: int) -> Array:
        """(group, effect, effect), the blocks on the diagonal of one factor, whose effects begin at `first`."""
        found = np.empty((n_groups, q, q))
        last = first + n_groups * q
        cross = self.cross[first:last, first:last]
        ties = self.ties[:, first:last].tocsc()
        solved = self.solved[:, first:last].tocsc()
        for a in range(q):
            for b in range(q):
                found[:, a, b] = cross[a::q, b::q].diagonal()
                found[:, a, b] -= ties[:, a::q].multiply(solved[:, b::q]).sum(axis=0)
        return found


def block_diagonal(blocks: Array) -> sparse.csr_array:
    """(effects, effects), with these blocks (group, effect, effect)."""
    if not blocks.size:
        return sparse.csr_array((0, 0))
    return sparse.csr_array(sparse.bsr_array((blocks, np.arange(len(blocks)), np.arange(len(blocks) + 1))))


class Spreads(NamedTuple):
    """What is not known of the estimates of v, with V the inverse of R + P.

    Attributes
    ----------
    sds : ndarray
        (coordinate,), standard errors.
    factors : tuple of ndarray
        (effect, effect), the sum over groups of each factor's blocks of V.
    last : ndarray
        (effect, effect), what it adds to that of the largest factor, the sum of A^-1 C V C'A^-1.
    """

    sds: Array
    factors: tuple[Array, ...]
    last: Array


def prior_precision(p: int, layout: Layout, G: Sequence[Array]) -> sparse.csr_array:
    """(coordinate, coordinate), G^-1 of every group of these factors, after zeros for the coefficients."""
    blocks = [sparse.kron(sparse.eye_array(layout.groups[f]), np.linalg.inv(own)) for f, own in enumerate(G)]
    return sparse.csr_array(sparse.block_diag([sparse.csr_array((p, p)), *blocks]))


def solve_dense(
    information: Information, right: Array, layout: Layout, p: int, G: Sequence[Array], before: Array
) -> tuple[Array, Array, Spreads]:
    """Solve (R + P) v = right; R, v, and what is not known of v.

    Parameters
    ----------
    information, right
        R, and the right side (coordinate,).
    layout, p, G
        Factors, coefficients, and the covariances of the factors that are among the coordinates.
    before : ndarray
        (coordinate,), an estimate of v.
    """
    R = information.dense()
    V = np.linalg.inv(R + prior_precision(p, layout, G).toarray())
    spreads = []
    for f in range(len(G)):
        n_groups = layout.groups[f]
        q = layout.effects[f]
        own = slice(p + layout.first[f], p + layout.first[f + 1])
        spreads.append(
            V[own, own].reshape(n_groups, q, n_groups, q)[range(n_groups), :, range(n_groups), :].sum(axis=0)
        )
    q = _effects_of_last(layout, G)
    last = np.zeros((q, q))
    for a in range(q):
        for b in range(q):
            product = information.solved[a::q].T @ information.solved[b::q]
            last[a, b] = product.multiply(V).sum()
    return R, V @ right, Spreads(np.sqrt(V.diagonal()), tuple(spreads), last)


def solve_sparse(
    information: Information, right: Array, layout: Layout, p: int, G: Sequence[Array], before: Array
) -> tuple[Information, Array, Spreads]:
    """As `solve_dense`, by conjugate gradients from `before`; V is taken as if groups were independent."""
    P = prior_precision(p, layout, G)
    blocks = [np.linalg.inv(information.columns(p)[:p] + 1e-12 * np.eye(p))[None]]
    for f, own in enumerate(G):
        M = information.blocks(p + int(layout.first[f]), int(layout.groups[f]), len(own))
        blocks.append(np.linalg.inv(M + np.linalg.inv(own)))
    V = sparse.csr_array(sparse.block_diag([block_diagonal(own) for own in blocks]))
    operator = LinearOperator((len(right),) * 2, matvec=lambda x: information.times(x) + P @ x)
    v, _ = cg(operator, right, x0=before, rtol=1e-4, maxiter=200, M=V)
    q = _effects_of_last(layout, G)
    last = np.zeros((q, q))
    for a in range(q):
        for b in range(q):
            last[a, b] = (information.solved[a::q] @ V).multiply(information.solved[b::q]).sum()
    sds = np.sqrt(V.diagonal())
    return information, v, Spreads(sds, tuple(block.sum(axis=0) for block in blocks[1:]), last)


def _effects_of_last(layout: Layout, G: Sequence[Array]) -> int:
    """Effects of a group of the factor that is eliminated; 0 if none is."""
    return int(layout.effects[-1]) if len(G) < len(layout.groups) else 0
