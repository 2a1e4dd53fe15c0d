"""Which factors' effects are better sampled as they are than in units of their sd: those that the rows know well.

A choice of coordinates for the PyMC model. It changes the speed of sampling, never the posterior.
"""

import numpy as np
from scipy.sparse import csr_array, hstack

from hierkit.model.design import Design
from hierkit.model.terms import Array

MOST_GROUPS = 500  # beyond, the dense inverses are not worth their while
ITERATIONS = 50
CHANGE = 0.01


def factors_to_centre(design: Design) -> set[str]:
    """The labels of factors whose average shrinkage factor exceeds one half.

    Henderson's mixed-model equations for the group intercepts, with an EM step for each τ² and for σ² (Henderson 1973;
    Dempster, Laird and Rubin 1977). The average shrinkage factor is 1 - tr(C_f) / (J τ²), C_f the factor's block of
    the inverse. Bernoulli rows enter once, with the weight p(1 - p) of the mean probability p.

    Parameters
    ----------
    design : Design
        Only group intercepts are looked at.

    Returns
    -------
    set of str
        None of them where there are more than 500 groups.
    """
    sizes = [len(factor.levels) for factor in design.factors]
    if not sizes or sum(sizes) > MOST_GROUPS:
        return set()
    response, weights = _working_response(design)
    cross, right = _normal_equations(design, response, weights)
    gaussian = design.outcome.family == "gaussian"
    p, ends = design.X.shape[1], design.X.shape[1] + np.cumsum(sizes)
    blocks = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    sigma2 = float(np.var(response)) if gaussian else 1.0
    tau2 = np.full(len(sizes), sigma2)
    for _ in range(ITERATIONS):
        penalty = np.concatenate([1e-10 * cross.diagonal()[:p], np.repeat(sigma2 / tau2, sizes)])
        inverse = np.linalg.inv(cross + np.diag(penalty))
        solution = inverse @ right
        variances = sigma2 * inverse.diagonal()
        shares = np.array([1 - variances[b].mean() / t for b, t in zip(blocks, tau2, strict=True)])
        before, tau2 = tau2, np.array([np.mean(solution[b] ** 2 + variances[b]) for b in blocks])
        if gaussian:
            sigma2 = float(weights @ response**2 - solution @ right) / max(1, len(response) - p)
        if np.all(np.abs(tau2 - before) < CHANGE * before):
            break
    return {factor.label for factor, share in zip(design.factors, shares, strict=True) if share > 0.5}


def _normal_equations(design: Design, response: Array, weights: Array) -> tuple[Array, Array]:
    """W'RW and W'Rz for W = [X Z], X's columns in units of their own size, R the rows' weights."""
    n = len(response)
    size = np.sqrt(np.mean(design.X**2, axis=0))
    indicators = [csr_array((np.ones(n), (np.arange(n), f.codes)), shape=(n, len(f.levels))) for f in design.factors]
    columns = hstack([csr_array(design.X / size), *indicators], format="csr")
    weighted = columns.multiply(weights[:, None]).tocsr()
    return (weighted.T @ columns).toarray(), weighted.T @ response


def _working_response(design: Design) -> tuple[Array, Array]:
    """(row,) twice: the outcome on the link scale around its mean, and the precision of a row."""
    outcome = design.outcome
    if outcome.family == "gaussian":
        return outcome.y - design.offset, np.ones_like(outcome.y)
    trials = np.ones_like(outcome.y) if outcome.trials is None else outcome.trials
    p = float(outcome.y.sum() / trials.sum())
    share = np.divide(outcome.y, trials, out=np.full_like(outcome.y, p), where=trials > 0)
    return (share - p) / (p * (1 - p)) - design.offset, trials * p * (1 - p)
