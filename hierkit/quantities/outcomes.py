"""What the outcomes of rows are in each draw: linear predictors, means, and outcomes that could be observed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from hierkit.model.design import Design
from hierkit.model.matrices import Matrices
from hierkit.model.new_rows import NewRows, trials_of
from hierkit.model.terms import Array
from hierkit.quantities.held_out import degrees
from hierkit.quantities.logistic_normal import mean_probability
from hierkit.quantities.new_groups import draw_group, generator
from hierkit.quantities.predictor import Draws, group_variance, read_draws


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
        return [group_variance(self.draws.G[f], self.matrices.Z[f][rows]).T for f in self.marginal]


def group_draws(
    design: Design,
    draws: Draws,
    nu: Sequence[Array | None],
    rows: NewRows,
    asked: Collection[str],
    given: Mapping[tuple[int, str], Array],
    seed: int,
) -> tuple[Groups | None, ...]:
    """The effects of the groups that rows belong to, for each factor.

    Parameters
    ----------
    design : Design
        Of the fit.
    draws : Draws
        With group effects.
    nu : sequence of (ndarray or None)
        (sample,) for each factor, degrees of freedom of Student-t effects.
    rows : NewRows
        The rows.
    asked : collection of str
        Labels of the factors whose groups have effects; None for others.
    given : mapping
        By the factor's place and the label, u (sample, effect) of groups that were not fitted and need not be drawn.
    seed : int
        For those that are.
    """
    found: list[Groups | None] = []
    for f, factor in enumerate(design.factors):
        if factor.label not in asked:
            found.append(None)
            continue
        used, places = np.unique(rows.matrices.codes[f], return_inverse=True)
        u = np.empty((len(used), len(factor.effects), len(draws.beta)))
        for place, code in enumerate(used - len(factor.levels)):
            if code < 0:
                u[place] = draws.u[f][:, code].T
            elif (f, rows.unseen[f][code]) in given:
                u[place] = given[f, rows.unseen[f][code]].T
            else:
                rng = generator(seed, "group", factor.label, rows.unseen[f][code])
                u[place] = draw_group(draws.G[f], nu[f], rng).T
        found.append(Groups(u, places))
    return tuple(found)


def replicate(posterior: xr.Dataset, design: Design, rows: NewRows, seed: int) -> xr.DataArray:
    """(chain, draw, row), outcomes of rows in groups that were fitted, or drawn anew where they were not."""
    draws, nu = read_draws(posterior, design), degrees(posterior, design)
    labels = [factor.label for factor in design.factors]
    linear = Linear(rows.matrices, draws, group_draws(design, draws, nu, rows, labels, {}, seed), ())
    places = np.arange(len(rows.frame))
    values = outcomes(linear, nu, row_keys(rows.frame), trials_of(design, rows.frame), seed, places)
    return draws.labelled(values.T, {"row": places})


def means(linear: Linear, rows: NDArray[np.intp]) -> Array:
    """(row, sample), means of the outcome."""
    eta = linear.at(rows)
    if linear.draws.sigma is not None:
        return eta
    if not linear.marginal:
        return np.asarray(expit(eta))
    return mean_probability(eta, np.sum(linear.variances(rows), axis=0))


def outcomes(
    linear: Linear,
    nu: tuple[Array | None, ...],
    keys: Array,
    trials: Array,
    seed: int,
    rows: NDArray[np.intp],
) -> Array:
    """(row, sample), outcomes drawn for each row from random numbers of its own."""
    eta, variances, sigma = linear.at(rows), linear.variances(rows), linear.draws.sigma
    for i, row in enumerate(rows):
        rng = generator(seed, "outcome", *keys[row])
        for f, variance in zip(linear.marginal, variances, strict=True):
            eta[i] += draw_group(variance[i][:, None, None], nu[f], rng)[:, 0]
        if sigma is not None:
            eta[i] += sigma * rng.standard_normal(len(sigma))
        elif trials[row] == 1:
            eta[i] = rng.uniform(size=eta.shape[1]) < expit(eta[i])
        else:
            eta[i] = rng.binomial(int(trials[row]), expit(eta[i]))
    return eta


def row_keys(frame: pd.DataFrame) -> Array:
    """(row, 2), what tells rows apart wherever they stand: a hash of their cells, and their place among equal ones."""
    numbers = {str(name): values.astype(np.float64) for name, values in frame.select_dtypes("number").items()}
    same = frame.assign(**numbers)
    hashes = pd.util.hash_pandas_object(same, index=False) if len(frame.columns) else pd.Series(0, index=frame.index)
    return np.column_stack([hashes, hashes.groupby(hashes).cumcount()])
