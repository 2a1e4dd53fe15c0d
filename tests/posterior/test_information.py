"""Small matrices many at a time, beside NumPy's."""

import numpy as np
import pytest

from hierkit.posterior.information import inverse, posterior_covariance, times


@pytest.mark.parametrize("q", [1, 2, 4, 5, 9])
def test_products_and_inverses_are_those_of_numpy(q: int) -> None:
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(6, 5, q, q + 2))
    M = roots @ np.swapaxes(roots, -1, -2)
    other = rng.normal(size=(6, 1, q, 3))
    first, second = (np.moveaxis(one, (-2, -1), (0, 1)) for one in (M, other))
    np.testing.assert_allclose(times(first, second), np.moveaxis(M @ other, (-2, -1), (0, 1)), rtol=1e-12, atol=1e-12)
    inverses = np.moveaxis(np.linalg.inv(M), (-2, -1), (0, 1))
    np.testing.assert_allclose(inverse(first), inverses, rtol=1e-6)
    G = roots[:, 0] @ np.swapaxes(roots[:, 0], -1, -2)
    expected = np.linalg.inv(np.linalg.inv(G)[:, None] + M)
    np.testing.assert_allclose(
        posterior_covariance(G, first), np.moveaxis(expected, (-2, -1), (0, 1)), rtol=1e-5, atol=1e-12
    )
