"""The profiled criterion against the density of all rows, written out with dense matrices."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from synthetic import design_of, table

from hierkit.arrays import Array
from hierkit.classical.profiled import Sums, profile, sums_of
from hierkit.model.design import Design

MODELS = [
    "y ~ x + (1 | g)",
    "y ~ x + h + (x | g)",
    "y ~ x + (x + z || g)",
    "y ~ x + (1 | g) + (1 | s)",
    "y ~ x * h + (x | g) + (x || s) + (1 | day)",
    "y ~ 1 + (h | g) + (1 | h)",
    "y ~ x + (z | g) + (1 | s:h)",
]


def covariance(design: Design, sums: Sums, theta: Array, factors: Any) -> Array:
    """V in units of σ²."""
    V = np.eye(len(design.offset))
    for factor, template in zip(factors, sums.templates, strict=True):
        L = template.factor(theta)
        Z = factor.Z_centred / template.sizes
        V += (Z @ L @ L.T @ Z.T) * (factor.codes[:, None] == factor.codes)
    return V


@pytest.mark.parametrize("text", MODELS)
def test_criterion_is_minus_twice_the_log_density_of_the_rows(text: Any) -> None:
    design = design_of(text, table(70))
    Q, _ = np.linalg.qr(design.X)
    y = design.outcome.y
    factors = sorted(design.factors, key=lambda f: -len(f.levels) * len(f.effects))
    sums = sums_of(y, Q, factors, design.outcome)
    size = sums.templates[-1].start + len(sums.templates[-1].rows)
    for seed in range(3):
        theta = np.random.default_rng(seed).normal(size=size)
        V = covariance(design, sums, theta, factors)
        W = np.linalg.inv(V)
        beta = np.linalg.solve(Q.T @ W @ Q, Q.T @ W @ y)
        rest = y - Q @ beta
        for reml in (False, True):
            found = profile(sums, theta, reml)
            degrees = len(y) - Q.shape[1] * reml
            sigma = np.sqrt(rest @ W @ rest / degrees)
            log_density = stats.multivariate_normal(Q @ beta, sigma**2 * V).logpdf(y)
            if reml:  # the coefficients integrated out, which leaves orthonormal contrasts of the rows
                _, half = np.linalg.slogdet(Q.T @ W @ Q / sigma**2)
                log_density += 0.5 * Q.shape[1] * np.log(2 * np.pi) - 0.5 * half
            assert found.value == pytest.approx(-2 * log_density, rel=1e-9)
            assert found.sigma == pytest.approx(sigma, rel=1e-9)
            np.testing.assert_allclose(found.coefficients, beta, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(found.covariance, sigma**2 * np.linalg.inv(Q.T @ W @ Q), rtol=1e-7, atol=1e-12)
