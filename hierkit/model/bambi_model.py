"""Design + Priors -> bambi.Model, through Bambi's public interface. The only file that imports Bambi.

Bambi's group effects are independent. Correlated and Student-t effects enter as priors with a `dist` of their own,
which Bambi calls as `dist(name, sigma=<sd>, dims=[...])`. They are written elementwise, because matrix operations
compile several times as slowly.
"""

from collections.abc import Callable, Sequence, Set
from typing import Any

import bambi as bmb
import numpy as np
import pymc as pm
import pytensor.tensor as pt

from hierkit.model.design import Design
from hierkit.model.distributions import Prior
from hierkit.model.groups import Factor
from hierkit.model.priors import Priors
from hierkit.model.terms import Column

Distribution = Callable[..., Any]


def build(design: Design, priors: Priors, effects: str = "normal", centred: Set[str] = frozenset()) -> bmb.Model:
    """The Bambi model of a design, with every prior explicit.

    Parameters
    ----------
    design : Design
        From `make_design`.
    priors : Priors
        From `make_priors` for the same design and effects.
    effects : {"normal", "student_t"}
        The distribution of the group effects.
    centred : set of str
        Labels of the factors whose effects are sampled as they are; others as z = L^-1 u / sd. Both are the same model.

    Returns
    -------
    bambi.Model
        Its names are the names in a fit's draws. Correlations are in `<factor>_corr`, with dims `<factor>_effect` and
        `<factor>_effect_other`; degrees of freedom in `<factor>_nu`.
    """
    model = bmb.Model(
        design.text,
        design.frame,
        family=design.outcome.family,
        priors=_common_priors(design, priors) | _group_priors(design, priors, effects, centred),
        extra_namespace=dict(design.namespace),
    )
    model.build()
    return model


def _common_priors(design: Design, priors: Priors) -> dict[str, bmb.Prior]:
    chosen = {
        term: _as_bambi([priors[column.label] for column in columns])
        for term, columns in _by_term(design.columns).items()
    }
    return chosen | ({"sigma": _as_bambi([priors["sigma"]])} if "sigma" in priors else {})


def _group_priors(design: Design, priors: Priors, effects: str, centred: Set[str]) -> dict[str, bmb.Prior]:
    chosen = {}
    for factor in design.factors:
        custom = bool(factor.blocks) or effects == "student_t"
        for term, columns in _by_term(factor.effects).items():
            sd = _as_bambi([priors[f"sd({column.label}|{factor.label})"] for column in columns])
            if custom:
                dist = _effects_distribution(factor, columns, priors, effects, factor.label in centred)
                prior = bmb.Prior("GroupEffects", dist=dist, noncentered=False, sigma=sd)
            else:
                prior = bmb.Prior("Normal", mu=0, sigma=sd, noncentered=factor.label not in centred)
            chosen[f"{term}|{factor.name}"] = prior
    return chosen


def _by_term(columns: Sequence[Column]) -> dict[str, list[Column]]:
    terms: dict[str, list[Column]] = {}
    for column in columns:
        terms.setdefault(column.term, []).append(column)
    return terms


def _as_bambi(priors: list[Prior]) -> bmb.Prior:
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


def _effects_distribution(
    factor: Factor, columns: list[Column], priors: Priors, effects: str, centred: bool
) -> Distribution:
    """A prior's `dist` for the effects of one term, given those of the factor's earlier terms.

    With L the Cholesky factor of the correlations, u = s L z. Given z_<i, z_i is N(0, 1), or for Student-t effects
    t(nu + i) with scale sqrt((nu + |z_<i|²) / (nu + i)): the conditionals of a multivariate t, i counted from 0.
    Centred, u_i is sampled, with location s_i (L z)_<i and s_i L_ii times that scale; otherwise z_i is.
    """
    places = [factor.effects.index(column) for column in columns]

    def group_effects(name: str, sigma: Any, dims: Sequence[str]) -> Any:
        model = pm.modelcontext(None)
        rows = _cholesky_rows(model, factor, priors)
        sds = [sigma] if len(dims) == 1 else [sigma[i] for i in range(len(places))]
        u = []
        for place, sd in zip(places, sds, strict=True):
            earlier = [model[_z(factor, j)] for j in range(place)]
            unit = _unit_distribution(model, factor, priors, effects, earlier)
            mean = sum((weight * earlier[j] for j, weight in rows[place].items() if j != place), pt.zeros(()))
            u.append(_effect(factor, place, unit, mean, rows[place][place], sd, dims[0], centred))
        return pm.Deterministic(name, u[0] if len(dims) == 1 else pt.stack(u, axis=1), dims=dims)

    return group_effects


