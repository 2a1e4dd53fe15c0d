"""Group effects are sampled at the centre of the predictors; priors that hold at a far zero are moved there.

With u = T v the effects where predictors are zero have the covariance G0 = T G T'. |T| is 1, so that a density of G0 is
one of G. That of sds s0 and correlations R0 is

    sum_i log p(s0_i) + (eta - 1) log|R0| - n sum_i log s0_i,      log|R0| = log|G| - 2 sum_i log s0_i

by G, with n effects in a block; n sum_i log s_i makes it one by the sds and correlations at the centre.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import kernel
from hierkit.model.design import Design
from hierkit.model.priors import Priors, held_at_zero, moved_to_centre
from hierkit.sampling.kernels.densities import log_density
from hierkit.sampling.kernels.parameters import sd_code


class Origin(NamedTuple):
    """Effects whose priors hold where predictors are zero; arrays have a row for each effect of all factors.

    Attributes
    ----------
    T : ndarray
        (effect, effect), from the effects as sampled to those of the formula.
    codes : ndarray of int
        (effect, 2), the prior of the sd at zero and the effects in its block; the latter 0 where nothing is moved.
    numbers : ndarray
        (effect, 4), the prior's parameters and eta.
    """

    T: Array
    codes: NDArray[np.int64]
    numbers: Array


def make_origin(design: Design, priors: Priors) -> Origin:
    """What is sampled, and which priors have to be moved."""
    q = sum(len(factor.effects) for factor in design.factors)
    codes, numbers = np.zeros((q, 2), dtype=np.int64), np.zeros((q, 4))
    maps, first = [np.empty((0, 0))], 0
    for factor in design.factors:
        elsewhere = moved_to_centre(factor, priors)
        at_zero = held_at_zero(factor, priors) and not elsewhere
        maps.append(np.eye(len(factor.T)) if at_zero else factor.T)
        for block in factor.blocks if elsewhere else ():
            for i in block:
                _, kind, given = sd_code(priors[factor.sd(factor.effects[i])])
                codes[first + i] = kind, len(block)
                numbers[first + i] = [*[*given, 0.0, 0.0, 0.0][:3], priors[factor.cor].args["eta"]]
        first += len(factor.effects)
    return Origin(block_diag(*maps), codes, numbers)


def sampled_Z(design: Design, f: int, T: Array) -> Array:
    """(row, effect), what the sampled effects of the design's factor f multiply; T is of all factors."""
    first = sum(len(factor.effects) for factor in design.factors[:f])
    own = slice(first, first + len(design.factors[f].effects))
    return design.factors[f].Z @ T[own, own]


@kernel
def origin_priors(T: Array, codes: Ints, numbers: Array, L: Array, grad_L: Array) -> float:
    """Log density of the priors that hold at zero, by sds and correlations at the centre; adds to grad_L."""
    q, total = L.shape[0], 0.0
    for i in range(q):
        n = codes[i, 1]
        if n == 0:
            continue
        eta = numbers[i, 3]
        there, here = 0.0, 0.0
        for m in range(q):
            t = 0.0
            for k in range(m, q):
                t += T[i, k] * L[k, m]
            there += t * t
            here += L[i, m] * L[i, m]
        s0 = np.sqrt(there)
        log_p, slope = log_density(codes[i, 0], s0, numbers[i, 0], numbers[i, 1], numbers[i, 2])
        weight = n + 2 * (eta - 1)
        total += log_p - weight * np.log(s0) + 0.5 * n * np.log(here) + 2 * (eta - 1) * np.log(abs(L[i, i]))
        by_there = (slope - weight / s0) / s0
        for m in range(q):
            t = 0.0
            for k in range(m, q):
                t += T[i, k] * L[k, m]
            for k in range(m, q):
                grad_L[k, m] += by_there * t * T[i, k]
            grad_L[i, m] += n * L[i, m] / here
        grad_L[i, i] += 2 * (eta - 1) / L[i, i]
    return total
