"""The one list of parameters behind the fast engines: names, transforms, priors, and places in a flat vector.

NUTS sees a vector of real numbers x, and each parameter is a transform of one of them: a coefficient is x (of the
centred columns if the model has an intercept), an sd exp x, a canonical partial correlation tanh x. The order is
coefficients, sds factor by factor, partial correlations factor by factor, degrees of freedom of Student-t effects,
sigma.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.distributions import Prior
from hierkit.model.groups import Factor
from hierkit.model.names import RESIDUAL_SD, Kind, kind_of
from hierkit.model.priors import Priors, moved_to_centre
from hierkit.sampling.kernels import codes, covariances
from hierkit.sampling.kernels import densities as d


class Numbers(NamedTuple):
    """What kernels read of the parameters: their codes, numbers and pairs of effects, as in `Parameters`."""

    codes: NDArray[np.int64]
    numbers: Array
    pairs: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Parameters:
    """What a kernel must know of the parameters; arrays have one entry per parameter.

    Attributes
    ----------
    names : tuple of str
        As in `Priors`, and `partial(wait, 1|team)` for canonical partial correlations.
    codes : ndarray of int
        (parameter, 2), transform and prior of each.
    numbers : ndarray
        (parameter, 3 + 2 knots), the prior's parameters, zeros where it has fewer, and the table of a curve.
    pairs : ndarray of int
        (pair, 2), the effects that each partial correlation belongs to, row and column, as places among the effects of
        all factors.
    coefficients : int
        How many of the parameters are coefficients; they come first.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int64]
    numbers: Array
    pairs: NDArray[np.int64]

    coefficients: int

    def __len__(self) -> int:
        return len(self.names)

    def with_curve(self, place: int, table: Array) -> "Parameters":
        """The same with an sd sampled along a curve; see `hierkit.sampling.kernels.curves`."""
        kinds = self.codes.copy()
        numbers = self.numbers.copy()
        kinds[place, 0] = codes.CURVE
        numbers[place, d.PRIOR_NUMBERS :] = table
        return replace(self, codes=kinds, numbers=numbers)


class Constrained(NamedTuple):
    """The parameters of draws.

    Attributes
    ----------
    values : ndarray
        (draw, parameter), those after the coefficients.
    L : ndarray
        (draw, effect, effect), factors of the effects' covariance G = L L'.
    sigma : ndarray or None
        (draw,); None where it is no parameter.
    degrees : dict of str to ndarray
        (draw,), the degrees of freedom of Student-t effects, by name.
    """

    values: Array
    L: Array
    sigma: Array | None
    degrees: dict[str, Array]


def make_parameters(design: Design, priors: Priors) -> Parameters:
    """The parameters of a model: coefficients, sds, partial correlations, degrees of freedom, sigma.

    Parameters
    ----------
    design : Design
        Names and blocks.
    priors : Priors
        All of them among `codes.PRIORS`.
    """
    rows: list[tuple[str, int, int, list[float]]] = []
    for column in design.columns:
        prior = priors[column.label]
        rows.append((column.label, codes.REAL, *kernel_prior(prior)))
    for factor in design.factors:
        elsewhere = moved_to_centre(factor, priors)
        for i, effect in enumerate(factor.effects):
            name = factor.sd(effect)
            if elsewhere and any(i in block for block in factor.blocks):
                rows.append((name, codes.POSITIVE, codes.FLAT, []))
            else:
                rows.append((name, *sd_code(priors[name])))
    pairs, first = [], 0
    for factor in design.factors:
        for (i, j), later in _pairs(factor):
            pairs.append((first + i, first + j))
            labels = f"{factor.effects[i].label}, {factor.effects[j].label}"
            eta = 1.0 if moved_to_centre(factor, priors) else priors[factor.cor].args["eta"]
            rows.append((f"partial({labels}|{factor.label})", codes.PARTIAL, codes.LKJ, [eta + later / 2]))
        first += len(factor.effects)
    rows += [(factor.nu, *sd_code(priors[factor.nu])) for factor in design.factors if factor.nu in priors]
    if design.outcome.has_sigma:
        rows.append((RESIDUAL_SD, *sd_code(priors[RESIDUAL_SD])))
    names, transforms, kinds, numbers = zip(*rows, strict=True)
    padded = np.zeros((len(rows), d.PRIOR_NUMBERS + 2 * d.KNOTS))
    for row, given in zip(padded, numbers, strict=True):
        row[: len(given)] = given
    return Parameters(
        names,
        np.column_stack([transforms, kinds]).astype(np.int64),
        padded,
        np.array(pairs, dtype=np.int64).reshape(-1, 2),
        len(design.columns),
    )


def uncentre(design: Design, beta: Array) -> Array:
    """(draw, column), coefficients of the columns as they are from those of the centred columns."""
    shift = beta @ design.column_means
    fixed = np.array([column.is_intercept for column in design.columns], dtype=bool)
    return np.where(fixed, beta - shift[:, None], beta)


def to_real(parameters: Parameters, values: Array) -> Array:
    """(parameter,), real numbers whose transforms are near these values; partial correlations are taken as such."""
    x = values.copy()
    kinds = parameters.codes[:, 0]
    x[kinds == codes.POSITIVE] = np.log(values[kinds == codes.POSITIVE])
    interval = kinds == codes.INTERVAL
    lower, upper = parameters.numbers[interval, 0], parameters.numbers[interval, 1]
    share = np.clip((values[interval] - lower) / (upper - lower), 0.05, 0.95)
    x[interval] = np.log(share / (1 - share))
    return x


def constrained(parameters: Parameters, x: Array, p: int, q: int) -> Constrained:
    """The parameters in each draw.

    Parameters
    ----------
    parameters : Parameters
        Of the model.
    x : ndarray
        (draw, coordinate), the parameters after the coefficients first.
    p, q : int
        Coefficients, and effects of all factors.

    """
    count = len(parameters) - p
    head = np.ascontiguousarray(x[:, :count])
    values, slopes = d.constrain(head, parameters.codes[p:], parameters.numbers[p:])
    partials = slice(q, q + len(parameters.pairs))
    C = covariances.correlation_factors(values[:, partials], slopes[:, partials], parameters.pairs, q)
    sigma = values[:, -1].copy() if RESIDUAL_SD in parameters.names else None
    names = parameters.names[p:]
    degrees = {name: values[:, i] for i, name in enumerate(names) if kind_of(name) is Kind.DEGREES}
    return Constrained(values, values[:, :q, None] * C, sigma, degrees)


def sd_code(prior: Prior) -> tuple[int, int, list[float]]:
    """Transform, prior and numbers of an sd, or of another positive number."""
    transform = codes.INTERVAL if prior.support == "interval" else codes.POSITIVE
    return transform, *kernel_prior(prior)


def kernel_prior(prior: Prior) -> tuple[int, list[float]]:
    """The code of a prior, and its numbers."""
    known = codes.PRIORS[prior.name]
    return known.code, [*known.first, *prior.args.values()]


def _pairs(factor: Factor) -> list[tuple[tuple[int, int], int]]:
    """Row and column of each partial correlation, and q - 2 - j, which its LKJ density needs."""
    return [
        ((place, other), len(block) - 2 - j)
        for block in factor.blocks
        for i, place in enumerate(block[1:], start=1)
        for j, other in enumerate(block[:i])
    ]
