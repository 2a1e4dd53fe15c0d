"""A Bernoulli model by statsmodels' methods for grouped rows: variational Bayes and GEE.

Each gives estimates and standard errors by the names of parameters, and what to know of them; or refuses with the
reason. Columns are centred and scaled to size one for the fit.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM
from statsmodels.genmod.cov_struct import Exchangeable
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_estimating_equations import GEE

from hierkit.arrays import Array
from hierkit.classical.linear_mixed import Values
from hierkit.errors import refusal
from hierkit.model.columns import weighted_mean
from hierkit.model.design import Design
from hierkit.model.groups import Factor

MOST_TRIALS = 1_000_000  # rows, when each trial of counts is one
VAGUE_SD = 10.0  # of coefficients in variational Bayes, log odds for a column of size one
START_SD = 0.6  # of its distribution: statsmodels would draw it
MANY_GROUPS = 40  # with fewer, robust standard errors are too small
MEAN_FIELD = "se too small (mean field), correlations left out"


def variational(design: Design) -> tuple[Values, str]:
    """Mean-field variational Bayes of a Bernoulli model, effects uncorrelated, priors vague."""
    y, rows = _trial_rows(design)
    if design.offset.any():
        raise refusal("The model has an offset", "statsmodels' BinomialBayesMixedGLM takes none", "See the posterior")
    X, back = _centred(design)
    columns = dict(_indicators(design))
    trials = design.trials
    spread = {name: float(np.sqrt((trials @ Z.power(2)).sum() / trials.sum())) for name, Z in columns.items()}
    Z = sparse.hstack([one / spread[name] for name, one in columns.items()], format="csr")[rows]
    ident = np.repeat(np.arange(len(columns)), [one.shape[1] for one in columns.values()])
    model = BinomialBayesMixedGLM(y, X[rows], sparse.csr_matrix(Z), ident, fe_p=VAGUE_SD)
    fitted = model.fit_vb(sd=np.full(model.k_fep + model.k_vcp + model.k_vc, START_SD))
    sds = np.exp(fitted.vcp_mean) / list(spread.values())
    components = zip(columns, sds, sds * fitted.vcp_sd, strict=True)
    values = _named(design, back @ fitted.fe_mean, np.sqrt(back**2 @ fitted.fe_sd**2))
    return values | {name: (float(sd), float(error)) for name, sd, error in components}, MEAN_FIELD


def gee(design: Design, factor: Factor) -> tuple[Values, str]:
    """Generalized estimating equations, rows of a group equally correlated; robust standard errors."""
    y, rows = _trial_rows(design)
    X, back = _centred(design)
    model = GEE(
        y,
        X[rows],
        groups=factor.codes[rows],
        offset=design.offset[rows],
        family=Binomial(),
        cov_struct=Exchangeable(),
    )
    fitted = model.fit()
    groups = len(factor.levels)
    notes = [f"groups of {factor.label}"]
    if groups < MANY_GROUPS:
        notes.append(f"se too small with {groups} groups")
    if not fitted.converged:
        notes.append("did not converge")
    errors = np.sqrt((back @ np.asarray(fitted.cov_params()) @ back.T).diagonal())
    return _named(design, back @ np.asarray(fitted.params), errors), "; ".join(notes)


def _centred(design: Design) -> tuple[Array, Array]:
    """Columns less their means where there is an intercept, in units of their size, and the map of coefficients back.

    The vague prior is then one where the rows are, and coefficients are hardly correlated.
    """
    X = design.X - design.column_means
    sizes = np.sqrt(weighted_mean(X**2, design.trials))
    back = np.diag(1 / sizes)
    for i, column in enumerate(design.columns):
        if column.is_intercept:
            back[i] -= design.column_means / sizes
            back[i, i] = 1 / sizes[i]
    return X / sizes, back


def _named(design: Design, estimates: Array, errors: Array) -> Values:
    columns = zip(design.columns, estimates, errors, strict=True)
    return {column.label: (float(estimate), float(error)) for column, estimate, error in columns}


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
