"""The truth of a simulated data set: how its columns are made, and the parameters and group effects behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.design import Design, make_design
from hierkit.model.distributions import read_prior
from hierkit.model.families import FamilyName
from hierkit.model.formula import Formula
from hierkit.model.groups import Factor
from hierkit.model.names import RESIDUAL_SD
from hierkit.model.rows import read_rows
from hierkit.sampling.draws import assemble

STANDARD = "Normal(0, 1)"

Predictor = str | Sequence[Any]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is simulated: the formula, how its columns are made, how many groups and rows, and the truth."""

    formula: Formula
    family: FamilyName
    groups: Mapping[str, int]
    rows: int | tuple[int, int]
    predictors: Mapping[str, Predictor]
    between: Sequence[str]
    truth: Mapping[str, float]


def make_columns(plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    """A table of groups and predictors, with an outcome of no meaning."""
    first, *others = plan.groups
    count = plan.groups[first]
    low, high = (plan.rows, plan.rows) if isinstance(plan.rows, int) else plan.rows
    sizes = rng.integers(low, high + 1, count)
    codes = np.repeat(np.arange(count), sizes)
    data = pd.DataFrame({first: codes})
    for column in others:
        places = np.arange(len(codes))
        order = rng.permutation(places) if column in _crossed(plan) else places
        data[column] = order % plan.groups[column]
    for name in plan.formula.predictors:
        size = count if name in plan.between else len(codes)
        values = _drawn(name, plan.predictors.get(name, STANDARD), size, rng)
        data[name] = values[codes] if name in plan.between else values
    alternating = np.arange(len(data)) % 2
    data[plan.formula.outcome_columns[0]] = alternating if plan.family == "bernoulli" else 1.0 + alternating
    for name in plan.formula.outcome_columns[1:]:
        data[name] = _drawn(name, plan.predictors.get(name, [1]), len(data), rng)
    return data


def _crossed(plan: Plan) -> set[str]:
    """Columns whose groups are in no particular order within the first one's."""
    return {term.factor[0] for term in plan.formula.group_terms if len(term.factor) == 1}


def _drawn(name: str, predictor: Predictor, size: int, rng: np.random.Generator) -> Array:
    if isinstance(predictor, str):
        return read_prior(name, predictor).draw(size, rng)
    levels = list(predictor)
    chosen = [levels[i % len(levels)] for i in rng.permutation(size)]
    return np.array(chosen, dtype=object if isinstance(levels[0], str) else None)


def design_of(plan: Plan, data: pd.DataFrame) -> Design:
    """The design of a table's groups and predictors."""
    return make_design(plan.formula, read_rows(data, plan.formula.columns), plan.family)


def truths_of(plan: Plan, design: Design, rng: np.random.Generator) -> xr.Dataset:
    """The truth with group effects drawn from it, as a posterior of one draw."""
    beta = np.array([_value(plan, column.label, design) for column in design.columns])
    covariances = [_covariance(plan, factor, design) for factor in design.factors]
    q = sum(len(G) for G in covariances)
    G = np.zeros((1, q, q))
    at = 0
    effects = []
    for factor, own in zip(design.factors, covariances, strict=True):
        G[0, at : at + len(own), at : at + len(own)] = own
        at += len(own)
        effects.append(rng.multivariate_normal(np.zeros(len(own)), own, len(factor.levels), method="eigh")[None])
    sigma = np.array([_value(plan, RESIDUAL_SD, design)]) if design.outcome.has_sigma else None
    return assemble(design, 1, beta[None], G, effects, sigma)


def _covariance(plan: Plan, factor: Factor, design: Design) -> Array:
    sds = np.array([_value(plan, factor.sd(effect), design) for effect in factor.effects])
    R = np.eye(len(sds))
    for block in factor.blocks:
        rho = _value(plan, factor.cor, design)
        for i in block:
            for j in block:
                R[i, j] = 1.0 if i == j else rho
    return np.asarray(R * np.outer(sds, sds))


def _value(plan: Plan, name: str, design: Design) -> float:
    if name not in plan.truth:
        raise refusal(f"truth has no {name!r}", f"It needs {', '.join(_needed(design))}", "Give each a value")
    return float(plan.truth[name])


def _needed(design: Design) -> list[str]:
    """The names of all parameters of a model."""
    names = [column.label for column in design.columns]
    for factor in design.factors:
        names += [factor.sd(effect) for effect in factor.effects]
        names += [factor.cor] if factor.blocks else []
    return names + ([RESIDUAL_SD] if design.outcome.has_sigma else [])


def check_plan(plan: Plan) -> None:
    """Refuse groups, predictors and truths that do not belong to the formula, before anything is simulated."""
    grouping = list(dict.fromkeys(column for term in plan.formula.group_terms for column in term.factor))
    if set(grouping) != set(plan.groups) or not grouping:
        needed = ", ".join(map(repr, grouping)) or "none: the formula has no group terms"
        raise refusal(
            f"groups= names {', '.join(map(repr, plan.groups))}", f"The grouping columns are {needed}", "Name these"
        )
    known = [*plan.formula.predictors, *plan.formula.outcome_columns[1:]]
    for given in (*plan.predictors, *plan.between):
        if given not in known:
            raise refusal(
                f"{given!r} is no predictor", f"The predictors are {', '.join(map(repr, known))}", "Check the spelling"
            )
    design = design_of(plan, make_columns(plan, np.random.default_rng(0)))
    needed_names = _needed(design)
    for name in needed_names:
        _value(plan, name, design)
    if unknown := [name for name in plan.truth if name not in needed_names]:
        raise refusal(
            f"truth has {unknown[0]!r}", f"The parameters are {', '.join(needed_names)}", "Check the spelling"
        )
