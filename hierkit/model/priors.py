"""Default priors, the user's priors, and the one table of what was used.

The defaults are weakly informative on the data's own scale, and the same wherever x has its zero: the priors of the
intercept and of the group effects' covariance hold at the centre of the predictors (docs/priors.md).
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from hierkit.arrays import Array
from hierkit.errors import HierkitError, check_word, refusal
from hierkit.formats import as_text, in_notebook
from hierkit.model.centre import common_spread
from hierkit.model.columns import weighted_mean
from hierkit.model.design import Design
from hierkit.model.distributions import POSITIVE, Prior, make_prior, read_prior
from hierkit.model.groups import Factor
from hierkit.model.names import INTERCEPT, RESIDUAL_SD, Kind, all_sds, kind_of, sd, with_intercepts
from hierkit.model.outcome_scale import OutcomeScale, outcome_scale

EffectsDistribution = Literal["normal", "student_t"]
LOGIT_UNIT = 2.5  # of log odds, as 2.5 sds of a Gaussian outcome
FAR = 10.0  # sds of a predictor between its mean and its zero


@dataclass(frozen=True)
class Priors(Mapping[str, Prior]):
    """The prior of every parameter, by name; printing it shows the table.

    Attributes
    ----------
    priors : dict of str to Prior
        In the order of the model.
    from_user : frozenset of str
        The parameters whose prior is not the default.
    holds : dict of str to str
        "centre" or "zero", for the parameters that mean another thing at the predictors' means than where predictors
        are zero: where the prior holds.
    """

    priors: dict[str, Prior]
    from_user: frozenset[str] = frozenset()
    holds: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, parameter: str) -> Prior:
        """The prior of a parameter; `sd(1|team)` is understood as `sd(Intercept|team)`."""
        return self.priors[with_intercepts(parameter)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.priors)

    def __len__(self) -> int:
        return len(self.priors)

    def table(self) -> pd.DataFrame:
        """One row per parameter: `parameter`, `prior`, `holds`, `set_by` ("default" or "user").

        `holds` says where, for a parameter that depends on it: "at the means" of the predictors, or "at zero", where
        all predictors are zero.
        """
        words = {"centre": "at the means", "zero": "at zero", "": ""}
        rows = [
            (name, str(prior), words[self.holds.get(name, "")], "user" if name in self.from_user else "default")
            for name, prior in self.items()
        ]
        return pd.DataFrame(rows, columns=["parameter", "prior", "holds", "set_by"])

    def __repr__(self) -> str:
        return as_text(self.table())

    def _repr_html_(self) -> str:
        return in_notebook(self.table())


def make_priors(
    design: Design, user: Mapping[str, Any] | None = None, effects: EffectsDistribution = "normal"
) -> Priors:
    """The prior of every parameter of a model.

    Parameters
    ----------
    design : Design
        Its columns name the parameters and scale the defaults.
    user : mapping of str to str, Prior or bambi.Prior
        Priors by name: a coefficient, a categorical term for all its columns, `Intercept` (at the centre of the
        predictors), `sigma`, `sd(wait|team)`, `sd(team)` for every effect of the factor without its own,
        `cor(team)`, `nu(team)`. Another fit's `priors` can be passed.
    effects : {"normal", "student_t"}
        The distribution of the group effects; "student_t" has a `nu` for each factor.

    Returns
    -------
    Priors

    Raises
    ------
    HierkitError
        For a name that no parameter has, and for a prior that does not fit its parameter.
    """
    check_word("effects", effects, get_args(EffectsDistribution))
    if user is not None and not (isinstance(user, Mapping) and all(isinstance(name, str) for name in user)):
        raise refusal(
            f"priors is {user!r}", "priors maps names to distributions", 'Pass {"sigma": "HalfNormal(10)"} and the like'
        )
    given = {with_intercepts(name): prior for name, prior in (user or {}).items()}
    scale = outcome_scale(design) if design.family.has_residual else None
    defaults = _coefficient_defaults(design, scale) | _group_defaults(design, scale, effects)
    names = _group_names(design) | _term_names(design)
    chosen: dict[str, Prior] = {}
    unknown = [name for name in given if name not in defaults and name not in names]
    if unknown:
        raise _unknown(unknown[0], [*defaults, *names])
    # the name of a factor yields to the name of a term, and that to the name of one parameter
    for name in sorted(given, key=lambda name: (name in defaults, "|" in name)):
        prior = read_prior(name, given[name])
        for parameter in [name] if name in defaults else names[name]:
            _check_support(parameter, prior)
            chosen[parameter] = prior
    priors = {name: chosen.get(name, prior) for name, prior in defaults.items()}
    fixed = user.holds if isinstance(user, Priors) else {}
    return Priors(priors, frozenset(chosen), _where(design, frozenset(chosen)) | dict(fixed))


def where_zero(design: Design) -> dict[str, str]:
    """The `holds` of priors that all hold where predictors are zero, but for the intercept's."""
    return {name: "centre" if name == INTERCEPT else "zero" for name in _where(design, frozenset())}


def _where(design: Design, chosen: frozenset[str]) -> dict[str, str]:
    """Where each prior holds that depends on it: at the centre, unless the user set one of the factor at zero."""
    found = {}
    if design.has_intercept and (design.column_means != 0).any():
        found[INTERCEPT] = "centre"
    if any(column.label == INTERCEPT and not column.is_intercept for column in design.columns):
        found[INTERCEPT] = "zero"
    for factor in design.factors:
        own = [factor.sd(e) for i, e in enumerate(factor.effects) if factor.depends_on_zero(i)]
        own += [factor.cor] if own else []
        place = "zero" if chosen & set(own) else "centre"
        found |= dict.fromkeys(own, place)
    return found


