"""The same model by classical methods, all from statsmodels, beside the posterior."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import statsmodels.api as sm
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse
from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams, VCSpec

from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.terms import Array
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.marginal import marginal_coefficients
from hierkit.quantities.pooling import own_terms
from hierkit.quantities.quantity import Quantity
from hierkit.quantities.regressions import Regressions, complete_pooling, no_pooling
from hierkit.quantities.variance import variance_components

MOST_EFFECTS = 1000  # of several factors: statsmodels keeps an indicator of each
MOST_TRIALS = 1_000_000  # rows, when each trial of counts is one
START_SD = 0.6  # of the variational distribution: statsmodels would draw it
SAME = "within and across"
WITHIN, ACROSS = "within a group", "across the population"
NAIVE = "standard errors as if rows were independent"
TOO_SMALL = "standard errors too small"  # of a mean-field approximation


@dataclass(frozen=True, eq=False)
class Estimates:
    """What one method says.

    Attributes
    ----------
    method : str
        Its name.
    answers : str
        Which question: within a group, or across the population; and what is wrong with its standard errors, if so.
    values : dict of str to (float, float)
        Estimate and standard error, missing where the method has none, by parameter.
    """

    method: str
    answers: str
    values: dict[str, tuple[float, float]]


def classical(posterior: xr.Dataset, design: Design) -> Quantity:
    """The model by statsmodels beside the posterior: estimates and standard errors, and which question each answers.

    Gaussian: REML and maximum likelihood of the same model (one factor with any effects; several with uncorrelated
    ones), and least squares. Bernoulli: the same model by mean-field variational Bayes (correlations left out), GEE
    with exchangeable correlation, and logistic regression of all rows. For both the mean over groups of their own
    regressions, those without a unique estimate left out. Several factors: GEE and own regressions take the one with
    the fewest groups.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.

    Returns
    -------
    Quantity
        `estimate` and `se` (parameter, method): of the posterior mean and sd; `answers` (method). Coefficients on the
        link scale, sds and correlations of effects. A method that statsmodels has not for this model is left out.
    """
    found = [*_posterior(posterior, design), *_methods(design)]
    parameters = list(dict.fromkeys(name for one in found for name in one.values))
    shape = (len(parameters), len(found))
    estimate, se = np.full(shape, np.nan), np.full(shape, np.nan)
    for j, one in enumerate(found):
        for name, (value, error) in one.values.items():
            estimate[parameters.index(name), j], se[parameters.index(name), j] = value, error
    dims, methods = ("parameter", "method"), [one.method for one in found]
    dataset = xr.Dataset(
        {"answers": ("method", [one.answers for one in found]), "estimate": (dims, estimate), "se": (dims, se)},
        coords={"parameter": parameters, "method": methods},
    )
    definition = (
        "The posterior (mean and sd) beside classical estimates and their standard errors, by statsmodels. Compare "
        "those that answer the same question."
    )
    if design.family == "bernoulli":
        definition += (
            " A coefficient within a group is larger than across the population: GEE and the regression of all rows "
            "estimate the latter, the posterior's own is marginal_coefficients()."
        )
    return Quantity(dataset, definition)


def _posterior(posterior: xr.Dataset, design: Design) -> Iterator[Estimates]:
    values = {}
    if design.columns:
        draws = coefficients(posterior, design).draws["coefficient"]
        values = _summary(draws, [str(term) for term in draws["term"].values])
    components = variance_components(posterior, design).draws
    values |= _summary(components["value"], [str(name) for name in components["component"].values])
    yield Estimates("posterior", WITHIN if design.family == "bernoulli" else SAME, values)
    if design.family == "bernoulli" and design.columns:
        draws = marginal_coefficients(posterior, design).draws["marginal"]
        yield Estimates("posterior, marginal", ACROSS, _summary(draws, [str(term) for term in draws["term"].values]))


def _summary(draws: xr.DataArray, names: list[str]) -> dict[str, tuple[float, float]]:
    means, sds = draws.mean(("chain", "draw")).values, draws.std(("chain", "draw"), ddof=1).values
    return {name: (float(mean), float(sd)) for name, mean, sd in zip(names, means, sds, strict=True)}


def _methods(design: Design) -> Iterator[Estimates]:
    """What statsmodels has for a design."""
    labels = [column.label for column in design.columns]
    if not labels:
        return
    outer = min(design.factors, key=lambda factor: len(factor.levels)) if design.factors else None
    if design.family == "gaussian":
        if design.factors:
            yield from _quietly("REML", SAME, lambda: _mixed(design, True))
            yield from _quietly("maximum likelihood", SAME, lambda: _mixed(design, False))
        yield _of_regressions("least squares", f"{SAME}, {NAIVE}", labels, complete_pooling(design))
    else:
        if design.factors:
            yield from _quietly("variational Bayes", f"{WITHIN}, {TOO_SMALL}", lambda: _variational(design))
        if outer is not None:
            yield from _quietly("GEE", ACROSS, lambda: _gee(design, outer))
        yield _of_regressions("logistic regression", f"{ACROSS}, {NAIVE}", labels, complete_pooling(design))
    if outer is not None:
        yield from _own_regressions(design, outer)


def _quietly(
    method: str, answers: str, fit: Callable[[], dict[str, tuple[float, float]] | None]
) -> Iterator[Estimates]:
    """Estimates with what the method warned of in its answer; nothing where it is not for the model, or fails."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            values = fit()
        except (ValueError, np.linalg.LinAlgError):
            values = None
    if values is not None:
        doubtful = any("converge" in str(warning.message).lower() for warning in caught)
        yield Estimates(method, f"{answers}; did not converge" if doubtful else answers, values)


