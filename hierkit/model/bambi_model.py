"""Design + Priors -> bambi.Model, through Bambi's public interface.

The common part is in `hierkit.model.bambi_coefficients`; no other file imports Bambi.

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

from hierkit.errors import refusal
from hierkit.model.bambi_coefficients import as_bambi, common_priors
from hierkit.model.bambi_family import bambi_family
from hierkit.model.columns import Column, by_term
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.priors import Priors, held_at_zero, moved_to_centre

Distribution = Callable[..., Any]


def build(
    design: Design,
    priors: Priors,
    effects: str = "normal",
    centred: Set[str] = frozenset(),
    for_sampling: bool = False,
) -> bmb.Model:
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
    for_sampling : bool
        Whether coefficients and sds may be seen in other coordinates, with their priors as potentials, which have no
        draws of their own. Both are the same posterior.

    Returns
    -------
    bambi.Model
        Its names are the names in a fit's draws. Correlations are in `<factor>_corr`, with dims `<factor>_effect` and
        `<factor>_effect_other`; degrees of freedom in `<factor>_nu`.

    Raises
    ------
    HierkitError
        For a column other than the intercept that is constant, which Bambi does not take.
    """
    _check_no_constant(design)
    model = bmb.Model(
        design.text,
        design.frame,
        family=bambi_family(design),
        priors=common_priors(design, priors, for_sampling)
        | _group_priors(design, priors, effects, centred, for_sampling),
        extra_namespace=dict(design.namespace),
    )
    model.build()
    return model


def _check_no_constant(design: Design) -> None:
    for term, columns in by_term(design.columns).items():
        places = [design.columns.index(column) for column in columns]
        if not columns[0].is_intercept and not np.ptp(design.X[:, places], axis=0).any():
            raise refusal(
                f"{term!r} is constant",
                "Bambi's model has no other constant column than the intercept",
                'Write 1 in its place, or sample with engine="marginal" or "joint"',
            )


def _group_priors(
    design: Design, priors: Priors, effects: str, centred: Set[str], for_sampling: bool
) -> dict[str, bmb.Prior]:
    chosen = {}
    for factor in design.factors:
        at_zero = held_at_zero(factor, priors) and not (for_sampling and moved_to_centre(factor, priors))
        if not factor.holds_everywhere and not at_zero:
            dist = _effects_at_centre(factor, priors, effects, factor.label in centred)
            sd = _sds_at_zero(factor, priors)
            for term in by_term(factor.effects):
                prior = bmb.Prior("GroupEffects", dist=dist, noncentered=False, sigma=bmb.Prior("Sds", dist=sd))
                chosen[factor.names.effects(term)] = prior
            continue
        custom = bool(factor.blocks) or effects == "student_t"
        for term, columns in by_term(factor.effects).items():
            sd = as_bambi([priors[factor.sd(column)] for column in columns])
            if custom:
                dist = _effects_distribution(factor, columns, priors, effects, factor.label in centred)
                prior = bmb.Prior("GroupEffects", dist=dist, noncentered=False, sigma=sd)
            else:
                prior = bmb.Prior("Normal", mu=0, sigma=sd, noncentered=factor.label not in centred)
            chosen[factor.names.effects(term)] = prior
    return chosen


def _sds_at_zero(factor: Factor, priors: Priors) -> Distribution:
    """A prior's `dist` for the sds of any term of a factor that is sampled at the centre of the predictors.

    The first term that Bambi asks for makes the sds and correlations of all, at the centre and at zero.
    """

    def sds(name: str, dims: Sequence[str] | None = None) -> Any:
        model = pm.modelcontext(None)
        if factor.names.auxiliary("0_zero") not in model.named_vars:
            _make_scales(model, factor, priors)
        own = [model[factor.names.auxiliary(f"{i}_zero")] for i in _places(factor, name)]
        return pm.Deterministic(name, own[0] if not dims else pt.stack(own), dims=dims or None)

    return sds


def _effects_at_centre(factor: Factor, priors: Priors, effects: str, centred: bool) -> Distribution:
    """A prior's `dist` for any term of such a factor; the first makes the effects of all: v, then u = T v."""

    def group_effects(name: str, sigma: Any, dims: Sequence[str]) -> Any:
        model = pm.modelcontext(None)
        if factor.names.auxiliary("0_centre") not in model.named_vars:
            _make_effects(model, factor, priors, effects, centred, dims[0])
        v = [model[factor.names.auxiliary(f"{i}_centre")] for i in range(len(factor.effects))]
        u = [
            sum((float(t) * one for t, one in zip(factor.T[i], v, strict=True) if t), pt.zeros(()))
            for i in _places(factor, name)
        ]
        return pm.Deterministic(name, u[0] if len(dims) == 1 else pt.stack(u, axis=1), dims=dims)

    return group_effects


def _places(factor: Factor, variable: str) -> list[int]:
    """The effects that a variable of effects, or of their sds, holds."""
    return [
        i
        for i, effect in enumerate(factor.effects)
        if variable in (factor.variable(effect), factor.names.sd(effect.term))
    ]


