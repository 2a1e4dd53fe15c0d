"""A design by statsmodels' methods for grouped rows: REML, maximum likelihood, variational Bayes, GEE.

Each gives estimates and standard errors (missing where it has none) by the names of parameters, or refuses with the
reason. Columns are scaled to size one for the fit.
"""

import warnings
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import sparse
from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams, VCSpec

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.names import correlation, sd

MOST_EFFECTS = 1000  # of several factors: statsmodels keeps an indicator of each
MOST_TRIALS = 1_000_000  # rows, when each trial of counts is one
STARTS = (0.1, 1.0)  # of G, in units of the residual variance
VAGUE_SD = 10.0  # of coefficients in variational Bayes, log odds for a column of size one
START_SD = 0.6  # of its distribution: statsmodels would draw it

Values = dict[str, tuple[float, float]]


def linear_mixed(design: Design, reml: bool) -> Values:
    """REML or maximum likelihood estimates of a Gaussian model."""
    sizes = np.sqrt(np.mean(design.X**2, axis=0))
    y, X = design.outcome.y - design.offset, design.X / sizes
    if len(design.factors) == 1:
        fitted, components = _one_factor(y, X, design.factors[0], reml)
    else:
        _check_several(design)
        fitted, components = _several_factors(y, X, design, reml)
    if not fitted.converged:
        warnings.warn(f"MixedLM, {'REML' if reml else 'ML'}, did not converge", stacklevel=2)
    values = _named(design, np.asarray(fitted.fe_params) / sizes, np.asarray(fitted.bse_fe) / sizes)
    components["sigma"] = float(fitted.scale) ** 0.5
    return values | {name: (value, np.nan) for name, value in components.items()}


def variational(design: Design) -> Values:
    """Mean-field variational Bayes of a Bernoulli model, effects uncorrelated, priors vague."""
    y, rows = _trial_rows(design)
    if design.offset.any():
        raise refusal("The model has an offset", "statsmodels' BinomialBayesMixedGLM takes none", "See the posterior")
    sizes = np.sqrt(np.mean(design.X**2, axis=0))
    columns = dict(_indicators(design))
    spread = {name: float(np.sqrt(Z.power(2).sum() / len(design.offset))) for name, Z in columns.items()}
    Z = sparse.hstack([one / spread[name] for name, one in columns.items()], format="csr")[rows]
    ident = np.repeat(np.arange(len(columns)), [one.shape[1] for one in columns.values()])
    model = BinomialBayesMixedGLM(y, (design.X / sizes)[rows], sparse.csr_matrix(Z), ident, fe_p=VAGUE_SD)
    fitted = model.fit_vb(sd=np.full(model.k_fep + model.k_vcp + model.k_vc, START_SD))
    sds = np.exp(fitted.vcp_mean) / list(spread.values())
    components = zip(columns, sds, sds * fitted.vcp_sd, strict=True)
    values = _named(design, fitted.fe_mean / sizes, fitted.fe_sd / sizes)
    return values | {name: (float(sd), float(error)) for name, sd, error in components}


def gee(design: Design, factor: Factor) -> Values:
    """Generalized estimating equations, rows of a group equally correlated; robust standard errors."""
    y, rows = _trial_rows(design)
    sizes = np.sqrt(np.mean(design.X**2, axis=0))
    model = sm.GEE(
        y,
        (design.X / sizes)[rows],
        groups=factor.codes[rows],
        offset=design.offset[rows],
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    )
    fitted = model.fit()
    if not fitted.converged:
        warnings.warn("GEE did not converge", stacklevel=2)
    return _named(design, np.asarray(fitted.params) / sizes, np.asarray(fitted.bse) / sizes)


def _named(design: Design, estimates: Array, errors: Array) -> Values:
    columns = zip(design.columns, estimates, errors, strict=True)
    return {column.label: (float(estimate), float(error)) for column, estimate, error in columns}


def _check_several(design: Design) -> None:
    effects = sum(len(factor.levels) * len(factor.effects) for factor in design.factors)
    if any(factor.blocks for factor in design.factors):
        raise refusal(
            "Several factors have correlated effects", "statsmodels fits them for one factor only", "See the posterior"
        )
    if effects > MOST_EFFECTS:
        raise refusal(f"{effects:,} effects", f"statsmodels holds about {MOST_EFFECTS:,} here", "See the posterior")


def _one_factor(y: Array, X: Array, factor: Factor, reml: bool) -> tuple[Any, dict[str, float]]:
    q, sizes = len(factor.effects), np.sqrt(np.mean(factor.Z**2, axis=0))
    free = np.eye(q)
    for block in factor.blocks:
        free[np.ix_(block, block)] = 1
    pattern = None if free.all() else MixedLMParams.from_components(fe_params=np.ones(X.shape[1]), cov_re=free)
    model = MixedLM(y, X, groups=factor.codes, exog_re=factor.Z / sizes)
    coefficients = np.linalg.lstsq(X, y)[0]
    starts = [MixedLMParams.from_components(fe_params=coefficients, cov_re=G * np.eye(q)) for G in STARTS]
    # from a single start the search can end beside the maximum, and call it converged
    fitted = max((model.fit(reml=reml, free=pattern, start_params=start) for start in starts), key=lambda fit: fit.llf)
    G = np.asarray(fitted.cov_re) / np.outer(sizes, sizes)
    sds, labels = np.sqrt(G.diagonal()), [effect.label for effect in factor.effects]
    components = {sd(label, factor.label): float(size) for label, size in zip(labels, sds, strict=True)}
    for block in factor.blocks:
        for i, j in combinations(block, 2):
            r = float(G[i, j] / (sds[i] * sds[j])) if sds[i] * sds[j] else np.nan
            components[correlation(labels[i], labels[j], factor.label)] = r
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
            yield factor.sd(effect), sparse.csr_array((z, (rows, factor.codes)), shape=shape)


def _trial_rows(design: Design) -> tuple[Array, NDArray[np.intp]]:
    """(trial,), the outcome of each trial and the place of its row."""
    y = design.outcome.y
    trials = design.outcome.trials
    rows = np.arange(len(design.offset))
    if trials is None:
        return y, rows
    if trials.sum() > MOST_TRIALS:
        raise refusal(
            f"{trials.sum():,.0f} trials", f"A row is made of each, up to {MOST_TRIALS:,}", "See the posterior"
        )
    counts = np.column_stack([y, trials - y]).astype(np.intp).ravel()
    return np.repeat(np.tile([1.0, 0.0], len(y)), counts), np.repeat(np.repeat(rows, 2), counts)