def _mixed(design: Design, reml: bool) -> dict[str, tuple[float, float]] | None:
    """A linear mixed model, in columns of size one."""
    sizes = np.sqrt(np.mean(design.X**2, axis=0))
    y, X = design.outcome.y - design.offset, design.X / sizes
    if len(design.factors) == 1:
        fitted, components = _one_factor(y, X, design.factors[0], reml)
    elif _is_small(design):
        fitted, components = _several_factors(y, X, design, reml)
    else:
        return None
    estimates, errors = np.asarray(fitted.fe_params) / sizes, np.asarray(fitted.bse_fe) / sizes
    labels = [column.label for column in design.columns]
    values = {label: (float(b), float(e)) for label, b, e in zip(labels, estimates, errors, strict=True)}
    return (
        values | {name: (value, np.nan) for name, value in components.items()} | {"sigma": (fitted.scale**0.5, np.nan)}
    )


def _is_small(design: Design) -> bool:
    effects = sum(len(factor.levels) * len(factor.effects) for factor in design.factors)
    return effects <= MOST_EFFECTS and not any(factor.blocks for factor in design.factors)


def _one_factor(y: Array, X: Array, factor: Factor, reml: bool) -> tuple[Any, dict[str, float]]:
    q, sizes = len(factor.effects), np.sqrt(np.mean(factor.Z**2, axis=0))
    free = np.eye(q)
    for block in factor.blocks:
        free[np.ix_(block, block)] = 1
    pattern = None if free.all() else MixedLMParams.from_components(fe_params=np.ones(X.shape[1]), cov_re=free)
    fitted = MixedLM(y, X, groups=factor.codes, exog_re=factor.Z / sizes).fit(reml=reml, free=pattern)
    G = np.asarray(fitted.cov_re) / np.outer(sizes, sizes)
    sds = np.sqrt(G.diagonal())
    labels = [effect.label for effect in factor.effects]
    components = {f"sd({label}|{factor.label})": float(sd) for label, sd in zip(labels, sds, strict=True)}
    for block in factor.blocks:
        for i, j in combinations(block, 2):
            components[f"cor({labels[i]}, {labels[j]}|{factor.label})"] = float(G[i, j] / (sds[i] * sds[j]))
    return fitted, components


