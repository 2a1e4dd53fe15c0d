"""Marginal and conditional R²."""

from typing import Any

import numpy as np
import pytest
from synthetic import design_of, synthetic_draws, table

from hierkit.errors import HierkitError
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.design_effect import design_effect
from hierkit.quantities.icc import icc
from hierkit.quantities.r_squared import r_squared

CSAT = {"Intercept": 76.268, "wait": -0.899, "1|team_sigma": 19.057**0.5, "sigma": 62.167**0.5}


def value(quantity: Any, name: Any, **labels: Any) -> Any:
    return quantity.draws[name].mean(("chain", "draw")).sel(**labels).item()


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_r_squared(family: Any) -> None:
    text = "y ~ x + h + (x | g) + (1 | s)" if family == "gaussian" else "p(hits, tries) ~ x + (x | g) + (1 | s)"
    design = design_of(text, table(100), family)
    posterior = synthetic_draws(design)
    quantity = r_squared(Posterior(posterior, design))
    assert (quantity.draws["marginal"] <= quantity.draws["conditional"]).all()
    one = posterior.isel(chain=0, draw=0)
    eta = design.X @ np.concatenate([np.ravel(one[term]) for term in dict.fromkeys(c.term for c in design.columns)])
    rest = float(one["sigma"]) ** 2 if family == "gaussian" else np.pi**2 / 3
    groups = float(one["1|s_sigma"]) ** 2
    sds = np.array([float(one["1|g_sigma"]), float(one["x|g_sigma"])])
    G = np.outer(sds, sds) * one["g_corr"].values
    Z, trials = design.factors[0].Z, design.outcome.trials_of_each
    groups += np.average(np.einsum("na,ab,nb->n", Z, G, Z), weights=trials)
    explained = np.average((eta - np.average(eta, weights=trials)) ** 2, weights=trials)
    expected = explained / (explained + groups + rest)
    assert quantity.draws["marginal"][0, 0].item() == pytest.approx(expected)


def test_an_offset_explains_nothing() -> None:
    rows = table(60).assign(o=lambda d: 10 * d.x)
    design = design_of("y ~ 1 + offset(o) + (1 | g)", rows)
    np.testing.assert_allclose(r_squared(Posterior(synthetic_draws(design), design)).draws["marginal"], 0, atol=1e-12)


def test_without_groups() -> None:
    design = design_of("y ~ x", table())
    posterior = synthetic_draws(design)
    quantity = r_squared(Posterior(posterior, design))
    np.testing.assert_allclose(quantity.draws["marginal"], quantity.draws["conditional"])
    with pytest.raises(HierkitError, match="The model has no grouping factor"):
        icc(Posterior(posterior, design))
    with pytest.raises(HierkitError, match="It has no grouping factor"):
        design_effect(Posterior(posterior, design))


@pytest.mark.parametrize("known", [{"known_sd": "z"}, {"weights": "z"}, {}])
def test_an_intercept_explains_nothing(known: Any) -> None:
    design = design_of("y ~ 1 + (1 | g)", table(), **known)
    found = r_squared(Posterior(synthetic_draws(design), design)).draws["marginal"]
    assert (found == 0).all()
