"""Factors to sample centred: those whose effects the data determine well.

A choice of coordinates for the PyMC model. It changes the speed of sampling, never the posterior.
"""

import numpy as np
from scipy.sparse import csr_array, hstack

from hierkit.arrays import Array
from hierkit.model.columns import weighted_mean
from hierkit.model.design import Design

MOST_EFFECTS = 500  # beyond, the dense inverses are not worth their while
ITERATIONS = 50
CHANGE = 0.01


def factors_to_centre(design: Design) -> set[str]:
    """The labels of factors all of whose effects have an average shrinkage factor above one half.

    Henderson's mixed-model equations with uncorrelated effects, and an EM step for each τ² and for σ² (Henderson 1973;
    Dempster, Laird and Rubin 1977). The average shrinkage factor of an effect is 1 - tr(C) / (J τ²), C its block of the
    inverse. Bernoulli rows enter once, with the weight p(1 - p) of the mean probability p.

    Parameters
    ----------
    design : Design
        With any factors and effects.

    Returns
    -------
    set of str
        None of them where all groups together have more than 500 effects.
    """
    sizes = [len(factor.levels) for factor in design.factors for _ in factor.effects]
    if not sizes or sum(sizes) > MOST_EFFECTS:
        return set()
    response, weights = _working_response(design)
    cross, right = _normal_equations(design, response, weights)
    has_sigma = design.outcome.has_sigma
    p, ends = design.X.shape[1], design.X.shape[1] + np.cumsum(sizes)
    blocks = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    tau2 = np.full(len(sizes), float(np.var(response)) if design.family.has_residual else 1.0)
    sigma2 = float(np.mean(weights * (response - weighted_mean(response, weights)) ** 2)) if has_sigma else 1.0
    for _ in range(ITERATIONS):
        penalty = np.concatenate([1e-10 * cross.diagonal()[:p], np.repeat(sigma2 / tau2, sizes)])
        inverse = np.linalg.inv(cross + np.diag(penalty))
        solution = inverse @ right
        variances = sigma2 * inverse.diagonal()
        shares = [1 - variances[b].mean() / t for b, t in zip(blocks, tau2, strict=True)]
        before = tau2
        tau2 = np.array([np.mean(solution[b] ** 2 + variances[b]) for b in blocks])
        if has_sigma:
            sigma2 = float(weights @ response**2 - solution @ right) / max(1, len(response) - p)
        if np.all(np.abs(tau2 - before) < CHANGE * before):
            break
    known = iter(shares)
    return {factor.label for factor in design.factors if min([next(known) for _ in factor.effects]) > 0.5}


def _normal_equations(design: Design, response: Array, weights: Array) -> tuple[Array, Array]:
    """W'RW and W'Rz for W = [X Z], columns in units of their own size, R the rows' weights."""
    rows = np.arange(len(response))
    columns = [csr_array(design.X / np.sqrt(np.mean(design.X**2, axis=0)))]
    for factor in design.factors:
        for z in factor.Z_centred.T:
            scaled = z / np.sqrt(np.mean(z**2))
            columns.append(csr_array((scaled, (rows, factor.codes)), shape=(len(rows), len(factor.levels))))
    joined = hstack(columns, format="csr")
    weighted = joined.multiply(weights[:, None]).tocsr()
    return (weighted.T @ joined).toarray(), weighted.T @ response


def _working_response(design: Design) -> tuple[Array, Array]:
    """(row,) twice: the outcome on the link scale around its mean, and the precision of a row."""
    outcome = design.outcome
    if outcome.family.has_residual:
        return outcome.y - design.offset, outcome.row_weights
    trials = outcome.trials_of_each
    p = float(outcome.y.sum() / trials.sum())
    share = np.divide(outcome.y, trials, out=np.full_like(outcome.y, p), where=trials > 0)
    return (share - p) / (p * (1 - p)) - design.offset, trials * p * (1 - p)
