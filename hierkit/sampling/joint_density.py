"""Numba kernels of the engine `joint`: parameters and effects together, any factors, Gaussian, Bernoulli or counts.

See `hierkit.sampling.geometry` for the coordinates of coefficients and effects, and `hierkit.sampling.parameters` for
the others.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.model.terms import Array
from hierkit.sampling.densities import (
    Kernel,
    answer,
    callback,
    effect_factors,
    effect_factors_gradient,
    kernel,
    log_priors,
    numbers_at,
    words,
)
from hierkit.sampling.geometry import Geometry
from hierkit.sampling.logistic import binomial_rows
from hierkit.sampling.origin import Origin, origin_priors
from hierkit.sampling.packing import matrix, vector
from hierkit.sampling.patterns import Layout, Patterns
from hierkit.sampling.position import position, position_gradient
from hierkit.sampling.row_sums import add_columns, column_products, gaussian_rows
from hierkit.sampling.whitening import precision


class Numbers(NamedTuple):
    """The parameters' codes, numbers and pairs of effects (of all factors), as in `hierkit.sampling.densities`."""

    codes: NDArray[np.int64]
    numbers: Array
    pairs: NDArray[np.int64]


@kernel
def joint_log_posterior(
    x: Kernel, parameters: Kernel, origin: Kernel, geometry: Kernel, layout: Kernel, rows: Kernel
) -> Kernel:
    """Log posterior at a real vector, and its gradient.

    Given the rest, a Gaussian model's effects of the last factor are normal: with weights 1 / sigma² in place of the
    pilot's their coordinates are N(0, I), independent of all else. They are left out here and drawn afterwards.

    Parameters
    ----------
    x : (parameter + effects,)
        Coordinates of gamma, the parameters but for coefficients as in `log_priors`, coordinates of the effects;
        without those of the last factor for a Gaussian outcome.
    parameters, origin, geometry, layout, rows : Numbers, Origin, Geometry, Layout, Patterns
        The model.
    """
    head, p, q = parameters.codes.shape[0], rows.X.shape[0], rows.Z.shape[0]
    n_pairs, n = parameters.pairs.shape[0], rows.y.shape[0]
    gaussian = head > p + q + n_pairs
    n_effects, n_head = layout.first[layout.groups.shape[0]], geometry.head_b.shape[0]
    c, sampled = np.zeros(p + n_effects), p + x.shape[0] - head
    c[:p], c[p:sampled] = x[:p], x[head:]
    C, L, left = np.empty((q, q)), np.zeros((q, q)), np.empty(n_pairs)
    L_inverse, P = np.zeros((q, q)), np.empty((q, q))
    value, slope, grad_head = np.empty(head), np.empty(head), np.empty(head)
    codes, numbers = parameters.codes, parameters.numbers
    total = log_priors(x[p:head], codes[p:], numbers[p:], value[p:], slope[p:], grad_head[p:])
    effect_factors(value[p:], slope[p:], parameters.pairs, C, L, left)
    precision(L, L_inverse, P)
    v, K, w, eta = np.empty(c.shape[0]), np.zeros(geometry.M.shape[0]), np.empty(c.shape[0] - p), np.empty(n)
    ratio = geometry.sigma2 / value[head - 1] ** 2 if gaussian else 1.0
    head_K, head_w = np.zeros((n_head, n_head)), np.empty(n_head)
    total -= position(c, P, ratio, geometry, layout, rows, v, head_K, head_w, K, w, eta)
    beta = geometry.basis @ v[:p]
    total += log_priors(beta, codes[:p], numbers[:p], value[:p], slope[:p], grad_head[:p])
    eta += rows.offset
    add_columns(v[:p], rows.X, eta)
    residual = np.empty(n)
    if gaussian:
        sigma, count = value[head - 1], rows.size.sum()
        squares = rows.within / sigma**2 + gaussian_rows(eta, rows.y, rows.size, 1 / sigma**2, residual)
        total -= 0.5 * squares + count * np.log(sigma)
        grad_head[head - 1] += (squares - count) / sigma * slope[head - 1]
    else:
        total += binomial_rows(eta, rows.y, rows.size, residual)
    grad_v, grad_c, grad_P = np.zeros(c.shape[0]), np.empty(c.shape[0]), np.zeros((q, q))
    grad_v[:p] = geometry.basis.T @ grad_head[:p]
    column_products(rows.X, residual, grad_v[:p])
    prior, d_ratio = position_gradient(
        c, P, gaussian, geometry, layout, rows, v, head_K, head_w, K, w, residual, grad_v, grad_c, grad_P
    )
    total += prior
    if gaussian:
        grad_head[head - 1] -= 2 * d_ratio / value[head - 1] * slope[head - 1]
    grad_L = np.zeros((q, q))
    total += origin_priors(origin.T, origin.codes, origin.numbers, L, grad_L)
    total += _scales_gradient(layout, L, L_inverse, P, grad_P, grad_L)
    effect_factors_gradient(value[p:], slope[p:], parameters.pairs, C, left, grad_L, grad_head[p:])
    grad_head[:p] = grad_c[:p]
    return total, np.concatenate((grad_head, grad_c[p:sampled]))


