"""Draws as arrays: those of the dataset, in the order of chains."""

import numpy as np
import pytest
from synthetic import design_of, linear_predictor, synthetic_draws, table

from hierkit.model.matrices import fitted_matrices
from hierkit.posterior import draws as arrays
from hierkit.posterior.draws import at_centre, lower_factors
from hierkit.posterior.posterior import Posterior


def posterior_of(formula: str, family: str = "gaussian") -> Posterior:
    design = design_of(formula, table(60), family)
    return Posterior(synthetic_draws(design, chains=3, draws=7), design)


@pytest.mark.parametrize(
    ("formula", "family"), [("y ~ x + h + (x | g) + (1 | s)", "gaussian"), ("won ~ x + (h | g)", "bernoulli")]
)
def test_the_linear_predictor_of_arrays_is_that_of_labels(formula: str, family: str) -> None:
    posterior = posterior_of(formula, family)
    found = arrays.linear_predictor(posterior.draws, fitted_matrices(posterior.design))
    expected = linear_predictor(posterior.design, posterior.dataset)
    np.testing.assert_allclose(found, expected.reshape(21, -1), atol=1e-12)


def test_a_residual_sd_belongs_to_the_family() -> None:
    assert posterior_of("won ~ x", "bernoulli").sigma is None
    gaussian = posterior_of("y ~ x")
    np.testing.assert_array_equal(np.asarray(gaussian.draws.sigma), gaussian.dataset["sigma"].values.ravel())


def test_parameters_are_the_draws_without_group_effects() -> None:
    posterior = posterior_of("y ~ x + (x | g)")
    assert posterior.parameters.u == ()
    np.testing.assert_array_equal(posterior.parameters.G[0], posterior.draws.G[0])
    assert "1|g" not in posterior.common
    assert "1|g_sigma" in posterior.common


def test_thinning_keeps_every_so_many_draws_of_each_chain() -> None:
    posterior = posterior_of("y ~ x")
    assert posterior.size == 21
    thinned = posterior.thinned(10)
    assert thinned.size == 12
    assert thinned.dataset["draw"].values.tolist() == [0, 2, 4, 6]


def test_singular_covariances_have_factors_and_others_are_not_touched() -> None:
    regular, singular = np.array([[2.0, 0.3], [0.3, 1.0]]), np.array([[4.0, 2.0], [2.0, 1.0]])
    found = lower_factors(np.array([regular, singular]))
    np.testing.assert_array_equal(found[0], np.linalg.cholesky(regular))
    np.testing.assert_allclose(found[1] @ found[1].T, singular, rtol=1e-11)


def test_covariances_at_the_centre_are_those_that_were_moved_from_there() -> None:
    G = np.array([[2.0, 0.3], [0.3, 1.0]])
    for far, digits in ((-5.0, 1e-13), (-1e6, 1e-3)):
        T = np.array([[1.0, far], [0.0, 1.0]])
        np.testing.assert_allclose(at_centre((T @ G @ T.T)[None], T)[0], G, rtol=digits)
    beyond = np.array([[1.0, -1e9], [0.0, 1.0]])
    assert np.isfinite(lower_factors(at_centre((beyond @ G @ beyond.T)[None], beyond))).all()
