"""Weights by which a sample has the means and products of all rows."""

import numpy as np
import pytest

from hierkit.streaming.calibration import calibrated


def of_all(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(axis=0), np.cov(values.T, ddof=0)


@pytest.mark.parametrize("dependent", [False, True])
def test_the_sample_has_the_moments_of_all_rows(dependent: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.gamma(2, size=20_000)
    values = np.column_stack([x, x > 3, x**2 if not dependent else 3 * x, rng.normal(size=len(x))])
    means, products = of_all(values)
    sample = values[::50]
    weights = calibrated(sample, np.full(len(sample), 50.0), means, products, len(values))
    assert weights.sum() == pytest.approx(len(values))
    assert (weights > 0).all()
    found = weights @ sample / weights.sum()
    np.testing.assert_allclose(found, means, rtol=1e-8)
    left = sample - found
    np.testing.assert_allclose((weights[:, None] * left).T @ left / weights.sum(), products, rtol=1e-7, atol=1e-9)


def test_all_rows_keep_their_weight() -> None:
    values = np.random.default_rng(0).normal(size=(100, 2))
    weights = calibrated(values, np.ones(100), *of_all(values), 100)
    np.testing.assert_allclose(weights, 1, rtol=1e-9)


def test_averages_of_what_is_nearly_a_square_are_nearer_than_those_of_the_sample() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(2, 1, 100_000)
    sample = x[::200]
    weights = calibrated(
        sample[:, None], np.full(len(sample), 200.0), *of_all(x[:, None])[:1], np.array([[x.var()]]), len(x)
    )
    truth = np.exp(0.3 * x).mean()
    plain, better = np.exp(0.3 * sample).mean(), weights @ np.exp(0.3 * sample) / len(x)
    assert abs(better - truth) < 0.2 * abs(plain - truth)


def test_a_tail_that_the_sample_lacks_leaves_the_means() -> None:
    rng = np.random.default_rng(0)
    x = np.exp(2.5 * rng.normal(size=200_000))
    values = np.column_stack([x, rng.normal(size=len(x))])
    means, products = of_all(values)
    sample = values[::100]
    weights = calibrated(sample, np.full(len(sample), 100.0), means, products, len(values))
    found = weights @ sample / weights.sum()
    spread = np.sqrt(products.diagonal())
    assert (np.abs(found - means) < 1e-5 * spread).all()
    assert weights.sum() == pytest.approx(len(values))


def test_means_out_of_reach_leave_the_rows_as_they_were_spaced() -> None:
    sample, products = np.arange(10.0)[:, None], np.array([[4.0]])
    weights = calibrated(sample, np.full(10, 3.0), np.array([50.0]), products, 30)
    np.testing.assert_allclose(weights, 3.0)


def test_a_constant_column_is_left_alone() -> None:
    values = np.column_stack([np.arange(10.0), np.full(10, 3.0)])
    products = np.array([[8.25, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(calibrated(values, np.ones(10), np.array([4.5, 3.0]), products, 10), 1, rtol=1e-8)
