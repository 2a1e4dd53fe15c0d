"""Effects of very many groups are not kept: given a draw of everything else they are drawn again when they are read.

For a Gaussian outcome and normal effects those of the factor that has most are, given everything else,

    u_j = T v_j,    v_j ~ N(M^-1 s, M^-1),    M = G^-1 + Z_j'W Z_j / σ²,    s = Z_j'W (y - X β - Σ Z_f u_f) / σ²

with G the covariance of v. Each group has normal numbers of its own in each draw, which follow from a seed, the draw
and the group alone, so that any part of the effects is the same whenever it is read.
"""

from functools import partial

import numpy as np
import xarray as xr

from hierkit.arrays import Array, Words
from hierkit.compiled.group_draws import draw_groups
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.posterior.draws import Draws, at_centre, lower_factors
from hierkit.posterior.group_sums import group_sums
from hierkit.posterior.lazy import SMALL, Places, Remembered, Samples, lazily

WORD = 2**32


def effects_when_read(design: Design, factor: Factor, known: Draws, seed: int) -> xr.DataArray:
    """(chain, draw, group, effect), the effects of a factor, computed when their values are used.

    Parameters
    ----------
    design : Design
        Of the fit.
    factor : Factor
        The one whose effects are not kept.
    known : Draws
        Everything else; `u` are the effects of the other factors, in the order of the design.
    seed : int
        Of the random numbers.
    """
    found = group_sums(design, factor, known)
    L = np.moveaxis(lower_factors(at_centre(known.G[design.factors.index(factor)], factor.T)), 0, -1)
    sigma = np.ones(len(found.head)) if known.sigma is None else known.sigma
    draws = np.array([(draw, chain) for chain in known.chains for draw in known.draws], dtype=np.uint64).T
    key = np.array(divmod(seed, WORD), dtype=np.uint64)
    compute = partial(_draw, found.sums, L, factor.T, sigma, found.head.T, key, draws)
    labels = [effect.label for effect in factor.effects]
    coords = {"chain": known.chains, "draw": known.draws, "group": factor.levels, "effect": labels}
    return lazily(Remembered(compute, SMALL // L[0].size), coords)


def _draw(
    sums: Array, L: Array, T: Array, sigma: Array, head: Array, key: Words, draws: Words,
    places: Places, samples: Samples,
) -> Array:  # fmt: skip
    """(group, effect, sample), the effects of some groups in some draws."""
    u = np.empty((len(places), len(T), len(sigma[samples])))
    of_draws = (np.ascontiguousarray(L[..., samples]), T, sigma[samples], np.ascontiguousarray(head[:, samples]))
    draw_groups(sums[places], *of_draws, key, np.ascontiguousarray(draws[:, samples]), places, u)
    return u
