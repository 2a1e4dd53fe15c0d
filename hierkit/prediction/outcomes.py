"""What the outcomes of rows are in each draw: linear predictors, means, and outcomes that could be observed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from hierkit.arrays import Array
from hierkit.integration.marginal_means import mixture
from hierkit.integration.new_groups import draw_group, draw_standard, generator
from hierkit.model.design import Design
from hierkit.model.matrices import Matrices
from hierkit.model.new_rows import NewRows, row_weights
from hierkit.posterior.draws import Draws, group_variance
from hierkit.posterior.posterior import Posterior


@dataclass(frozen=True, eq=False)
class Groups:
    """The effects of the groups that rows belong to: u (group, effect, sample), and each row's place (row,)."""

    u: Array
    places: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Linear:
    """The linear predictor of rows: their matrices, draws, groups with effects, and factors integrated out."""

    matrices: Matrices
    draws: Draws
    groups: tuple[Groups | None, ...]
    marginal: tuple[int, ...]

    def at(self, rows: NDArray[np.intp]) -> Array:
        """(row, sample), xβ + z'u + offset."""
        eta: Array = self.matrices.X[rows] @ self.draws.beta.T + self.matrices.offset[rows, None]
        for Z, own in zip(self.matrices.Z, self.groups, strict=True):
            if own is not None:
                for k in range(Z.shape[1]):
                    eta += Z[rows, k, None] * own.u[own.places[rows], k]
        return eta

    def variances(self, rows: NDArray[np.intp]) -> list[Array]:
        """(row, sample) for each factor that is integrated out, z'Gz."""
        return [np.maximum(group_variance(self.draws.G[f], self.matrices.Z[f][rows]).T, 0.0) for f in self.marginal]


Known = Callable[[int, NDArray[np.intp]], Array]


def group_draws(
    design: Design,
    draws: Draws,
    rows: NewRows,
    asked: Collection[str],
    given: Mapping[tuple[int, str], Array],
    seed: int,
    known: Known | None = None,
) -> tuple[Groups | None, ...]:
    """The effects of the groups that rows belong to, for each factor.

    Parameters
    ----------
    design : Design
        Of the fit.
    draws : Draws
        With group effects, unless `known` says what they are.
    rows : NewRows
        The rows.
    asked : collection of str
        Labels of the factors whose groups have effects; None for others.
    given : mapping
        By the factor's place and the label, u (sample, effect) of unseen groups that need not be drawn.
    seed : int
        For those that are.
    known : callable, optional
        From the factor's place and places of fitted groups to their effects (group, effect, sample).
    """
    known = _from(draws) if known is None else known
    found: list[Groups | None] = []
    for f, factor in enumerate(design.factors):
        if factor.label not in asked:
            found.append(None)
            continue
        used, places = np.unique(rows.matrices.codes[f], return_inverse=True)
        u = np.empty((len(used), len(factor.effects), len(draws.beta)))
        fitted = used < len(factor.levels)
        u[fitted] = known(f, used[fitted])
        for place, code in enumerate(used - len(factor.levels)):
            if code < 0:
                continue
            if (f, rows.unseen[f][code]) in given:
                u[place] = given[f, rows.unseen[f][code]].T
            else:
                rng = generator(seed, "group", factor.label, rows.unseen[f][code])
                u[place] = draw_group(draws.G[f], draws.nu[f], rng).T
        found.append(Groups(u, places))
    return tuple(found)


def _from(draws: Draws) -> Known:
    return lambda f, places: np.moveaxis(draws.u[f][:, places], 0, -1)


def replicate(posterior: Posterior, rows: NewRows, seed: int) -> xr.DataArray:
    """(chain, draw, row), outcomes of rows in known groups, or in unseen ones that are drawn.

    All rows from the same random numbers, in an order of their own: whatever their order in the table, each gets the
    same.
    """
    design = posterior.design
    draws, places = posterior.draws, np.arange(len(rows.frame))
    effects = group_draws(design, draws, rows, [factor.label for factor in design.factors], {}, seed)
    linear = Linear(rows.matrices, draws, effects, ())
    keys = np.array(row_keys(design, rows), dtype=np.uint64)
    order = np.lexsort(keys.T[::-1])
    weights = row_weights(design, rows.frame)[order, None]
    values = np.empty((len(places), len(draws.beta)))
    values[order] = draws.family.draw(linear.at(order), weights, draws.sigma, generator(seed, "replicate"))
    return draws.labelled(values.T, {"row": places})


def means(linear: Linear, rows: NDArray[np.intp]) -> Array:
    """(row, sample), means of the outcome."""
    eta = linear.at(rows)
    family = linear.draws.family
    if not linear.marginal:
        return family.mean(eta)
    degrees = [linear.draws.nu[f] for f in linear.marginal]
    return family.mean_over_groups(eta, mixture(linear.variances(rows), degrees))


def outcomes(
    linear: Linear, keys: Sequence[tuple[int, int]], weights: Array, seed: int, rows: NDArray[np.intp]
) -> Array:
    """(row, sample), outcomes drawn for each row from random numbers of its own."""
    eta = linear.at(rows)
    variances = linear.variances(rows)
    draws = linear.draws
    for i, row in enumerate(rows):
        rng = generator(seed, "outcome", *keys[row])
        for f, variance in zip(linear.marginal, variances, strict=True):
            eta[i] += np.sqrt(variance[i]) * draw_standard(len(draws.beta), 1, draws.nu[f], rng)[:, 0]
        eta[i] = draws.family.draw(eta[i], weights[row], draws.sigma, rng)
    return eta


def row_keys(design: Design, rows: NewRows) -> list[tuple[int, int]]:
    """Keys that identify rows whatever their order: a hash of what the model reads, and a place among equal ones."""
    cells = {name: rows.frame[name] for name in design.formula.predictors}
    keys = {
        f"predictor {name}": values.astype(np.float64 if is_numeric_dtype(values) else str)
        for name, values in cells.items()
    }
    keys |= {f"factor {label}": pd.Series(own).astype(str) for label, own in rows.labels.items()}
    frame = pd.DataFrame(keys, index=rows.frame.index)
    hashes = pd.util.hash_pandas_object(frame, index=False) if keys else pd.Series(0, index=frame.index)
    return list(zip(hashes.tolist(), hashes.groupby(hashes).cumcount().tolist(), strict=True))
