"""REML and maximum likelihood of a Gaussian model, by its profiled criterion.

With u = σ Λ b, b standard normal and Λ a lower triangular factor of the effects' covariance in units of σ², the best
coefficients and σ have a closed form, and minus twice the log likelihood is a function of Λ alone (Bates, Mächler,
Bolker and Walker 2015, eq. 34 and 39). A zero on the diagonal of Λ, a variance of zero, is an ordinary point of it.

The groups of the largest factor are taken out one by one, those of the others together. What its groups leave of the
rows, and what is within their columns, are kept apart, so that nothing is a difference of large numbers where a group
explains nearly all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import solve_triangular

from hierkit.arrays import Array
from hierkit.model.groups import Factor
from hierkit.model.outcome import Outcome

COLLINEAR = 1e-12  # of eigenvalues


@dataclass(frozen=True, eq=False)
class Template:
    """Where the parameters θ are in the Λ of one factor: (entry,) each, and what scales its columns.

    Attributes
    ----------
    rows, columns : ndarray of int
        (entry,), places in the lower triangle.
    start : int
        The place of the first of them in θ.
    sizes : ndarray
        (effect,), the root mean squares of the columns of Z at the centre over the sd of rows, which θ is in units of.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    start: int
    sizes: Array

    def factor(self, theta: Array) -> Array:
        """(effect, effect), Λ of one group, for scaled columns."""
        L = np.zeros((len(self.sizes), len(self.sizes)))
        L[self.rows, self.columns] = theta[self.start : self.start + len(self.rows)]
        return L


@dataclass(frozen=True, eq=False)
class Sums:
    """A model's rows as sums, with orthonormal X and y less its regression on it.

    Attributes
    ----------
    n : int
        How many rows there are.
    sd_is_known : bool
        Whether σ is 1, not estimated.
    templates : tuple of Template
        Of the largest factor, and of the others.
    groups : tuple of int
        How many each has.
    ZZ, ZC : ndarray
        (group, effect, effect) and (group, effect, column), of the largest factor with itself and with [X y].
    roots, inside : ndarray
        (group, effect, effect) and (group, effect, column), R with R'R = Z'Z, and Q'[X y] of Z = Q R.
    outside : ndarray
        (column, column), of what Q leaves of [X y] with itself, over all groups.
    ZO, OO : sparse matrices
        Of its effects, and of the others', with the others' effects; one column for each group and effect, the groups
        of an effect together.
    OC : ndarray
        Of the others' effects with [X y].
    """

    n: float
    sd_is_known: bool
    templates: tuple[Template, ...]
    groups: tuple[int, ...]
    ZZ: Array
    ZC: Array
    roots: Array
    inside: Array
    outside: Array
    ZO: sparse.csr_array
    OO: sparse.csr_array
    OC: Array


@dataclass(frozen=True, eq=False)
class Profile:
    """The criterion at one θ: its value, coefficients of orthonormal X, their covariance, and σ."""

    value: float
    coefficients: Array
    covariance: Array
    sigma: float


def sums_of(y: Array, Q: Array, factors: Sequence[Factor], outcome: Outcome, row_sd: float = 1.0) -> Sums:
    """The sums of a design's rows.

    Parameters
    ----------
    y, Q : ndarray
        (row,), less its regression on Q, and (row, column), orthonormal; both times the roots of the rows' weights.
    factors : sequence of Factor
        The largest one first.
    outcome : Outcome
        Its weights, and whether σ is estimated.
    row_sd : float
        The sd of rows in units of σ, that θ is in units of.
    """
    root = np.sqrt(outcome.row_weights)[:, None]
    columns = [root * factor.Z_centred for factor in factors]
    templates = templates_of(factors, [factor.Z_centred / row_sd for factor in factors])
    scaled = [Z / own.sizes for Z, own in zip(columns, templates, strict=True)]
    C = np.column_stack([Q, y])
    first = factors[0]
    parts = [_indicators(factor, Z) for factor, Z in zip(factors[1:], scaled[1:], strict=True)]
    others = sparse.csr_array(sparse.hstack(parts)) if parts else sparse.csr_array((len(y), 0))
    of_first = _indicators(first, scaled[0])
    ZZ, ZC = first.sums(scaled[0], scaled[0]), first.sums(C, scaled[0])
    roots, inside, coefficients = _in_groups(ZZ, ZC)
    rest = C - np.einsum("rk,rkc->rc", scaled[0], coefficients[first.codes])
    return Sums(
        outcome.n_rows,
        outcome.sd_is_known,
        templates,
        tuple(len(factor.levels) for factor in factors),
        ZZ,
        ZC,
        roots,
        inside,
        rest.T @ rest,
        sparse.csr_array(of_first.T @ others),
        sparse.csr_array(others.T @ others),
        np.asarray(others.T @ C),
    )


