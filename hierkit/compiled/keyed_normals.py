"""Standard normal numbers that depend on a key and a counter alone, so that any of them can be had again at any time.

Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3") turns a counter of
four words of 32 bits and a key of two into four random words, of which two make a uniform number. Its normal quantile
is a ratio of polynomials (Wichura 1988, algorithm AS 241), to 16 digits.
"""

import numpy as np

from hierkit.arrays import Array, Words
from hierkit.compiled.compiling import kernel

Word = np.uint64

MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)  # of the key
LOW = np.uint64(0xFFFFFFFF)
BITS = np.uint64(32)  # of a word
DROPPED = np.uint64(11)  # bits of 64: a float has 53
UNIT = 2.0**-53
ROUNDS = 10

MIDDLE, MIDDLE_SQUARED = 0.425, 0.180625  # from a half: of 85% of all numbers
TAIL, FAR_TAIL = 1.6, 5.0
# the coefficients of AS 241, numerator and denominator, the highest power first
IN_THE_MIDDLE = (
    (
        *(2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4),
        *(1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    ),
    (
        *(5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4),
        *(5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
    ),
)
IN_A_TAIL = (
    (
        *(7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0),
        *(3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    ),
    (
        *(1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1),
        *(6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
    ),
)
FAR_OUT = (
    (
        *(2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2),
        *(2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    ),
    (
        *(2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4),
        *(1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
    ),
)


@kernel
def philox(k0: Word, k1: Word, c0: Word, c1: Word, c2: Word, c3: Word) -> tuple[Word, Word, Word, Word]:
    """Four random words of 32 bits from a key of two and a counter of four."""
    for _ in range(ROUNDS):
        first = MULTIPLIERS[0] * (c0 & LOW)
        second = MULTIPLIERS[1] * (c2 & LOW)
        c0 = (second >> BITS) ^ c1 ^ k0
        c1 = second & LOW
        c2 = (first >> BITS) ^ c3 ^ k1
        c3 = first & LOW
        k0 = (k0 + STEPS[0]) & LOW
        k1 = (k1 + STEPS[1]) & LOW
    return c0, c1, c2, c3


@kernel
def fill_normals(key: Words, draws: Words, start: int, count: int, place: int, z: Array) -> None:
    """Fill z with independent standard normal numbers of one group in some draws, each by its own counter.

    Parameters
    ----------
    key : (2,)
        Of all numbers.
    draws : (2, sample)
        The first words of the counters.
    start, count : int
        Which of the draws, one after the other.
    place : int
        The third word.
    z : (effect + 1, lane)
        Filled but for the last row, which is there because numbers come in pairs.
    """
    third = np.uint64(place)
    for a in range(0, z.shape[0] - 1, 2):
        fourth = np.uint64(a)
        for n in range(count):
            c0, c1, c2, c3 = philox(key[0], key[1], draws[0, start + n], draws[1, start + n], third, fourth)
            z[a, n] = (((c0 << BITS) | c1) >> DROPPED) * UNIT + 0.5 * UNIT
            z[a + 1, n] = (((c2 << BITS) | c3) >> DROPPED) * UNIT + 0.5 * UNIT
        fill_quantiles(z[a, :count])
        fill_quantiles(z[a + 1, :count])


@kernel
def fill_quantiles(p: Array) -> None:
    """Replace probabilities (draw,) between 0 and 1 by the numbers below which a standard normal one is with them."""
    given = p.copy()
    for n in range(len(p)):
        q = given[n] - 0.5
        p[n] = q * _ratio(IN_THE_MIDDLE, MIDDLE_SQUARED - q * q)
    for n in range(len(p)):
        if abs(given[n] - 0.5) > MIDDLE:
            p[n] = _in_a_tail(given[n])


@kernel
def _in_a_tail(p: float) -> float:
    r = np.sqrt(-np.log(min(p, 1 - p)))
    size = _ratio(IN_A_TAIL, r - TAIL) if r <= FAR_TAIL else _ratio(FAR_OUT, r - FAR_TAIL)
    return size if p > 0.5 else -size


@kernel
def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: float) -> float:
    above, below = 0.0, 0.0
    for i in range(8):
        above = above * x + coefficients[0][i]
        below = below * x + coefficients[1][i]
    return above / below
