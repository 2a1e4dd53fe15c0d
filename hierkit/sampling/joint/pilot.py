"""A cheap estimate that says in which coordinates NUTS should see the joint posterior.

Penalised iteratively reweighted least squares with an EM step for G and sigma in each iteration (Schall 1991). It
needs to be near, not right: a poor pilot costs speed, never truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from hierkit.arrays import Array
from hierkit.model.groups import Factor
from hierkit.model.outcome import Outcome
from hierkit.sampling.joint.information import Information, Spreads, block_diagonal, solve_dense, solve_sparse
from hierkit.sampling.joint.patterns import Patterns
from hierkit.sampling.kernels.layout import Layout

STEPS = 25
MOST_DENSE = 4000  # coordinates whose information is a dense matrix
# of a variance, and of an estimate in its standard errors, between two steps: near enough
CHANGE = 0.02
STILL = 0.1
LEAST_WEIGHT = 1e-6


@dataclass(frozen=True, eq=False)
class Pilot:
    """Estimates, and the normal equations at them; v is (beta, effects of all factors but the last, group by group).

    Attributes
    ----------
    G : tuple of ndarray
        (effect, effect) of each factor, by size.
    sigma2 : float
        Residual variance; 1 where there is none.
    v : ndarray
        (coordinate,), the estimate of v.
    W : ndarray
        (pattern,), working weights.
    R : ndarray or Information
        (coordinate, coordinate), the information on v with the last factor's effects integrated out; not formed where
        it is large.
    M, C, b : ndarray
        (group, effect, effect), (effects, column), (effects,) of the last factor: Z_j'W Z_j, Z'W X, and Z'W z with z
        the working response.
    """

    G: tuple[Array, ...]
    sigma2: float
    v: Array
    W: Array
    R: Array | Information
    M: Array
    C: Array
    b: Array


def make_pilot(
    rows: Patterns, layout: Layout, factors: Sequence[Factor], outcome: Outcome, precision: Array, weighted_mean: Array,
    head: int,
) -> Pilot:  # fmt: skip
    """Estimate coefficients, effects, G and sigma.

    Parameters
    ----------
    rows, layout
        From `hierkit.sampling.joint.patterns`.
    factors : sequence of Factor
        In the order of the layout; their blocks say which effects are correlated.
    outcome : Outcome
        Of all rows: Gaussian with or without a σ to estimate, or logit-binomial.
    precision, weighted_mean : ndarray
        (column, column) and (column,), of the coefficients' prior; see `hierkit.model.basis.prior_in_basis`.
    head : int
        Factors that are whitened together with the coefficients; with all of them there is no last factor.
    """
    dense = len(factors) - 1 if head < len(factors) else len(factors)
    H, E = _matrices(rows, layout, dense)
    p, q = len(rows.X), layout.effects[-1] if dense < len(factors) else 0
    n = outcome.n_rows
    sigma2 = _total_variance(rows, n) if outcome.has_sigma else 1.0
    pulled = np.zeros(H.shape[1])
    pulled[:p] = weighted_mean
    known = sparse.csr_array(sparse.block_diag([precision, sparse.csr_array((H.shape[1] - p,) * 2)]))
    G = tuple(
        np.diag(sigma2 / np.maximum((_own_Z(rows, layout, f) ** 2).mean(axis=1), 1e-12)) for f in range(len(factors))
    )
    eta, before = np.zeros(len(rows.y)), np.zeros(H.shape[1])
    for _ in range(STEPS):
        W, z = _working(rows, eta, sigma2, outcome.family.has_residual)
        WH, Wz = H.multiply(W[:, None]).tocsr(), W * z
        M = _own_blocks(E, W, q)
        C = (E.T @ WH).tocsr()
        b = E.T @ Wz
        inverse = np.linalg.inv(M + np.linalg.inv(G[-1])) if q else M
        diagonal = block_diagonal(inverse)
        AC, Ab = diagonal @ C, diagonal @ b
        information = Information(sparse.csr_array(H.T @ WH) + known, C, AC)
        right = H.T @ Wz - C.T @ Ab + pulled
        solve = solve_dense if information.size <= MOST_DENSE else solve_sparse
        R, v, spreads = solve(information, right, layout, p, G[:dense], before)
        e = Ab - AC @ v
        eta, fixed = H @ v + E @ e, H[:, :p] @ v[:p]
        used = Pilot(G, sigma2, v, W, R, M, C[:, :p].toarray(), b)
        G = _em_step(layout, factors, p, dense, v, e, spreads, inverse)
        if outcome.has_sigma:
            sigma2 = max(_residual_variance(rows, n, z, eta, fixed), 1e-8 * _total_variance(rows, n))
        moved, before = np.abs(v - before), v
        same = (np.allclose(new.diagonal(), old.diagonal(), rtol=CHANGE) for new, old in zip(G, used.G, strict=True))
        if np.all(moved < STILL * spreads.sds) and all(same):
            break
    return used


def _matrices(rows: Patterns, layout: Layout, dense: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """(pattern, coordinate) of v, and (pattern, effects) of the last factor where it is not among these."""
    parts = [sparse.csr_array(rows.X.T)]
    for f in range(len(layout.groups)):
        Z, n = _own_Z(rows, layout, f).T, len(rows.y)
        places = rows.codes[f][:, None] * layout.effects[f] + np.arange(layout.effects[f])
        shape = (n, layout.groups[f] * layout.effects[f])
        starts = np.arange(n + 1) * layout.effects[f]
        parts.append(sparse.csr_array((Z.ravel(), places.ravel(), starts), shape=shape))
    last = parts.pop() if len(parts) > dense + 1 else sparse.csr_array((len(rows.y), 0))
    return sparse.hstack(parts, format="csr"), last


def _own_Z(rows: Patterns, layout: Layout, f: int) -> Array:
    """(effect, pattern) of one factor."""
    return rows.Z[layout.columns[f] : layout.columns[f] + layout.effects[f]]


def _own_blocks(E: sparse.csr_array, W: Array, q: int) -> Array:
    """(group, effect, effect), Z_j'W Z_j; E'WE has no entries outside these blocks."""
    if not q:
        return np.empty((0, 0, 0))
    product = (E.T @ E.multiply(W[:, None])).tobsr((q, q))
    blocks = np.zeros((E.shape[1] // q, q, q))
    blocks[product.indices] = product.data
    return blocks


def _working(rows: Patterns, eta: Array, sigma2: float, gaussian: bool) -> tuple[Array, Array]:
    """Working weights, and the working response less the offset, at eta less the offset."""
    if gaussian:
        return rows.size / sigma2, rows.y - rows.offset
    share = 1 / (1 + np.exp(-np.clip(eta + rows.offset, -30, 30)))
    W = np.maximum(rows.size * share * (1 - share), LEAST_WEIGHT)
    return W, eta + (rows.y - rows.size * share) / W


def _em_step(
    layout: Layout,
    factors: Sequence[Factor],
    p: int,
    dense: int,
    v: Array,
    e: Array,
    spreads: Spreads,
    inverse: Array,
) -> tuple[Array, ...]:
    """Each factor's G as the mean over its groups of E(u_j u_j')."""
    steps = []
    for f, factor in enumerate(factors):
        n_groups, q = layout.groups[f], layout.effects[f]
        if f < dense:
            u = v[p + layout.first[f] : p + layout.first[f + 1]].reshape(n_groups, q)
            spread = spreads.factors[f]
        else:
            u, spread = e.reshape(n_groups, q), inverse.sum(axis=0) + spreads.last
        steps.append((u.T @ u + spread) / n_groups * _correlated(factor))
    return tuple(steps)


def _correlated(factor: Factor) -> Array:
    """(effect, effect), ones for effects that vary together."""
    mask = np.eye(len(factor.effects))
    for block in factor.blocks:
        mask[np.ix_(block, block)] = 1
    return mask


def _total_variance(rows: Patterns, n: float) -> float:
    """That of a row of weight 1."""
    y = rows.y - rows.offset
    mean = (rows.size @ y) / rows.size.sum()
    return float((rows.within + rows.size @ (y - mean) ** 2) / n)


def _residual_variance(rows: Patterns, n: float, z: Array, eta: Array, fixed: Array) -> float:
    """REML's equation at convergence, (z - X beta)'W(z - eta) / (n - p)."""
    total = rows.within + np.sum(rows.size * (z - fixed) * (z - eta))
    return float(total / max(1.0, n - len(rows.X)))