def _in_groups(ZZ: Array, ZC: Array) -> tuple[Array, Array, Array]:
    """For each group R, Q'C and the coefficients of C's regression on Z, whether or not the columns of Z differ."""
    sizes, U = np.linalg.eigh(ZZ)
    used = sizes > COLLINEAR * sizes.max(axis=1, keepdims=True, initial=0)
    root = np.sqrt(np.where(used, sizes, 0.0))
    inverse = np.divide(1, root, out=np.zeros_like(root), where=used)
    transposed = np.swapaxes(U, 1, 2)
    inside = inverse[:, :, None] * (transposed @ ZC)
    return root[:, :, None] * transposed, inside, U @ (inverse[:, :, None] * inside)


def templates_of(factors: Sequence[Factor], Z: Sequence[Array]) -> tuple[Template, ...]:
    """The lower triangles of each factor's blocks, and the diagonals of its other effects."""
    templates = []
    start = 0
    for factor, own in zip(factors, Z, strict=True):
        free = np.eye(len(factor.effects), dtype=bool)
        for block in factor.blocks:
            free[np.ix_(block, block)] = True
        rows, columns = np.nonzero(np.tril(free))
        sizes = np.sqrt(np.mean(own**2, axis=0))
        templates.append(Template(rows, columns, start, np.where(sizes > 0, sizes, 1.0)))
        start += len(rows)
    return tuple(templates)


def profile(sums: Sums, theta: Array, reml: bool) -> Profile:
    """Minus twice the log likelihood, or the restricted one, at its best coefficients and σ.

    The restricted one is for the orthonormal columns: for others it differs by a constant.
    """
    first, *others = sums.templates
    L = first.factor(theta)
    spread = sums.roots @ L
    outer = np.linalg.cholesky(spread @ np.swapaxes(spread, 1, 2) + np.eye(len(L)))
    log_det = 2 * np.log(np.diagonal(outer, axis1=1, axis2=2)).sum()
    shrunk = np.linalg.solve(outer, sums.inside)
    left = sums.outside + np.einsum("jka,jkb->ab", shrunk, shrunk)
    if others:
        inner = np.linalg.cholesky(L.T @ sums.ZZ @ L + np.eye(len(L)))
        root = np.linalg.solve(inner, np.broadcast_to(L.T, inner.shape))
        R = root @ sums.ZC
        scale = _of_all_groups(others, sums.groups[1:], theta)
        cross = _block_diagonal(root) @ (sums.ZO @ scale)
        D = (scale.T @ sums.OO @ scale - cross.T @ cross).toarray()
        D[np.diag_indices(len(D))] += 1.0
        of_others = np.linalg.cholesky(D)
        log_det += 2 * np.log(np.diagonal(of_others)).sum()
        T = solve_triangular(of_others, scale.T @ sums.OC - cross.T @ _by_effect(R), lower=True)
        left = left - T.T @ T
    return _of_coefficients(left, log_det, sums, reml)


def _of_coefficients(left: Array, log_det: float, sums: Sums, reml: bool) -> Profile:
    """From X'V^-1X, X'V^-1y and y'V^-1y, in units of σ²."""
    p = len(left) - 1
    C = np.linalg.cholesky(left[:p, :p])
    half = solve_triangular(C, left[:p, p], lower=True)
    squares = max(float(left[p, p] - half @ half), np.finfo(float).tiny)
    degrees = sums.n - p if reml else sums.n
    variance = 1.0 if sums.sd_is_known else squares / degrees
    value = log_det + degrees * np.log(2 * np.pi * variance) + squares / variance
    if reml:
        value += 2 * np.log(np.diagonal(C)).sum()
    inverse = solve_triangular(C, np.eye(p), lower=True)
    return Profile(float(value), inverse.T @ half, variance * inverse.T @ inverse, float(np.sqrt(variance)))


def _indicators(factor: Factor, Z: Array) -> sparse.csr_array:
    """(row, effect and group), Z spread over the groups of each effect."""
    rows, size = np.arange(len(Z)), len(factor.levels)
    parts = [sparse.csr_array((z, (rows, factor.codes)), shape=(len(Z), size)) for z in Z.T]
    return sparse.hstack(parts, format="csr")


def _of_all_groups(templates: Sequence[Template], groups: Sequence[int], theta: Array) -> sparse.csr_array:
    """Λ of all groups of several factors."""
    parts = [
        sparse.kron(template.factor(theta), sparse.eye_array(size))
        for template, size in zip(templates, groups, strict=True)
    ]
    return sparse.block_diag(parts, format="csr")


def _block_diagonal(roots: Array) -> sparse.csr_array:
    """(effect and group, effect and group), the matrices (group, effect, effect) of all groups."""
    groups, q, _ = roots.shape
    parts = [[sparse.diags_array(roots[:, a, b]) for b in range(q)] for a in range(q)]
    return sparse.csr_array(sparse.block_array(parts, format="csr")) if groups else sparse.csr_array((0, 0))


def _by_effect(R: Array) -> Array:
    """(effect and group, column), of (group, effect, column)."""
    return np.swapaxes(R, 0, 1).reshape(-1, R.shape[2])
