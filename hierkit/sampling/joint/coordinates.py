"""The coordinates in which NUTS sees the joint posterior of coefficients and effects.

The head, v = (gamma, effects of the smallest factors), is seen as v = A^-1 s + K^-T c with A = M + P(G) = K K': given G
it is nearly normal, and with few groups it is wide or narrow as G is, which this follows. gamma are the coefficients in
the coordinates of `hierkit.model.basis`.

The other factors go from the one with the fewest effects to the one with the most. With fixed matrices from a pilot,
M_j a group's information once the larger factors are integrated out, S_j what ties it to gamma and the effects of
smaller factors v, and P = G^-1, the effects of group j of a factor are

    u_j = A_j^-1 s_j + K_j^-T c_j,      A_j = M_j + P = K_j K_j',      s_j = b_j - S_j v

For the last factor M_j = Z_j'W Z_j and S_j v is Z_j'W times what v adds to each row: were the rows Gaussian with
weights W, c would be N(0, I), independent of all else. For the others it would nearly be, but for what ties the groups
of one factor to each other. That is undone by a fixed linear map: (beta, c) is stretched along the directions that the
pilot finds long or short, the mean of a factor's effects among them.

All of it is exact for any likelihood: only coordinates change. The log Jacobian is -sum_j log|K_j| and a constant.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import block_diag, cho_factor, cho_solve, solve_triangular
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from hierkit.arrays import Array
from hierkit.compiled.compiling import part
from hierkit.sampling.joint.information import Information, block_diagonal, prior_precision
from hierkit.sampling.joint.patterns import Patterns
from hierkit.sampling.joint.pilot import Pilot
from hierkit.sampling.kernels.group_scales import GroupScales
from hierkit.sampling.kernels.layout import Layout
from hierkit.sampling.kernels.origin import Origin
from hierkit.sampling.kernels.packing import matrix, vector
from hierkit.sampling.kernels.parameters import Numbers

MOST_IN_HEAD = 20  # coefficients and effects: each gradient factorises a matrix of that size
MOST_DIRECTIONS = 300
MOST_EXTREME = 20  # directions where the matrix is not formed
ROUND = 2.0  # a variance between a half and twice that of the other coordinates is left as it is


class Geometry(NamedTuple):
    """The fixed numbers of the change of coordinates.

    Attributes
    ----------
    basis : ndarray
        (column, column), coefficients of the centred columns are basis gamma.
    head : ndarray of int
        (1,), how many factors, from the smallest on, are whitened together with gamma.
    head_M, head_b : ndarray
        (coordinate, coordinate) and (coordinate,), information on gamma and the head's effects, group by group, and its
        linear term.
    directions, factors : ndarray
        (direction, coordinate) and (direction,): each direction v of the coordinates of gamma and of all factors but
        the last, and by how much the coordinates grow along it, x + factor (v'x) v.
    M, b : ndarray
        Information (effect, effect, group) and its linear term (effect, group), flat, factor by factor after the head.
    S : ndarray
        What ties each factor's effects to those before it, (its effects, column + effects before) for each factor,
        flat; for a last factor that the rows tie (its effects, column).
    W : ndarray
        (pattern,), working weights; empty for a Gaussian model, which has no factor that the rows tie.
    widths : ndarray of int
        (factor after the head,), how many coefficients and effects before it each factor is tied to.
    """

    basis: Array
    head: NDArray[np.int64]
    head_M: Array
    head_b: Array
    directions: Array
    factors: Array
    M: Array
    b: Array
    S: Array
    W: Array
    widths: NDArray[np.int64]


def factors_in_head(layout: Layout, p: int, gaussian: bool) -> int:
    """How many factors have few enough effects to be whitened together with the coefficients.

    Of a Gaussian outcome the largest factor is integrated out instead.
    """
    candidates = len(layout.groups) - (1 if gaussian and len(layout.groups) else 0)
    return sum(p + int(end) <= MOST_IN_HEAD for end in layout.first[1 : candidates + 1])


def make_geometry(pilot: Pilot, rows: Patterns, layout: Layout, basis: Array, head: int, gaussian: bool) -> Geometry:
    """The coordinates that make the posterior round, were the rows Gaussian with the pilot's weights and G.

    Those of a Gaussian model are of all factors but the last, which is integrated out.
    """
    p = len(rows.X)
    M, S, left = _integrated_out(pilot, layout, p, head)
    linear = _linear_terms(pilot, layout, p, head, M, S)
    head_P = prior_precision(p, layout, pilot.G[:head]).toarray()
    head_b = (left + head_P) @ pilot.v[: len(left)]
    directions, factors = _directions(pilot, layout, left + head_P, head, M, S)
    if gaussian:
        M = M[:-1]
        S = S[:-1]
        linear = linear[:-1]
    order = _by_effect(p, layout, head)
    blocks = [np.moveaxis(own, 0, 2) for own in M]
    ties = []
    for f, own in enumerate(S, start=head):
        first, width = p + layout.first[f], own.shape[1]
        places = order[first : first + len(own)] - first
        ties.append(own[places][:, order[:width]])
        linear[f - head] = linear[f - head][places]
    M_flat, b, S_flat = (np.concatenate([np.empty(0), *(x.ravel() for x in parts)]) for parts in (blocks, linear, ties))
    directions = np.ascontiguousarray(directions[:, order[: directions.shape[1]]])
    count = np.array([head], dtype=np.int64)
    widths = np.array([own.shape[1] for own in S], dtype=np.int64)
    W = np.empty(0) if gaussian else pilot.W
    return Geometry(basis, count, left, head_b, directions, factors, M_flat, b, S_flat, W, widths)


def _integrated_out(pilot: Pilot, layout: Layout, p: int, head: int) -> tuple[list[Array], list[Array], Array]:
    """M (group, effect, effect) and S of each factor after the head, larger ones integrated out; the rest."""
    if isinstance(pilot.R, Information):
        return _tied_to_head(pilot, pilot.R, layout, p, head)
    if head == len(layout.groups):
        return [], [], pilot.R
    M = [pilot.M]
    S = [pilot.C]
    left = pilot.R
    for f in range(len(layout.groups) - 2, head - 1, -1):
        first = p + layout.first[f]
        n_groups = layout.groups[f]
        q = layout.effects[f]
        own, before = left[first:, first:], left[first:, :first]
        M.insert(0, own.reshape(n_groups, q, n_groups, q)[range(n_groups), :, range(n_groups), :])
        S.insert(0, before)
        prior = np.kron(np.eye(n_groups), np.linalg.inv(pilot.G[f]))
        left = left[:first, :first] - before.T @ cho_solve(cho_factor(own + prior), before)
    return M, S, left


def _tied_to_head(
    pilot: Pilot, R: Information, layout: Layout, p: int, head: int
) -> tuple[list[Array], list[Array], Array]:
    """The same where factors are large: each is tied to the head alone, and its groups not to each other."""
    width = p + int(layout.first[head])
    columns = R.columns(width)
    M = []
    S = []
    left = columns[:width]
    for f in range(head, len(layout.groups) - 1):
        first = p + int(layout.first[f])
        n_groups = int(layout.groups[f])
        q = int(layout.effects[f])
        M.append(R.blocks(first, n_groups, q))
        S.append(columns[first : first + n_groups * q])
        by_group = S[-1].reshape(n_groups, q, width)
        left = left - np.einsum("jqa,jqb->ab", by_group, np.linalg.solve(M[-1] + np.linalg.inv(pilot.G[f]), by_group))
    return [*M, pilot.M], [*S, pilot.C], left


def _by_effect(p: int, layout: Layout, head: int) -> NDArray[np.int64]:
    """Where the coordinates as the kernels have them, by effect after the head, are among those by group."""
    places = [np.arange(p + layout.first[head])]
    for first, n_groups, q in zip(layout.first[head:], layout.groups[head:], layout.effects[head:], strict=False):
        places.append(p + first + np.arange(n_groups * q).reshape(n_groups, q).T.ravel())
    return np.concatenate(places)


def _linear_terms(pilot: Pilot, layout: Layout, p: int, head: int, M: list[Array], S: list[Array]) -> list[Array]:
    """b_j, for which the pilot's v gives the pilot's u_j; for the last factor Z_j'W z."""
    if head == len(layout.groups):
        return []
    terms = []
    for f in range(head, len(layout.groups) - 1):
        first, last = p + layout.first[f], p + layout.first[f + 1]
        u = pilot.v[first:last].reshape(layout.groups[f], layout.effects[f])
        own = np.einsum("jab,jb->ja", M[f - head] + np.linalg.inv(pilot.G[f]), u).ravel()
        terms.append(own + S[f - head] @ pilot.v[: S[f - head].shape[1]])
    return [*terms, pilot.b]


def _directions(
    pilot: Pilot, layout: Layout, head_A: Array, head: int, M: list[Array], S: list[Array]
) -> tuple[Array, Array]:
    """The principal directions of the coordinates of all but the last factor whose variance is far from one."""
    if isinstance(pilot.R, Information):
        return _extreme_directions(pilot, pilot.R, layout, head_A, head, M, S)
    p = pilot.C.shape[1]
    size = len(pilot.R)
    ends = len(head_A)
    dense = len(layout.groups) - 1 if head < len(layout.groups) else head
    T = np.zeros((size, size))  # derivative of gamma and the effects by these coordinates
    T[:ends, :ends] = _inverse_root(head_A[None])[0]
    for f in range(head, dense):
        n_groups = layout.groups[f]
        q = layout.effects[f]
        first = p + layout.first[f]
        own = slice(first, p + layout.first[f + 1])
        root = _inverse_root(M[f - head] + np.linalg.inv(pilot.G[f]))
        before = (S[f - head] @ T[:first]).reshape(n_groups, q, size)
        T[own] = -(root @ np.swapaxes(root, 1, 2) @ before).reshape(-1, size)
        T[own, own] = block_diag(*root)
    precision = T.T @ (pilot.R + prior_precision(p, layout, pilot.G[:dense]).toarray()) @ T
    return _far_from_one(*np.linalg.eigh(precision))


def _extreme_directions(
    pilot: Pilot, R: Information, layout: Layout, head_A: Array, head: int, M: list[Array], S: list[Array]
) -> tuple[Array, Array]:
    """The longest and the shortest directions, by Lanczos' method."""
    p, ends = pilot.C.shape[1], len(head_A)
    P = prior_precision(p, layout, pilot.G[: len(layout.groups) - 1])
    roots = [_inverse_root(head_A[None])]
    roots += [_inverse_root(M[f - head] + np.linalg.inv(pilot.G[f])) for f in range(head, len(layout.groups) - 1)]
    root = sparse.csr_array(sparse.block_diag([block_diagonal(own) for own in roots]))
    ties = np.vstack([np.zeros((ends, ends)), *S[:-1]])

    def times(x: Array) -> Array:
        v = root @ np.concatenate([x[:ends], np.zeros(len(x) - ends)])
        v += root @ (np.concatenate([np.zeros(ends), x[ends:]]) - root.T @ (ties @ v[:ends]))
        y = R.times(v) + P @ v
        y[:ends] -= ties.T @ (root @ (root.T @ y))
        return np.asarray(root.T @ y)

    operator = LinearOperator((R.size, R.size), matvec=times)
    begin = np.random.default_rng(0).normal(size=R.size)
    try:
        values, vectors = eigsh(operator, min(MOST_EXTREME, R.size - 1), which="BE", v0=begin, tol=1e-2, maxiter=20)
    except ArpackNoConvergence as stopped:
        values, vectors = stopped.eigenvalues, stopped.eigenvectors
    return _far_from_one(values, vectors)


def _far_from_one(values: Array, vectors: Array) -> tuple[Array, Array]:
    """The directions (direction, coordinate) whose precision is far from one, and by how much to stretch them."""
    values = np.maximum(values, 1e-8)
    far = np.argsort(-abs(np.log(values)), kind="stable")[:MOST_DIRECTIONS]
    far = far[abs(np.log(values[far])) > np.log(ROUND)]
    return vectors[:, far].T, 1 / np.sqrt(values[far]) - 1


def _inverse_root(matrices: Array) -> Array:
    """K^-T of each matrix K K', after what is not positive is made so."""
    values, vectors = np.linalg.eigh(matrices)
    floor = 1e-10 * values[..., -1:]
    safe = (vectors * np.maximum(values, floor)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    K = np.linalg.cholesky(safe)
    return np.swapaxes(solve_triangular(K, np.broadcast_to(np.eye(K.shape[-1]), K.shape), lower=True), -1, -2)


@part
def unpack_model(block: Array) -> tuple[Numbers, GroupScales, Origin, Geometry, Layout]:
    """Parameters, scales of groups, origin, geometry and layout: the first 24 arrays of a model's block."""
    i = np.arange(24)  # numba would compile the readers anew for each literal number
    parameters = Numbers(matrix(block, i[0]).view(np.int64), matrix(block, i[1]), matrix(block, i[2]).view(np.int64))
    group_scales = GroupScales(vector(block, i[3]).view(np.int64), vector(block, i[4]).view(np.int64))
    origin = Origin(matrix(block, i[5]), matrix(block, i[6]).view(np.int64), matrix(block, i[7]))
    geometry = Geometry(
        matrix(block, i[8]), vector(block, i[9]).view(np.int64), matrix(block, i[10]), vector(block, i[11]),
        matrix(block, i[12]), vector(block, i[13]), vector(block, i[14]), vector(block, i[15]), vector(block, i[16]),
        vector(block, i[17]), vector(block, i[18]).view(np.int64),
    )  # fmt: skip
    layout = Layout(
        vector(block, i[19]).view(np.int64), vector(block, i[20]).view(np.int64), vector(block, i[21]).view(np.int64),
        vector(block, i[22]).view(np.int64), vector(block, i[23]).view(np.int64),
    )  # fmt: skip
    return parameters, group_scales, origin, geometry, layout
