"""Intervals of predictions cover what they are of, over data sets simulated from the model and its priors."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import hierkit
from hierkit.errors import SamplingWarning
from hierkit.model.logistic_normal import mean_probability

SIMULATIONS, GROUPS, ROWS = 300, 8, 6
PRIORS = {
    "Intercept": "Normal(0, 1)",
    "x": "Normal(0, 1)",
    "sd(g)": "HalfNormal(1)",
    "cor(g)": "LKJ(2)",
}
X = np.tile(np.linspace(-1, 1, ROWS), GROUPS)  # centred, so that the prior of the intercept is that at x = 0
NEW = np.array([-1.5, 0.0, 0.7, 2.0])


def truth(rng: Any, family: Any) -> Any:
    """Parameters from their priors, a table of rows, and the effects of known and of new groups."""
    beta, sds = rng.normal(size=2), np.abs(rng.normal(size=2))
    rho = 2 * rng.beta(2, 2) - 1
    G = np.outer(sds, sds) * np.array([[1, rho], [rho, 1]])
    u = rng.multivariate_normal([0, 0], G, size=GROUPS + len(NEW))
    codes = np.repeat(np.arange(GROUPS), ROWS)
    eta = beta[0] + u[codes, 0] + (beta[1] + u[codes, 1]) * X
    sigma = abs(rng.normal())
    y = rng.normal(eta, sigma) if family == "gaussian" else rng.binomial(20, expit(eta))
    data = pd.DataFrame({"y": y, "x": X, "g": codes.astype(str)})
    return data, beta, G, u, sigma


def targets(rng: Any, family: Any, beta: Any, G: Any, u: Any, sigma: Any) -> Any:
    """What the predictions of the rows `NEW` are of, by kind and groups."""
    known, new = u[np.arange(len(NEW)) * 2], u[GROUPS:]
    link = {name: beta[0] + e[:, 0] + (beta[1] + e[:, 1]) * NEW for name, e in (("known", known), ("new", new))}
    typical, spread = beta[0] + beta[1] * NEW, G[0, 0] + 2 * NEW * G[0, 1] + NEW**2 * G[1, 1]
    if family == "gaussian":
        means = link | {"marginal": typical}
        fresh = rng.normal(typical, np.sqrt(spread + sigma**2))
        outcomes = {name: rng.normal(eta, sigma) for name, eta in link.items()} | {"marginal": fresh}
        return means, outcomes
    return {name: expit(eta) for name, eta in link.items()} | {"marginal": mean_probability(typical, spread)}, {}


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_intervals_of_predictions_cover(family: Any) -> None:
    covered: dict[tuple[str, str], list[float]] = {}
    text = "y ~ x + (x | g)" if family == "gaussian" else "p(y, 20) ~ x + (x | g)"
    priors = PRIORS | ({"sigma": "HalfNormal(1)"} if family == "gaussian" else {})
    for simulation in range(SIMULATIONS):
        rng = np.random.default_rng([7, simulation])
        data, *parameters = truth(rng, family)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)
            fit = hierkit.fit(
                text, data, family=family, priors=priors, random_seed=simulation, draws=500, tune=500, progressbar=False
            )
        means, outcomes = targets(rng, family, *parameters)
        for kind, by_groups in (("mean", means), ("outcome", outcomes)):
            for groups, values in by_groups.items():
                labels = (np.arange(len(NEW)) * 2).astype(str) if groups == "known" else [f"new {i}" for i in range(4)]
                table = fit.predict(pd.DataFrame({"x": NEW, "g": labels}), groups, kind).table(ci_prob=0.89)  # type: ignore[arg-type]
                inside = (table["ci_lower"] <= values) & (values <= table["ci_upper"])
                covered.setdefault((kind, groups), []).append(inside.mean())
    found = {name: np.mean(values) for name, values in covered.items()}
    # four rows in each of 300 data sets: the standard error is below 1.8 %, and about 1 % where rows are unrelated
    assert all(abs(share - 0.89) <= 0.03 for share in found.values()), found