@kernel
def _scales_gradient(layout: Kernel, L: Kernel, L_inverse: Kernel, P: Kernel, grad_P: Kernel, grad_L: Kernel) -> float:
    """Add to grad_L what the derivative by P and the effects' priors give; returns -sum_f J_f log|L_f|.

    G = L L': the derivative by L is -2 P (dP) P L = -2 P (dP) L^-T, and log|G| adds -J / L_kk.
    """
    grad_L -= 2.0 * (P @ grad_P) @ np.ascontiguousarray(L_inverse.T)
    total = 0.0
    for f in range(layout.groups.shape[0]):
        for k in range(layout.columns[f], layout.columns[f] + layout.effects[f]):
            total -= layout.groups[f] * np.log(L[k, k])
            grad_L[k, k] -= layout.groups[f] / L[k, k]
    return total


@kernel
def unpack(block: Kernel) -> Kernel:
    """Parameters, origin, geometry, layout and rows as `hierkit.sampling.joint` packs them."""
    i = np.arange(30)  # numba would compile the readers anew for each literal number
    parameters = Numbers(matrix(block, i[0]).view(np.int64), matrix(block, i[1]), matrix(block, i[2]).view(np.int64))
    origin = Origin(matrix(block, i[3]), matrix(block, i[4]).view(np.int64), matrix(block, i[5]))
    geometry = Geometry(
        matrix(block, i[6]), vector(block, i[7]).view(np.int64), matrix(block, i[8]), vector(block, i[9]),
        matrix(block, i[10]), vector(block, i[11]), vector(block, i[12]), vector(block, i[13]), vector(block, i[14]),
        vector(block, i[15]), vector(block, i[16])[0],
    )  # fmt: skip
    layout = Layout(
        vector(block, i[17]).view(np.int64), vector(block, i[18]).view(np.int64), vector(block, i[19]).view(np.int64),
        vector(block, i[20]).view(np.int64), vector(block, i[21]).view(np.int64),
    )  # fmt: skip
    rows = Patterns(
        matrix(block, i[22]), matrix(block, i[23]), matrix(block, i[24]).view(np.int64),
        vector(block, i[25]).view(np.int64), vector(block, i[26]), vector(block, i[27]), vector(block, i[28]),
        vector(block, i[29])[0],
    )  # fmt: skip
    return parameters, origin, geometry, layout, rows


@callback
def joint_callback(dimension: int, x: Kernel, out: Kernel, log_p: Kernel, address: Kernel) -> int:
    """`joint_log_posterior` for nutpie."""
    parameters, origin, geometry, layout, rows = unpack(words(address))
    value, grad = joint_log_posterior(numbers_at(x, dimension), parameters, origin, geometry, layout, rows)
    return answer(value, grad, numbers_at(out, dimension), numbers_at(log_p, 1))


@kernel
def joint_draws(c: Kernel, L: Kernel, sigma: Kernel, geometry: Kernel, layout: Kernel, rows: Kernel, v: Kernel) -> None:
    """Gamma and effects of draws from their coordinates.

    Parameters
    ----------
    c : (draw, column + all effects)
        Coordinates, changed.
    L : (draw, effect, effect)
        Cholesky factors of G.
    sigma : (draw,)
        Residual sds; the pilot's where the outcome has none.
    geometry, layout, rows
        The model.
    v : (draw, column + all effects)
        Filled.
    """
    q, n = rows.Z.shape[0], rows.y.shape[0]
    inverse, P = np.zeros((q, q)), np.empty((q, q))
    size = geometry.head_b.shape[0]
    head_K, head_w = np.zeros((size, size)), np.empty(size)
    K, w, eta = np.zeros(geometry.M.shape[0]), np.empty(c.shape[1] - rows.X.shape[0]), np.empty(n)
    for d in range(c.shape[0]):
        precision(L[d], inverse, P)
        position(c[d], P, geometry.sigma2 / sigma[d] ** 2, geometry, layout, rows, v[d], head_K, head_w, K, w, eta)