def _make_scales(model: pm.Model, factor: Factor, priors: Priors) -> None:
    """Sds and correlations of a factor at the centre, and what they are where predictors are zero."""
    moved = held_at_zero(factor, priors)
    rows = _cholesky_rows(model, factor, priors, eta=1.0 if moved else None)
    sds, q = [], len(rows)
    for i, effect in enumerate(factor.effects):
        prior, name = priors[factor.sd(effect)], factor.names.auxiliary(f"{i}_sd")
        if moved and any(i in block for block in factor.blocks):
            sds.append(pm.HalfFlat(name, initval=1.0 / (effect.spread or 1.0)))
        else:
            sds.append(getattr(pm, prior.name)(name, **prior.args))
    L = [{j: sd * weight for j, weight in row.items()} for sd, row in zip(sds, rows, strict=True)]
    TL = [
        {j: sum(float(factor.T[i, k]) * L[k][j] for k in range(q) if factor.T[i, k] and j in L[k]) for j in range(q)}
        for i in range(q)
    ]
    zero = [pt.sqrt(sum(t**2 for t in row.values())) for row in TL]
    for i, sd in enumerate(zero):
        pm.Deterministic(factor.names.auxiliary(f"{i}_zero"), sd)
    if moved:
        pm.Potential(factor.names.auxiliary("prior"), _log_prior_at_zero(factor, priors, sds, rows, zero))
    units = [{j: t / zero[i] for j, t in row.items()} for i, row in enumerate(TL)]
    _record_correlations(model, factor, units)


def _make_effects(model: pm.Model, factor: Factor, priors: Priors, effects: str, centred: bool, group_dim: str) -> None:
    """The effects of a factor at the centre."""
    moved = held_at_zero(factor, priors)
    rows = _cholesky_rows(model, factor, priors, eta=1.0 if moved else None)
    for i in range(len(factor.effects)):
        earlier = [model[_z(factor, j)] for j in range(i)]
        unit = _unit_distribution(model, factor, priors, effects, earlier)
        mean = sum((weight * earlier[j] for j, weight in rows[i].items() if j != i), pt.zeros(()))
        sd = model[factor.names.auxiliary(f"{i}_sd")]
        v = _effect(factor, i, unit, mean, rows[i][i], sd, group_dim, centred)
        pm.Deterministic(factor.names.auxiliary(f"{i}_centre"), v, dims=group_dim)


def _log_prior_at_zero(
    factor: Factor, priors: Priors, sds: list[Any], rows: list[dict[int, Any]], zero: list[Any]
) -> Any:
    """The density that priors at zero give the sds and correlations at the centre; see docs/engines.md."""
    eta, total = priors[factor.cor].args["eta"], pt.zeros(())
    for block in factor.blocks:
        for i in block:
            prior = priors[factor.sd(factor.effects[i])]
            total += pm.logp(getattr(pm, prior.name).dist(**prior.args), zero[i])
            total += len(block) * pt.log(sds[i]) - (len(block) + 2 * (eta - 1)) * pt.log(zero[i])
            total += 2 * (eta - 1) * pt.log(sds[i] * rows[i][i])
    return total


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
        _record_correlations(model, factor, rows)
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
    u = unit(factor.names.auxiliary(f"{place}"), sd * mean, sd * weight, group_dim)
    pm.Deterministic(_z(factor, place), (u / sd - mean) / weight, dims=group_dim)
    return u


def _z(factor: Factor, place: int) -> str:
    return factor.names.auxiliary(f"{place}_z")


def _unit_distribution(
    model: pm.Model, factor: Factor, priors: Priors, effects: str, earlier: list[Any]
) -> Distribution:
    """The distribution of an effect given the z of earlier ones, to be placed and scaled."""
    if effects == "normal":
        return lambda name, location, scale, dim: pm.Normal(name, location, scale, dims=dim)
    prior, name = priors[factor.nu], factor.names.degrees
    nu = model[name] if name in model.named_vars else getattr(pm, prior.name)(name, **prior.args)
    degrees = nu + len(earlier)
    spread = pt.sqrt((nu + sum(z**2 for z in earlier)) / degrees) if earlier else 1.0
    return lambda name, location, scale, dim: pm.StudentT(name, nu=degrees, mu=location, sigma=scale * spread, dims=dim)


def _cholesky_rows(model: pm.Model, factor: Factor, priors: Priors, eta: float | None = None) -> list[dict[int, Any]]:
    """The rows of L without their zeros, block by block, from canonical partial correlations.

    LKJ(eta) over q effects is a product of Beta distributions: the partial correlation of effects i > j given those
    before j is 2 b - 1 with b ~ Beta(a, a), a = eta + (q - 2 - j) / 2 (Lewandowski, Kurowicka and Joe 2009).
    """
    rows: list[dict[int, Any]] = [{place: 1.0} for place in range(len(factor.effects))]
    for block in factor.blocks:
        shape = priors[factor.cor].args["eta"] if eta is None else eta
        for i, place in enumerate(block[1:], start=1):
            row, remaining = {}, 1.0
            for j, other in enumerate(block[:i]):
                name = factor.names.auxiliary(f"{place}_{other}_partial")
                a = shape + (len(block) - 2 - j) / 2
                beta = model[name] if name in model.named_vars else pm.Beta(name, a, a)
                partial = 2 * beta - 1
                row[other] = partial * remaining
                remaining = remaining * pt.sqrt(1 - partial**2)
            rows[place] = row | {place: remaining}
    return rows


def _record_correlations(model: pm.Model, factor: Factor, rows: list[dict[int, Any]]) -> None:
    name, q = factor.names.correlations, len(rows)
    if not factor.blocks or name in model.named_vars:
        return
    dims = factor.names.effect_dims
    model.add_coords(dict.fromkeys(dims, factor.effect_names))
    products = [[sum(a[k] * b[k] for k in a.keys() & b.keys()) for b in rows] for a in rows]
    corr = [[1.0 if i == j else products[i][j] for j in range(q)] for i in range(q)]
    pm.Deterministic(name, pt.stacklists(corr), dims=dims)
