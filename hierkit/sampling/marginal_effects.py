"""Numba kernel of the engine `marginal` that draws the effects, after the rest was sampled without them."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from hierkit.sampling.densities import Kernel, cholesky_solve_identity


def parallel_kernel[F: Callable[..., Any]](function: F) -> F:
    """Compile as `kernel` does, with loops over `numba.prange` spread over threads."""
    compiled: F = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=False, parallel=True)(function)
    return compiled


@parallel_kernel
def draw_effects(beta: Kernel, L: Kernel, sigma: Kernel, centre: Kernel, groups: Kernel, z: Kernel) -> Kernel:
    """(draw, group, effect), effects given the rest: u_j ~ N(L M_j^-1 w_j / s2, L M_j^-1 L'), from standard normal z.

    Parameters
    ----------
    beta : (draw, column)
        Coefficients.
    L : (draw, effect, effect)
        Cholesky factors of G.
    sigma : (draw,)
        Residual sds.
    centre, groups
        As in `marginal_log_posterior`.
    z : (draw, group, effect)
        Overwritten with the effects, and returned.
    """
    q, p = L.shape[1], beta.shape[1]
    for d in numba.prange(beta.shape[0]):
        s2 = sigma[d] * sigma[d]
        M, inverse, t = np.empty((q, q)), np.empty((q, q)), np.empty(q)
        for j in range(groups.shape[2]):
            g = groups[:, :, j]
            for k in range(q):
                for m in range(k + 1):
                    s = 0.0
                    for i in range(k, q):
                        for h in range(m, q):
                            s += L[d, i, k] * g[i, h] * L[d, h, m]
                    M[k, m] = s / s2 + (1.0 if k == m else 0.0)
            cholesky_solve_identity(M, inverse)
            # M = K K': K^-T z has covariance M^-1
            for k in range(q - 1, -1, -1):
                s = z[d, j, k]
                for i in range(k + 1, q):
                    s -= M[i, k] * t[i]
                t[k] = s / M[k, k]
            for k in range(q):
                w = 0.0
                for i in range(k, q):
                    r = g[i, q + p]
                    for h in range(p):
                        r -= g[i, q + h] * (beta[d, h] - centre[h])
                    w += L[d, i, k] * r
                for i in range(q):
                    t[i] += inverse[i, k] * w / s2
            for k in range(q):
                s = 0.0
                for i in range(k + 1):
                    s += L[d, k, i] * t[i]
                z[d, j, k] = s
    return z
