"""Rows of groups whose effects are not known: which effects they share, and the linear predictor of the rest."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hierkit.arrays import Array
from hierkit.integration.block import Block
from hierkit.integration.integrals import candidates_for, log_marginal_from
from hierkit.integration.quadrature import enough_nodes
from hierkit.model.design import Design
from hierkit.model.matrices import Matrices
from hierkit.model.outcome import Outcome
from hierkit.posterior.draws import Draws, batches, common_part, lower_factors

MANY = 200_000  # rows times draws
TRIED = 16  # draws


@dataclass(frozen=True, eq=False)
class Unknown:
    """Rows that share unknown groups, directly or through each other.

    Attributes
    ----------
    rows : ndarray of int
        (row,), their places.
    groups : tuple of (int, int)
        The unknown groups: the factor's place, and the group's code.
    """

    rows: NDArray[np.intp]
    groups: tuple[tuple[int, int], ...]


def connected(size: int, codes: Sequence[NDArray[np.intp]], unknown: Sequence[NDArray[np.bool_]]) -> Iterator[Unknown]:
    """The rows that belong together because they share unknown groups; rows without one are blocks of their own.

    Parameters
    ----------
    size : int
        How many rows there are.
    codes : sequence of ndarray of int
        (row,) for each factor, the row's group.
    unknown : sequence of ndarray of bool
        (row,) for each factor, whether that group's effects are unknown.
    """
    ends = np.cumsum([size, *(own.max(initial=-1) + 1 for own in codes)])
    rows = np.concatenate([np.flatnonzero(mask) for mask in unknown] or [np.arange(0)])
    nodes = np.concatenate([end + own[mask] for own, mask, end in zip(codes, unknown, ends, strict=False)] or [rows])
    graph = sparse.coo_array((np.ones(len(rows)), (rows, nodes)), shape=(ends[-1], ends[-1]))
    labels = sparse.csgraph.connected_components(graph, directed=False)[1][:size]
    order = np.argsort(labels, kind="stable")
    for own_rows in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        groups = [
            (f, int(code))
            for f, (own, mask) in enumerate(zip(codes, unknown, strict=True))
            for code in np.unique(own[own_rows][mask[own_rows]])
        ]
        yield Unknown(own_rows, tuple(groups))


def without(design: Design, rows: NDArray[np.intp]) -> Unknown:
    """Fitted rows to leave out, and the groups of which nothing is left then."""
    groups = []
    for f, factor in enumerate(design.factors):
        codes, counts = np.unique(factor.codes[rows], return_counts=True)
        groups += [(f, int(code)) for code in codes[counts == factor.counts[codes]]]
    return Unknown(rows, tuple(groups))


def log_density(
    draws: Draws, rows: Matrices, unknown: Unknown, outcome: Outcome, rng: np.random.Generator
) -> tuple[Array, float]:
    """(sample,), log p of these rows jointly, unknown groups' effects integrated out, and the integral's error.

    Parameters
    ----------
    draws : Draws
        With group effects.
    rows : Matrices
        All rows, codes of known groups as places in `draws.u`.
    unknown : Unknown
        Which of the rows, and which of their groups.
    outcome : Outcome
        Of all rows.
    rng : numpy.random.Generator
        For importance sampling.
    """
    total = np.empty(len(draws.beta))
    parts = batches(len(total), len(unknown.rows))
    if not unknown.groups:
        for part in parts:
            total[part] = _log_known(draws.some(part), rows, unknown, outcome.at(unknown.rows))
        return total, 0.0
    first = block_of(draws.some(slice(1)), rows, unknown, outcome)
    nodes, t = _nodes(draws, rows, unknown, outcome), candidates_for(first, len(total), rng)
    errors = []
    for part in parts:
        block = block_of(draws.some(part), rows, unknown, outcome)
        total[part], error = log_marginal_from(block, None if t is None else t[part], nodes)
        errors.append(error)
    return total, max(errors)


def _nodes(draws: Draws, rows: Matrices, unknown: Unknown, outcome: Outcome) -> int | None:
    """How many nodes of quadrature the draws with the largest effects need, where it pays to find out."""
    if len(draws.beta) * len(unknown.rows) < MANY:
        return None
    spread = np.sum([np.trace(draws.G[f], axis1=1, axis2=2) for f, _ in unknown.groups], axis=0)
    widest = np.sort(np.argsort(-spread, kind="stable")[:TRIED])
    return enough_nodes(block_of(draws.some(widest), rows, unknown, outcome))


def _log_known(draws: Draws, rows: Matrices, unknown: Unknown, outcome: Outcome) -> Array:
    eta = known_part(draws, rows, unknown)
    sigma = draws.sigma_of(slice(None))
    return np.asarray(draws.family.log_density(outcome.y, outcome.row_weights, eta, sigma).sum(axis=1))


def block_of(draws: Draws, rows: Matrices, unknown: Unknown, outcome: Outcome) -> Block:
    """What `integration` needs of rows that share unknown groups; parameters as for `log_density`."""
    places = unknown.rows
    groups = unknown.groups
    own = outcome.at(unknown.rows)
    eta = known_part(draws, rows, unknown)
    ends = np.cumsum([0, *(rows.Z[f].shape[1] for f, _ in groups)])
    effects = tuple(slice(start, end) for start, end in itertools.pairwise(ends.tolist()))
    Z = np.zeros((len(places), ends[-1]))
    L = np.zeros((len(eta), ends[-1], ends[-1]))
    for (f, code), part in zip(groups, effects, strict=True):
        Z[:, part] = rows.Z[f][places] * (rows.codes[f][places] == code)[:, None]
        L[:, part, part] = lower_factors(draws.G[f])
    nu = tuple(draws.nu[f] for f, _ in groups)
    return Block(draws.family, own.y, own.row_weights, Z, effects, eta, L, draws.sigma, nu)


def known_part(draws: Draws, rows: Matrices, unknown: Unknown) -> Array:
    """(sample, row), the linear predictor of these rows without the unknown groups' effects."""
    places = unknown.rows
    eta = common_part(draws, Matrices(rows.X[places], rows.offset[places], (), ()))
    for f, (Z, codes) in enumerate(zip(rows.Z, rows.codes, strict=True)):
        known = ~np.isin(codes[places], [code for g, code in unknown.groups if g == f])
        for k in range(Z.shape[1]):
            eta[:, known] += draws.u[f][:, codes[places[known]], k] * Z[places[known], k]
    return eta
