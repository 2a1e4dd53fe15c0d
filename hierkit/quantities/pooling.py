"""Complete, no and partial pooling side by side."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.terms import Array
from hierkit.quantities.blups import partner
from hierkit.quantities.predictor import read_draws
from hierkit.quantities.quantity import Quantity
from hierkit.quantities.shrinkage import shrinkage

CONSTANT = 1e-10  # of a column's mean square


def compare_pooling(posterior: xr.Dataset, design: Design, factor: str | None = None) -> Quantity:
    """Each group's coefficients from one regression of all rows, from its own rows alone, and from the model.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        `partial` (chain, draw, group, term), β + u, and where nothing varies by group β; `complete` (term), `none` and
        `none_se` (group, term), from linear or logistic regressions; `status` (group) of the group's own regression:
        "estimated", "rank-deficient" or "separated", without estimates for the latter two; `shrinkage` (group), the
        mean of tr Λ / q; `n` (group). A predictor that is constant within every group is part of the intercepts.

    Raises
    ------
    HierkitError
        For an unknown factor.
    """
    from hierkit.quantities.classical import complete_pooling, no_pooling  # statsmodels takes a second to import

    chosen = design.factor(factor)
    place = [own.label for own in design.factors].index(chosen.label)
    draws, within = read_draws(posterior, design), _within(design, chosen)
    partial = np.repeat(draws.beta[:, None, within], len(chosen.levels), axis=1)
    terms = [design.columns[i] for i in within]
    for k, effect in enumerate(chosen.effects):
        column = partner(effect, tuple(terms))
        if column is not None:
            partial[:, :, terms.index(column)] += draws.u[place][:, :, k]
    for i, column in enumerate(terms):
        if column.is_intercept:
            partial[:, :, i] += draws.beta @ _between(design, chosen, within).T
    own, all_rows = no_pooling(design, chosen, within), complete_pooling(design)
    kept = shrinkage(posterior, design, chosen.label).draws["overall"].mean(("chain", "draw"))
    coords = {"group": chosen.levels, "term": [column.label for column in terms]}
    beside = {
        "n": ("group", chosen.counts),
        "shrinkage": ("group", kept.values),
        "status": ("group", own.status),
        "complete": ("term", all_rows.estimate[0, within]),
        "none": (("group", "term"), own.estimate),
        "none_se": (("group", "term"), own.se),
    }
    dataset = xr.Dataset(beside, coords=coords).assign(partial=draws.labelled(partial, coords))
    missing = len(own.status) - own.status.count("estimated")
    definition = (
        f"Coefficients of each group of {chosen.label}: complete pooling (one regression of all rows), none (the "
        "group's own regression) and partial (the model, β + u); shrinkage is the share of its own evidence that a "
        "group keeps."
    )
    if missing:
        definition += f" {missing} groups have too few or separated rows for a regression of their own."
    return Quantity(dataset, definition)


def _within(design: Design, factor: Factor) -> NDArray[np.intp]:
    """The places of the intercept and of columns that vary within some group."""
    means = factor_means(design, factor)[factor.codes]
    varies = ((design.X - means) ** 2).mean(axis=0) > CONSTANT * (design.X**2).mean(axis=0)
    return np.array([i for i, c in enumerate(design.columns) if c.is_intercept or varies[i]], dtype=np.intp)


def _between(design: Design, factor: Factor, within: NDArray[np.intp]) -> Array:
    """(group, column), each group's predictors that are constant within groups; zero elsewhere."""
    means = factor_means(design, factor)
    means[:, within] = 0.0
    return means


def factor_means(design: Design, factor: Factor) -> Array:
    """(group, column), each group's means of X."""
    sums = np.stack([np.bincount(factor.codes, x, len(factor.levels)) for x in design.X.T], axis=1)
    return np.asarray(sums / factor.counts[:, None])
