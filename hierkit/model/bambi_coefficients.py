"""The common part of the Bambi model: the priors of coefficients and of sigma."""

from collections.abc import Callable, Sequence
from typing import Any

import bambi as bmb
import numpy as np
import pymc as pm
import pytensor.tensor as pt

from hierkit.arrays import Array
from hierkit.model.basis import make_basis
from hierkit.model.columns import by_term
from hierkit.model.design import Design
from hierkit.model.distributions import Prior
from hierkit.model.priors import Priors

ROUNDING = 1e-9
MOST_CONDITION = 30  # of the centred columns; beyond, coefficients are seen in the coordinates of their basis


def common_priors(design: Design, priors: Priors, for_sampling: bool) -> dict[str, bmb.Prior]:
    """Bambi's priors of the common terms and of sigma.

    Bambi centres predictors at their means over rows; where those over trials differ, the intercept is moved there.
    """
    terms = by_term(design.columns)
    shift = _shift(design)
    whitened = for_sampling and _condition(design) > MOST_CONDITION
    if whitened or shift.any():
        dists = {term: _coefficients_of(term, design, priors, shift, whitened) for term in terms}
        chosen = {term: bmb.Prior("Coefficients", dist=dist) for term, dist in dists.items()}
    else:
        chosen = {term: as_bambi([priors[column.label] for column in columns]) for term, columns in terms.items()}
    return chosen | ({"sigma": as_bambi([priors["sigma"]])} if "sigma" in priors else {})


def _shift(design: Design) -> Array:
    """(column,), how far Bambi's centre is from the one at which the intercept's prior holds."""
    if not design.has_intercept:
        return np.zeros(len(design.columns))
    fixed = np.array([column.is_intercept for column in design.columns])
    shift = np.where(fixed, 0.0, design.X.mean(axis=0) - design.column_means)
    return np.where(np.abs(shift) > ROUNDING * design.X.std(axis=0), shift, 0.0)


def _condition(design: Design) -> float:
    X = design.X - design.column_means
    if X.shape[1] < 2:
        return 1.0
    size = np.sqrt((X**2).sum(axis=0))
    return float(np.linalg.cond(X / np.where(size > 0, size, 1.0)))


def _coefficients_of(term: str, design: Design, priors: Priors, shift: Array, whitened: bool) -> Callable[..., Any]:
    """A prior's `dist` for one term; the first one that Bambi asks for makes the coefficients of all."""
    places = [i for i, column in enumerate(design.columns) if column.term == term]

    def coefficients(name: str, dims: Sequence[str] | None = None) -> Any:
        beta = _all_coefficients(pm.modelcontext(None), design, priors, whitened)
        own = [beta[i] for i in places]
        if design.columns[places[0]].is_intercept:
            own = [own[0] + sum((float(s) * b for s, b in zip(shift, beta, strict=True) if s), pt.zeros(()))]
        return pm.Deterministic(name, own[0] if dims is None else pt.stack(own), dims=dims)

    return coefficients


def _all_coefficients(model: pm.Model, design: Design, priors: Priors, whitened: bool) -> list[Any]:
    columns = design.columns
    # names that end in _offset are no part of the draws
    if whitened:
        basis = make_basis(design, priors)
        if "basis_offset" not in model.named_vars:
            gaussian = design.family.has_residual
            y = design.outcome.y - design.offset
            start = np.linalg.lstsq(basis.X, y, rcond=None)[0] if gaussian else np.zeros(len(columns))
            gamma = pm.Flat("basis_offset", shape=len(columns), initval=start)
            beta = pt.dot(basis.inverse, gamma)
            logs = [pm.logp(_distribution(priors[c.label]), beta[i]) for i, c in enumerate(columns)]
            pm.Potential("coefficients_offset", sum(logs, pt.zeros(())))
        beta = pt.dot(basis.inverse, model["basis_offset"])
        return [beta[i] for i in range(len(columns))]
    names = [f"coefficient_{i}_offset" for i in range(len(columns))]
    for name, column in zip(names, columns, strict=True):
        if name not in model.named_vars:
            getattr(pm, priors[column.label].name)(name, **priors[column.label].args)
    return [model[name] for name in names]


def _distribution(prior: Prior) -> Any:
    return getattr(pm, prior.name).dist(**prior.args)


def as_bambi(priors: list[Prior]) -> bmb.Prior:
    """The prior of a term: one distribution of vectors, or a vector of distributions where they differ."""
    first = priors[0]
    if len(priors) == 1:
        return bmb.Prior(first.name, **first.args)
    if all(prior.name == first.name for prior in priors):
        return bmb.Prior(first.name, **{key: np.array([prior.args[key] for prior in priors]) for key in first.args})

    def mixed(name: str, dims: Sequence[str]) -> Any:
        # Bambi drops names that end in _offset
        parts = [getattr(pm, p.name)(f"{name}_{i}_offset", **p.args) for i, p in enumerate(priors)]
        return pm.Deterministic(name, pt.stack(parts), dims=dims)

    return bmb.Prior("Mixed", dist=mixed)
