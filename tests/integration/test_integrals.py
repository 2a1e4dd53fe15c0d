"""Integrals over group effects: closed forms, dense grids, and draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from hierkit.integration.block import Block
from hierkit.integration.integrals import draw_effects, log_marginal
from hierkit.model.families import FAMILIES


def block(q: Any, family: Any, seed: Any = 0, samples: Any = 5, rows: Any = 6, nu: Any = None, scale: Any = 1.0) -> Any:
    rng = np.random.default_rng(seed)
    Z, eta = rng.normal(size=(rows, q)), rng.normal(size=(samples, rows))
    A = scale * rng.normal(size=(samples, q, q))
    L = np.linalg.cholesky(A @ np.swapaxes(A, 1, 2) + 0.3 * np.eye(q))
    sigma = rng.uniform(0.5, 2, samples) if family == "gaussian" else None
    trials = np.ones(rows) if family == "bernoulli" else rng.integers(1, 6, rows).astype(float)
    y = rng.normal(size=rows) if family == "gaussian" else rng.binomial(trials.astype(int), 0.4).astype(float)
    degrees = None if nu is None else np.full(samples, nu)
    own = FAMILIES["gaussian" if family == "gaussian" else "bernoulli"]
    return Block(own, y, trials, Z, (slice(0, q),), eta, L, sigma, (degrees,))


def on_a_grid(block: Any, log_prior: Any, width: Any = 9.0, points: Any = 401) -> Any:
    """log p(y) by the trapezoid rule in v, for one or two effects."""
    q = block.Z.shape[1]
    axis = np.linspace(-width, width, points if q == 1 else 161)
    grid = np.stack(np.meshgrid(*[axis] * q, indexing="ij"), axis=-1).reshape(-1, q)
    volume = q * np.log(axis[1] - axis[0])
    found = []
    for s in range(len(block.eta)):
        eta = block.eta[s] + grid @ block.L[s].T @ block.Z.T
        sigma = None if block.sigma is None else block.sigma[s]
        found.append(
            logsumexp(block.family.log_density(block.y, block.weights, eta, sigma).sum(axis=1) + log_prior(grid))
            + volume
        )
    return np.array(found)


def standard_normal(grid: Any) -> Any:
    return stats.norm.logpdf(grid).sum(axis=1)


@pytest.mark.parametrize("q", [1, 2, 4])
def test_gaussian_rows_are_jointly_normal(q: Any) -> None:
    given = block(q, "gaussian")
    variances = np.diag(1 / given.weights)
    exact = [
        stats.multivariate_normal(eta, given.Z @ L @ L.T @ given.Z.T + sigma**2 * variances).logpdf(given.y)
        for eta, L, sigma in zip(given.eta, given.L, given.sigma, strict=True)
    ]
    values, error = log_marginal(given, np.random.default_rng(0))
    np.testing.assert_allclose(values, exact, atol=1e-10)
    assert error == 0


@pytest.mark.parametrize("family", ["bernoulli", "counts"])
@pytest.mark.parametrize("q", [1, 2])
def test_quadrature_agrees_with_a_dense_grid(q: Any, family: Any) -> None:
    given = block(q, family)
    values, error = log_marginal(given, np.random.default_rng(0))
    claimed = 1e-4 if q == 1 else 1e-3
    np.testing.assert_allclose(values, on_a_grid(given, standard_normal), rtol=0, atol=claimed)
    assert error == 0


def test_probabilities_of_all_outcomes_add_up_to_one() -> None:
    given = block(1, "bernoulli", rows=3)
    patterns = np.array(np.meshgrid(*[[0.0, 1.0]] * 3)).reshape(3, -1).T
    logs = [log_marginal(replace(given, y=y), np.random.default_rng(0))[0] for y in patterns]
    np.testing.assert_allclose(np.exp(logs).sum(axis=0), 1, atol=1e-5)


def test_importance_sampling_agrees_within_its_error() -> None:
    given = block(3, "counts", samples=40)
    values, error = log_marginal(given, np.random.default_rng(0))
    v = np.random.default_rng(1).normal(size=(200_000, 3))
    for s in range(3):
        eta = given.eta[s] + v @ given.L[s].T @ given.Z.T
        p = np.exp(given.family.log_density(given.y, given.weights, eta, None).sum(axis=1))
        own = p.std() / p.mean() / np.sqrt(len(p))
        assert abs(values[s] - np.log(p.mean())) < 4 * np.hypot(error, own)
    again = np.array([log_marginal(given, np.random.default_rng(seed))[0] for seed in range(30)])
    assert again.std(axis=0).mean() == pytest.approx(error, rel=0.3)


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_student_t_effects_agree_with_a_dense_grid(family: Any) -> None:
    given = block(1, family, nu=3.0)
    values, error = log_marginal(given, np.random.default_rng(0))
    exact = on_a_grid(given, lambda v: stats.t.logpdf(v[:, 0], 3), width=200, points=40_001)
    assert 0 < error < 0.1
    assert np.abs(values - exact).max() < 5 * error


def test_draws_given_gaussian_rows_are_exact() -> None:
    given = block(2, "gaussian", samples=1)
    many = given.part(np.zeros(40_000, dtype=int))
    u = draw_effects(many, np.random.default_rng(0))
    W = np.diag(given.weights / given.sigma[0] ** 2)
    cov = np.linalg.inv(np.linalg.inv(given.L[0] @ given.L[0].T) + given.Z.T @ W @ given.Z)
    mean = cov @ given.Z.T @ W @ (given.y - given.eta[0])
    np.testing.assert_array_less(np.abs(u.mean(axis=0) - mean), 4 * np.sqrt(np.diag(cov) / 40_000))
    np.testing.assert_allclose(np.cov(u.T), cov, atol=0.03 * np.abs(cov).max())


def test_draws_given_bernoulli_rows_have_the_mean_of_a_dense_grid() -> None:
    given = block(1, "counts", samples=1)
    many = given.part(np.zeros(4000, dtype=int))
    u = draw_effects(many, np.random.default_rng(0))
    v = np.linspace(-9, 9, 2001)[:, None]
    eta = given.eta[0] + v @ given.L[0].T @ given.Z.T
    density = np.exp(given.family.log_density(given.y, given.weights, eta, None).sum(axis=1) - v[:, 0] ** 2 / 2)
    mean = np.average(v[:, 0], weights=density) * given.L[0, 0, 0]
    assert abs(u.mean() - mean) < 4 * u.std() / np.sqrt(4000)


@pytest.mark.parametrize("sd", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("eta", [-6.0, 0.0, 6.0])
@pytest.mark.parametrize(("successes", "trials"), [(1, 1), (0, 3), (20, 40), (100, 400)])
def test_rows_far_from_their_prediction_are_integrated_too(sd: Any, eta: Any, successes: Any, trials: Any) -> None:
    row = {"y": np.array([float(successes)]), "weights": np.array([float(trials)]), "Z": np.ones((1, 1))}
    given = Block(
        FAMILIES["bernoulli"],
        **row,
        groups=(slice(0, 1),),
        eta=np.full((1, 1), eta),
        L=np.full((1, 1, 1), sd),
        sigma=None,
        nu=(None,),
    )
    found = log_marginal(given, np.random.default_rng(0))[0]
    np.testing.assert_allclose(found, on_a_grid(given, standard_normal, width=15, points=20_001), rtol=0, atol=1e-4)


@pytest.mark.parametrize("y", [[0.3], [10.0, 12.0], [60.0]])
def test_outlying_student_t_groups_are_integrated_too(y: Any) -> None:
    y, samples = np.array(y), 200
    given = Block(
        FAMILIES["gaussian"],
        y,
        np.ones_like(y),
        np.ones((len(y), 1)),
        (slice(0, 1),),
        np.zeros((samples, len(y))),
        np.ones((samples, 1, 1)),
        np.full(samples, 2.0),
        (np.full(samples, 4.0),),
    )
    values, error = log_marginal(given, np.random.default_rng(0))
    v = np.linspace(-300, 300, 60_001)
    density = np.sum(stats.norm.logpdf(y[:, None], v, 2.0), axis=0) + stats.t.logpdf(v, 4)
    exact = logsumexp(density) + np.log(v[1] - v[0])
    assert error < 0.15
    assert abs(values.mean() - exact) < 4 * error / np.sqrt(samples)
    weights = np.exp(density - exact) * (v[1] - v[0])
    mean = weights @ v
    u = draw_effects(given, np.random.default_rng(0))
    assert abs(u.mean() - mean) < 5 * np.sqrt(weights @ (v - mean) ** 2 / samples)
