"""Group effects that were not estimated: drawn from their distribution, for each label its own.

The numbers depend on the seed, the factor and the label only, so that neither the order of rows nor other labels change
what a label gets.
"""

import hashlib

import numpy as np

from hierkit.arrays import Array
from hierkit.posterior.draws import lower_factors


def generator(seed: int, *words: str | int) -> np.random.Generator:
    """Random numbers that belong to a seed and to words."""
    text = "\0".join(map(str, words)).encode()
    return np.random.default_rng([seed, int.from_bytes(hashlib.blake2b(text, digest_size=16).digest())])


def draw_group(G: Array, nu: Array | None, rng: np.random.Generator) -> Array:
    """(sample, effect), u ~ N(0, G) in each draw, or Student-t of scale G.

    Parameters
    ----------
    G : ndarray
        (sample, effect, effect).
    nu : ndarray or None
        (sample,), degrees of freedom; None for normal effects.
    rng : numpy.random.Generator
        Of this group.
    """
    z = draw_standard(len(G), G.shape[1], nu, rng)
    drawn: Array = (lower_factors(G) @ z[..., None])[..., 0]
    return drawn


def draw_standard(samples: int, effects: int, nu: Array | None, rng: np.random.Generator) -> Array:
    """(sample, effect), standard normal, or multivariate Student-t with `nu` (sample,) degrees of freedom."""
    z = rng.standard_normal((samples, effects))
    return z if nu is None else z / np.sqrt(rng.chisquare(nu) / nu)[:, None]
