"""What the posterior and each classical method say of a model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from hierkit.classical.bernoulli import gee, variational
from hierkit.classical.compare_pooling import OwnTerms, own_terms
from hierkit.classical.linear_mixed import Values, linear_mixed
from hierkit.classical.meta_analysis import is_meta_analysis, meta_analysis
from hierkit.classical.regressions import ESTIMATED, Regressions, complete_pooling, no_pooling
from hierkit.errors import HierkitError, without_warnings
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.marginal_coefficients import marginal_coefficients
from hierkit.quantities.variance_components import variance_components

WITHIN = "within a group"
ACROSS = "across the population"
BOTH = "both, which are the same"
NAIVE = "se takes rows for independent"


@dataclass(frozen=True, eq=False)
class Estimates:
    """What one method says.

    Attributes
    ----------
    method : str
        Its name.
    answers : str
        Which question: within a group, or across the population.
    note : str
        What to know of its numbers.
    values : dict of str to (float, float)
        Estimate and standard error, missing where the method has none, by parameter; empty where it failed.
    """

    method: str
    answers: str
    note: str
    values: Values


def methods(posterior: Posterior) -> Iterator[Estimates]:
    """The posterior, and all methods that exist for its design, in the order in which questions are answered."""
    yield from _posterior(posterior)
    yield from _methods(posterior.design)


def _posterior(posterior: Posterior) -> Iterator[Estimates]:
    design = posterior.design
    values: Values = {}
    if design.columns:
        values = _summary(coefficients(posterior).draws["coefficient"], "term")
    values |= _summary(variance_components(posterior).draws["value"], "component")
    student_t = "effects Student-t, sd(...) is their scale; elsewhere effects are normal"
    note = student_t if posterior.has_student_t_effects else ""
    yield Estimates("posterior", BOTH if design.family.is_linear else WITHIN, note, values)
    if not design.family.is_linear and design.columns:
        draws = marginal_coefficients(posterior).draws["marginal"]
        yield Estimates("posterior, marginal", ACROSS, "", _summary(draws, "term"))


def _summary(draws: xr.DataArray, dim: str) -> Values:
    means = draws.mean(("chain", "draw")).values
    sds = draws.std(("chain", "draw"), ddof=1).values
    names = map(str, draws[dim].values)
    return {name: (float(mean), float(sd)) for name, mean, sd in zip(names, means, sds, strict=True)}


def _methods(design: Design) -> Iterator[Estimates]:
    """What statsmodels has for a design, in the order in which questions are answered."""
    outer = min(design.factors, key=lambda factor: len(factor.levels)) if design.factors else None
    if design.family.is_linear and outer is not None:
        yield _attempt("REML", BOTH, lambda: linear_mixed(design, reml=True))
        yield _attempt("maximum likelihood", BOTH, lambda: linear_mixed(design, reml=False))
    if not design.columns:
        return
    all_rows = complete_pooling(design)
    if design.family.is_linear:
        if is_meta_analysis(design):
            yield _attempt("meta-analysis", BOTH, lambda: meta_analysis(design))
        yield _of_all_rows("least squares", BOTH, design, all_rows)
    elif all_rows.status[0] != ESTIMATED:
        yield Estimates("other estimates", ACROSS, f"the rows are {all_rows.status[0]}.", {})
    else:
        if outer is not None:
            yield _attempt("variational Bayes", WITHIN, lambda: variational(design))
            yield _attempt("GEE", ACROSS, lambda: gee(design, outer))
        yield _of_all_rows("logistic regression", ACROSS, design, all_rows)
    if outer is not None:
        yield _own_regressions(design, outer)


def _attempt(method: str, answers: str, fit: Callable[[], tuple[Values, str]]) -> Estimates:
    """Estimates with their note; without values where the method is not for the model, or fails."""
    with without_warnings():
        try:
            values, note = fit()
        except HierkitError as error:
            return Estimates(method, answers, str(error), {})
        except (ValueError, np.linalg.LinAlgError) as error:
            return Estimates(method, answers, f"it failed ({error}).", {})
    return Estimates(method, answers, note, values)


def _of_all_rows(method: str, answers: str, design: Design, found: Regressions) -> Estimates:
    if found.status[0] != ESTIMATED:
        return Estimates(method, answers, f"the rows are {found.status[0]}.", {})
    columns = zip(design.columns, found.estimate[0], found.se[0], strict=True)
    return Estimates(method, answers, NAIVE, {column.label: (float(b), float(e)) for column, b, e in columns})


def _own_regressions(design: Design, factor: Factor) -> Estimates:
    """The mean over groups of their own regressions, every group weighing the same."""
    method = "own regressions"
    answers = BOTH if design.family.is_linear else WITHIN
    terms = own_terms(design, factor)
    found = no_pooling(design, factor, terms.X)
    estimated = found.estimate[[status == ESTIMATED for status in found.status]]
    note = f"mean of {len(estimated)} of {len(found.status)} groups of {factor.label}"
    if len(estimated) < 2:
        return Estimates(method, answers, f"{note} have one.", {})
    means = estimated.mean(axis=0)
    errors = estimated.std(axis=0, ddof=1) / np.sqrt(len(estimated))
    same = _are_coefficients(design, terms)
    pairs = zip(terms.labels, same, means, errors, strict=True)
    values = {label: (float(b), float(e)) for label, is_same, b, e in pairs if is_same}
    if not values:
        return Estimates(method, answers, "they have no coefficient in common with the model.", {})
    return Estimates(method, answers, note, values)


def _are_coefficients(design: Design, terms: OwnTerms) -> list[bool]:
    """(term,), whether the term's coefficient is a common one of that label, plus group effects, in every group.

    The intercept of a group's own regression is not, where it contains a predictor that is constant within groups.
    """
    labels = [column.label for column in design.columns]
    found = []
    for label, share in zip(terms.labels, np.moveaxis(terms.of_columns, 1, 0), strict=True):
        alone = np.array([own == label for own in labels], dtype=np.float64)
        found.append(bool(alone.any() and (share == alone).all()))
    return found
