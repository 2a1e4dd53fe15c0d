from typing import Any

import numpy as np
import pytest
from scipy.special import log_expit

from hierkit.compiled.logistic import binomial_rows, exp_below_zero, log_one_plus


def test_exp() -> None:
    x = -np.concatenate([np.linspace(0, 2, 1001), np.linspace(2, 700, 1001)])
    result = np.empty_like(x)
    exp_below_zero(x, result)
    np.testing.assert_allclose(result, np.exp(x), rtol=1e-14)


def test_exp_far_below_zero_is_nothing() -> None:
    result = np.empty(2)
    exp_below_zero(np.array([-1e6, -np.inf]), result)
    assert (result < 1e-300).all()


@pytest.mark.parametrize("e", [0.0, 1e-300, 1e-9, 0.3, 0.999, 1.0])
def test_log(e: Any) -> None:
    assert log_one_plus(e) == pytest.approx(np.log1p(e), rel=1e-15)


def test_log_likelihood_and_its_derivative() -> None:
    eta = np.array([-800.0, -30.0, -1.0, 0.0, 0.5, 30.0, 800.0])
    y, trials, residual = np.array([0.0, 1, 0, 3, 2, 7, 1]), np.array([1.0, 1, 4, 5, 2, 7, 1]), np.empty(7)
    expected = np.sum(y * log_expit(eta) + (trials - y) * log_expit(-eta))
    assert binomial_rows(eta, y, trials, residual) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(residual, y - trials * np.exp(log_expit(eta)), atol=1e-14)