def _several_factors(y: Array, X: Array, design: Design, reml: bool) -> tuple[Any, dict[str, float]]:
    """Crossed or nested factors, as variance components of one group that has all rows."""
    columns = dict(_indicators(design))
    sizes = {name: float(np.sqrt(Z.power(2).sum() / len(y))) for name, Z in columns.items()}
    mats = [[Z.toarray() / sizes[name]] for name, Z in columns.items()]
    names = [[[str(i) for i in range(mat[0].shape[1])]] for mat in mats]
    spec = VCSpec(list(columns), names, mats)
    fitted = MixedLM(y, X, groups=np.zeros(len(y)), exog_vc=spec).fit(reml=reml)
    sds = np.sqrt(np.asarray(fitted.vcomp))
    return fitted, {name: float(sd) / sizes[name] for name, sd in zip(columns, sds, strict=True)}


def _indicators(design: Design) -> Iterator[tuple[str, sparse.csr_array]]:
    """For each effect of each factor its sd's name, and Z as (row, group)."""
    rows = np.arange(len(design.offset))
    for factor in design.factors:
        for effect, z in zip(factor.effects, factor.Z.T, strict=True):
            shape = (len(rows), len(factor.levels))
            yield f"sd({effect.label}|{factor.label})", sparse.csr_array((z, (rows, factor.codes)), shape=shape)


def _trial_rows(design: Design) -> tuple[Array, NDArray[np.intp]]:
    """(trial,), the outcome of each trial and the place of its row."""
    y, trials, rows = design.outcome.y, design.outcome.trials, np.arange(len(design.offset))
    if trials is None:
        return y, rows
    counts = np.column_stack([y, trials - y]).astype(np.intp).ravel()
    return np.repeat(np.tile([1.0, 0.0], len(y)), counts), np.repeat(np.repeat(rows, 2), counts)


def _variational(design: Design) -> dict[str, tuple[float, float]] | None:
    y, rows = _trial_rows(design)
    if design.offset.any() or len(y) > MOST_TRIALS:
        return None
    columns = dict(_indicators(design))
    Z = sparse.hstack(list(columns.values()), format="csr")[rows]
    ident = np.repeat(np.arange(len(columns)), [one.shape[1] for one in columns.values()])
    model = BinomialBayesMixedGLM(y, design.X[rows], sparse.csr_matrix(Z), ident)
    size = model.k_fep + model.k_vcp + model.k_vc
    fitted = model.fit_vb(sd=np.full(size, START_SD))
    labels = [column.label for column in design.columns]
    values = {label: (float(b), float(e)) for label, b, e in zip(labels, fitted.fe_mean, fitted.fe_sd, strict=True)}
    sds = np.exp(fitted.vcp_mean)
    return values | {name: (float(sd), float(sd * e)) for name, sd, e in zip(columns, sds, fitted.vcp_sd, strict=True)}


def _gee(design: Design, factor: Factor) -> dict[str, tuple[float, float]] | None:
    y, rows = _trial_rows(design)
    if len(y) > MOST_TRIALS:
        return None
    model = sm.GEE(
        y,
        design.X[rows],
        groups=factor.codes[rows],
        offset=design.offset[rows],
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    )
    fitted = model.fit()
    labels = [column.label for column in design.columns]
    return {label: (float(b), float(e)) for label, b, e in zip(labels, fitted.params, fitted.bse, strict=True)}


def _of_regressions(method: str, answers: str, labels: list[str], found: Regressions) -> Estimates:
    values = zip(labels, found.estimate[0], found.se[0], strict=True)
    return Estimates(method, answers, {label: (float(b), float(e)) for label, b, e in values})


def _own_regressions(design: Design, factor: Factor) -> Iterator[Estimates]:
    """The mean over groups of their own regressions, every group weighing the same."""
    terms = own_terms(design, factor)
    found = no_pooling(design, factor, terms.X)
    estimated = found.estimate[[status == "estimated" for status in found.status]]
    if len(estimated) < 2:
        return
    means, errors = estimated.mean(axis=0), estimated.std(axis=0, ddof=1) / np.sqrt(len(estimated))
    answers = f"within a group, mean of {len(estimated)} of {len(found.status)} groups of {factor.label}"
    common = {column.label for column in design.columns}
    values = {
        label: (float(mean), float(error))
        for label, mean, error in zip(terms.labels, means, errors, strict=True)
        if label in common
    }
    yield Estimates("own regressions", answers, values)
