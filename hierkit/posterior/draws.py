"""Linear predictors and group variances of rows, in batches of draws."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from hierkit.arrays import SAMPLE_DIMS, Array
from hierkit.cores import on_all_cores
from hierkit.model.families import Family
from hierkit.model.matrices import Matrices
from hierkit.model.names import matrix_dims
from hierkit.model.outcome import Outcome

BATCH = 100_000  # numbers at once: 1 MB, near the processor
LARGEST_INFLATION = 1000.0  # of the variance of Student-t effects, by their tails
NEARLY_SINGULAR = 1e-12  # of a variance: for draws with a correlation of one


@dataclass(frozen=True, eq=False)
class Draws:
    """A posterior as arrays, its draws in a row: those of the first chain, then those of the second.

    Attributes
    ----------
    family : Family
        Of the outcome.
    beta : ndarray
        (sample, column).
    u : tuple of ndarray
        (sample, group, effect) for each factor.
    G : tuple of ndarray
        (sample, effect, effect) for each factor; for Student-t effects that of their scale.
    sigma : ndarray or None
        (sample,), the residual sd of a row of weight 1; ones where the sds of rows are known.
    row_variance : float
        As in `Design`: 1, or the variance of a typical row whose sd is known.
    nu : tuple of (ndarray or None)
        (sample,) for each factor, the degrees of freedom of Student-t effects; None for normal ones.
    chains, draws : Any
        The labels of chains and draws.
    """

    family: Family
    beta: Array
    u: tuple[Array, ...]
    G: tuple[Array, ...]
    sigma: Array | None
    row_variance: float
    nu: tuple[Array | None, ...]
    chains: Any
    draws: Any

    @property
    def latent_variance(self) -> Array:
        """(sample,) or a number, the variance of a row on the link scale."""
        return self.family.latent_variance(self.sigma) * self.row_variance

    @property
    def covariances(self) -> tuple[Array, ...]:
        """(sample, effect, effect) for each factor, the covariance of its effects: for Student-t ones nu / (nu - 2) G.

        At most a thousand times G, because it is infinite where nu is 2 or less.
        """
        pairs = zip(self.G, self.nu, strict=True)
        return tuple(G if nu is None else G * _inflation(nu)[:, None, None] for G, nu in pairs)

    def sigma_of(self, part: slice) -> Array | None:
        """(sample, 1), the residual sd in some draws, which broadcasts against rows; None for a family without one."""
        return None if self.sigma is None else self.sigma[part, None]

    def labelled(self, values: Array, dims: Mapping[str, Sequence[Any] | Any] | None = None) -> xr.DataArray:
        """(chain, draw, *dims), an array (sample, ...) with its labels."""
        coords = {"chain": self.chains, "draw": self.draws, **(dims or {})}
        shaped = values.reshape(len(self.chains), len(self.draws), *values.shape[1:])
        return xr.DataArray(shaped, coords=coords, dims=tuple(coords))

    def some(self, places: slice | NDArray[np.intp]) -> "Draws":
        """Some of the draws, or some of them several times."""
        u, G = tuple(u[places] for u in self.u), tuple(G[places] for G in self.G)
        sigma = None if self.sigma is None else self.sigma[places]
        nu = tuple(None if own is None else own[places] for own in self.nu)
        return replace(self, beta=self.beta[places], u=u, G=G, sigma=sigma, nu=nu)


def _inflation(nu: Array) -> Array:
    """(sample,), the variance of a standard Student t."""
    return np.minimum(nu / np.maximum(nu - 2, nu / LARGEST_INFLATION), LARGEST_INFLATION)


def flat(array: xr.DataArray) -> Array:
    """(sample, ...), draws of all chains in a row."""
    values = array.transpose("chain", "draw", ...).values
    return np.ascontiguousarray(values.reshape(values.shape[0] * values.shape[1], *values.shape[2:]))


def varying(posterior: xr.Dataset) -> xr.Dataset:
    """The posterior without what is constant by construction: of correlations, the entries below the diagonal."""
    free = {}
    for name, variable in posterior.items():
        if dims := matrix_dims(variable):
            row, column = np.tril_indices(variable.sizes[dims[0]], -1)
            places = [xr.DataArray(i, dims=f"{name}_pair") for i in (row, column)]
            pairs = variable.drop_vars(dims).isel(dict(zip(dims, places, strict=True)))
            free[name] = pairs[..., ~(pairs == 0).all(SAMPLE_DIMS).values]
        else:
            free[name] = variable
    return xr.Dataset(free)


def batches(samples: int, size: int) -> Iterator[slice]:
    """Slices of the draws such that `size` numbers for each are no more than a batch."""
    step = max(1, BATCH // max(1, size))
    for start in range(0, samples, step):
        yield slice(start, min(samples, start + step))


def in_batches(work: Callable[[slice], None], samples: int, size: int, what: str) -> None:
    """Do the work for every batch, on all cores; each writes its own part of the results.

    `what` is the first word of a line of progress, which appears after two seconds.
    """
    on_all_cores(work, list(batches(samples, size)), what)


def averaging(places: NDArray[np.intp], size: int, weights: Array) -> sparse.csr_array:
    """(row, place), what (sample, row) is multiplied by for averages over the rows, or trials, of each place."""
    sums = np.bincount(places, weights, size)[places]
    shares = np.divide(weights, sums, out=np.zeros(len(weights)), where=sums > 0)
    return sparse.csr_array((shares, (np.arange(len(places)), places)), shape=(len(places), size))


def common_part(draws: Draws, rows: Matrices, part: slice = slice(None)) -> Array:
    """(sample, row), X beta + offset."""
    predictor: Array = draws.beta[part] @ rows.X.T + rows.offset
    return predictor


def linear_predictor(draws: Draws, rows: Matrices, part: slice = slice(None)) -> Array:
    """(sample, row), X beta + sum_f Z_f u_f + offset."""
    eta = common_part(draws, rows, part)
    for u, Z, codes in zip(draws.u, rows.Z, rows.codes, strict=True):
        for k in range(Z.shape[1]):
            eta += u[part, :, k][:, codes] * Z[:, k]
    return eta


def log_likelihood(draws: Draws, rows: Matrices, outcome: Outcome, part: slice = slice(None)) -> Array:
    """(sample, row), log p(y | β, u, σ) of each row."""
    eta = linear_predictor(draws, rows, part)
    return draws.family.log_density(outcome.y, outcome.row_weights, eta, draws.sigma_of(part))


def lower_factors(G: Array) -> Array:
    """(sample, effect, effect), Cholesky factors of covariances, singular or not."""
    try:
        return np.linalg.cholesky(G)
    except np.linalg.LinAlgError:
        return np.array([_lower_factor(one) for one in G])


def _lower_factor(G: Array) -> Array:
    """Of one draw: what is singular is taken for nearly singular, and nothing else is changed."""
    try:
        return np.linalg.cholesky(G)
    except np.linalg.LinAlgError:
        return np.linalg.cholesky(G * (1 + NEARLY_SINGULAR * np.eye(len(G))))


def at_centre(G: Array, T: Array) -> Array:
    """(sample, effect, effect), the covariances of the effects at the centre, v, from those of u = T v.

    So far from the centre that a double does not know them there, what is negative by rounding is nearly zero.
    """
    inverse = np.linalg.inv(T)
    moved: Array = inverse @ G @ inverse.T
    values, vectors = np.linalg.eigh(moved)
    if values.min() > 0:
        return moved
    kept = np.maximum(values, NEARLY_SINGULAR * values.max(axis=1, keepdims=True))
    return np.asarray((vectors * kept[:, None, :]) @ np.swapaxes(vectors, 1, 2))


def group_variance(G: Array, Z: Array) -> Array:
    """(sample, row), z'G z, the variance that the groups of one factor add to a row.

    Parameters
    ----------
    G, Z : ndarray
        (sample, effect, effect) and (row, effect).
    """
    q = Z.shape[1]
    products = np.stack([Z[:, a] * Z[:, b] for a in range(q) for b in range(q)])
    variance: Array = G.reshape(len(G), -1) @ products
    return variance