def held_at_zero(factor: Factor, priors: Priors) -> bool:
    """Whether the priors of a factor hold where predictors are zero, and that is another place than the centre."""
    return priors.holds.get(factor.cor) == "zero"


def moved_to_centre(factor: Factor, priors: Priors) -> bool:
    """Whether a factor's effects are sampled at the centre of the predictors though their priors hold at zero.

    They are where zero is far from the rows: there the effects at zero are nearly collinear. Where zero is near, the
    priors' own place is the better one: an sd that may be nothing at zero would leave a needle at the centre. A uniform
    prior stays too, because its bounds are no bounds at the centre.
    """
    spreads = np.array([effect.spread or 1.0 for effect in factor.effects])
    shifts = abs(factor.T - np.eye(len(spreads))) * spreads[:, None] / spreads
    uniform = any(priors[factor.sd(effect)].name == "Uniform" for effect in factor.effects)
    return held_at_zero(factor, priors) and bool(shifts.max() > FAR) and not uniform


def _coefficient_defaults(design: Design, gaussian: OutcomeScale | None) -> dict[str, Prior]:
    """`Intercept`, slopes and `sigma`; see docs/priors.md."""
    trials = design.outcome.trials_of_each
    unit = 2.5 * gaussian.sd if gaussian else LOGIT_UNIT
    middle = gaussian.mean if gaussian else 0.0 - float(weighted_mean(design.offset, trials))
    has_level = any(column.spread is None for column in design.columns)
    priors, shift = {}, 0.0
    for k, (column, x) in enumerate(zip(design.columns, design.X.T, strict=True)):
        if column.spread is not None:
            spread = common_spread(design.columns, design.X, k, trials, has_level)
            # without any intercept the line passes through the origin: only sizes are left to scale by
            size = 2.5 * gaussian.root_mean_square if gaussian else LOGIT_UNIT
            scale = unit / spread if has_level else size / _root_mean_square(x, trials)
            priors[column.label] = make_prior("Normal", 0, scale)
            shift += (scale * float(weighted_mean(x, trials))) ** 2
    for column in design.columns:
        if column.spread is None:
            # the intercept is at the centre of the predictors; levels without one are where predictors are zero
            sd = unit if column.is_intercept else float(np.hypot(unit, np.sqrt(shift)))
            priors[column.label] = make_prior("Normal", middle, sd)
    ordered = {column.label: priors[column.label] for column in design.columns}
    if gaussian and design.outcome.has_sigma:
        ordered[RESIDUAL_SD] = make_prior("HalfStudentT", 4, gaussian.residual_sd)
    return ordered


def _group_defaults(design: Design, gaussian: OutcomeScale | None, effects: EffectsDistribution) -> dict[str, Prior]:
    unit = 2.5 * gaussian.sd if gaussian else LOGIT_UNIT
    has_level = any(column.spread is None for column in design.columns)
    # where no common level is taken off, groups differ from zero
    level = 2.5 * gaussian.root_mean_square if gaussian and not has_level else unit
    priors = {}
    for factor in design.factors:
        for effect in factor.effects:
            scale = level if effect.spread is None else unit / effect.spread
            priors[factor.sd(effect)] = make_prior("HalfNormal", scale)
        if factor.blocks:
            priors[factor.cor] = make_prior("LKJ", 2)
        if effects == "student_t":
            priors[factor.nu] = make_prior("Gamma", 2, 0.1)
    return priors


def _root_mean_square(x: Array, trials: Array) -> float:
    return float(np.sqrt(weighted_mean(x**2, trials)))


def _group_names(design: Design) -> dict[str, list[str]]:
    """`sd(team)` and `sd(h|team)` and the parameters that they name."""
    names: dict[str, list[str]] = {}
    for factor in design.factors:
        for effect in factor.effects:
            parameter = factor.sd(effect)
            names.setdefault(all_sds(factor.label), []).append(parameter)
            names.setdefault(sd(effect.term_label, factor.label), []).append(parameter)
    return names


def _term_names(design: Design) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for column in design.columns:
        names.setdefault(column.term_label, []).append(column.label)
    return names


def _check_support(parameter: str, prior: Prior) -> None:
    kind = kind_of(parameter)
    if kind is Kind.CORRELATION:
        fits = prior.support == "correlation"
        needed = "Correlations take LKJ(eta)"
    elif kind is Kind.COEFFICIENT:
        fits = prior.support != "correlation"
        needed = "A coefficient takes a distribution of numbers"
    else:
        fits = prior.is_positive
        needed = f"It takes {', '.join(POSITIVE)}, or Uniform from 0 or more"
    if not fits:
        raise refusal(f"The prior {prior} for {parameter!r} does not fit it", needed, "Choose one of these")


def _unknown(name: str, known: list[str]) -> HierkitError:
    close = difflib.get_close_matches(name, known, n=1)
    return refusal(
        f"There is no parameter {name!r}",
        f"The parameters are {', '.join(dict.fromkeys(known))}",
        f"Did you mean {close[0]!r}?" if close else "Choose one of them",
    )
