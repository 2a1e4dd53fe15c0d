"""Rows of unequal precision in Bambi: what it predicts and scores are the fit's own."""

from typing import Any

import numpy as np
import pytest
from synthetic import synthetic_fit, table

from hierkit.errors import HierkitError
from hierkit.model.matrices import fitted_matrices
from hierkit.posterior.draws import linear_predictor, log_likelihood


@pytest.mark.parametrize("given", ["weights", "known_sd"])
def test_bambi_predicts_and_scores_rows(given: Any) -> None:
    data = table(40).assign(**{"the w": lambda d: np.exp(d.z)})
    options: dict[str, Any] = {given: "the w"}
    fit = synthetic_fit("y ~ x + (1 | g)", data, **options, draws=500)
    draws = fit._posterior.draws
    matrices = fitted_matrices(fit.design)
    own = fit.draws.copy()
    fit.model.compute_log_likelihood(own)
    scored = own["log_likelihood"].to_dataset()["y"].values.reshape(1000, -1)
    np.testing.assert_allclose(scored, log_likelihood(draws, matrices, fit.design.outcome), rtol=1e-9)
    fit.model.predict(own, kind="response", random_seed=1)
    drawn = own["posterior_predictive"].to_dataset()["y"].values.reshape(1000, -1)
    sd = np.asarray(draws.sigma)[:, None] / np.sqrt(fit.design.row_weights)
    standardised = (drawn - linear_predictor(draws, matrices)) / sd
    assert abs(standardised.mean()) < 4 / np.sqrt(standardised.size)
    assert standardised.std() == pytest.approx(1, abs=4 / np.sqrt(2 * standardised.size))
    np.testing.assert_allclose(standardised.std(axis=0), 1, atol=4.5 / np.sqrt(2000))


def test_bambi_predicts_other_rows() -> None:
    data = table(40).assign(s=2.0)
    fit = synthetic_fit("y ~ x + (1 | g)", data, known_sd="s")
    own = fit.draws.copy()
    fit.model.predict(own, kind="response", data=data.head(2).assign(s=[1e-9, 1e9]), random_seed=1)
    spread = np.abs(own["posterior_predictive"].to_dataset()["y"].values.reshape(-1, 2)).max(axis=0)
    assert spread[0] < 1e3 < 1e8 < spread[1]
    with pytest.raises(HierkitError, match="known_sd='s': the column is -1 in used row 0"):
        fit.model.predict(own, kind="response", data=data.head(2).assign(s=-1.0))
