"""Student-t effects as normal ones with scales of their own."""

from typing import Any

import numpy as np
import pytest
from scipy import integrate, special, stats

from hierkit.sampling.kernels import group_scales as g


def scales_of(nu: float, groups: int = 1) -> Any:
    return g.GroupScales(np.array([groups]), np.array([0])), np.array([nu])


@pytest.mark.parametrize("a", [1e-3, 0.1, 0.5, 1.0, 3.0, 7.99, 8.0, 40.0, 1e6])
def test_digamma(a: Any) -> None:
    assert g.digamma(a) == pytest.approx(special.digamma(a), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("nu", [0.7, 2.0, 9.0, 300.0])
@pytest.mark.parametrize("q", [1, 3])
def test_effects_are_student_t_once_the_scale_is_integrated_out(nu: Any, q: Any) -> None:
    """Integral of N(u; 0, s² I) p(c) over c, relative to that at u = 0, is the multivariate t density."""
    group_scales, value = scales_of(nu)

    def density(u: float) -> float:
        def integrand(c: float) -> float:
            s = np.empty(1)
            log_p = g.fill_scales(np.array([c]), value, group_scales, s)
            return float(np.exp(log_p + stats.norm.logpdf(u, 0, s[0]) + (q - 1) * stats.norm.logpdf(0, 0, s[0])))

        return float(integrate.quad(integrand, -12, 60, limit=400, epsabs=0)[0])

    t = stats.multivariate_t(np.zeros(q), df=nu)
    at = [np.concatenate([[u], np.zeros(q - 1)]) for u in (0.0, 0.5, 2.0, 6.0)]
    ours = np.array([density(point[0]) for point in at])
    expected = np.array([t.pdf(point) for point in at])
    np.testing.assert_allclose(ours / ours[0], expected / expected[0], rtol=1e-6)


def test_the_density_depends_on_the_degrees_of_freedom_as_the_inverse_gamma_density_does() -> None:
    c, ours, expected = np.array([0.3, -1.2, 2.0]), [], []
    for nu in (0.5, 3.0, 25.0, 1e4):
        a = nu / 2
        squares = np.exp(c / np.sqrt(a))
        group_scales, value = scales_of(nu, 3)
        ours.append(g.fill_scales(c, value, group_scales, np.empty(3)))
        expected.append((stats.invgamma.logpdf(squares, a, scale=a) + np.log(squares) - 0.5 * np.log(a)).sum())
    np.testing.assert_allclose(np.diff(ours), np.diff(expected), rtol=1e-9, atol=1e-9)


def test_scales_of_draws_are_those_of_the_density() -> None:
    group_scales = g.GroupScales(np.array([2, 3]), np.array([1, 0]))
    values, c = np.array([[4.0, 9.0], [1.0, 30.0]]), np.random.default_rng(0).normal(size=(2, 5))
    found = g.scales_of_draws(group_scales, values, c)
    for d in range(2):
        scales = np.empty(5)
        g.fill_scales(c[d], values[d], group_scales, scales)
        np.testing.assert_allclose(found[d], scales, rtol=1e-14)


def test_normal_effects_have_no_scales() -> None:
    none = g.GroupScales(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    assert none.coordinates == 0
    assert g.scales_of_draws(none, np.ones((4, 2)), np.empty((4, 0))).shape == (4, 0)
    np.testing.assert_array_equal(g.inverse_squares(np.empty(0), 3), np.ones(3))