def _effect(
    factor: Factor, place: int, unit: Distribution, mean: Any, weight: Any, sd: Any, group_dim: str, centred: bool
) -> Any:
    """One effect over groups; its z is left in the model for the effects that follow."""
    if not centred:
        return sd * (mean + weight * unit(_z(factor, place), 0.0, 1.0, group_dim))
    # names that end in _offset are no part of the draws
    u = unit(f"{factor.name}_{place}_offset", sd * mean, sd * weight, group_dim)
    pm.Deterministic(_z(factor, place), (u / sd - mean) / weight, dims=group_dim)
    return u


def _z(factor: Factor, place: int) -> str:
    return f"{factor.name}_{place}_z_offset"


def _unit_distribution(
    model: pm.Model, factor: Factor, priors: Priors, effects: str, earlier: list[Any]
) -> Distribution:
    """The distribution of an effect given the z of earlier ones, to be placed and scaled."""
    if effects == "normal":
        return lambda name, location, scale, dim: pm.Normal(name, location, scale, dims=dim)
    prior, name = priors[f"nu({factor.label})"], f"{factor.name}_nu"
    nu = model[name] if name in model.named_vars else getattr(pm, prior.name)(name, **prior.args)
    degrees = nu + len(earlier)
    spread = pt.sqrt((nu + sum(z**2 for z in earlier)) / degrees) if earlier else 1.0
    return lambda name, location, scale, dim: pm.StudentT(name, nu=degrees, mu=location, sigma=scale * spread, dims=dim)


def _cholesky_rows(model: pm.Model, factor: Factor, priors: Priors) -> list[dict[int, Any]]:
    """The rows of L without their zeros, block by block, from canonical partial correlations.

    LKJ(eta) over q effects is a product of Beta distributions: the partial correlation of effects i > j given those
    before j is 2 b - 1 with b ~ Beta(a, a), a = eta + (q - 2 - j) / 2 (Lewandowski, Kurowicka and Joe 2009).
    """
    rows: list[dict[int, Any]] = [{place: 1.0} for place in range(len(factor.effects))]
    for block in factor.blocks:
        eta = priors[f"cor({factor.label})"].args["eta"]
        for i, place in enumerate(block[1:], start=1):
            row, remaining = {}, 1.0
            for j, other in enumerate(block[:i]):
                name = f"{factor.name}_{place}_{other}_partial_offset"
                a = eta + (len(block) - 2 - j) / 2
                beta = model[name] if name in model.named_vars else pm.Beta(name, a, a)
                partial = 2 * beta - 1
                row[other] = partial * remaining
                remaining = remaining * pt.sqrt(1 - partial**2)
            rows[place] = row | {place: remaining}
    _record_correlations(model, factor, rows)
    return rows


def _record_correlations(model: pm.Model, factor: Factor, rows: list[dict[int, Any]]) -> None:
    name, q = f"{factor.name}_corr", len(rows)
    if not factor.blocks or name in model.named_vars:
        return
    labels = [effect.label for effect in factor.effects]
    dims = (f"{factor.name}_effect", f"{factor.name}_effect_other")
    model.add_coords(dict.fromkeys(dims, labels))
    products = [[sum(a[k] * b[k] for k in a.keys() & b.keys()) for b in rows] for a in rows]
    corr = [[1.0 if i == j else products[i][j] for j in range(q)] for i in range(q)]
    pm.Deterministic(name, pt.stacklists(corr), dims=dims)
