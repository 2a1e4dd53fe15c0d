from typing import Any

import bambi as bmb
import numpy as np
import pymc as pm
import pytest

from hierkit.errors import HierkitError
from hierkit.model.distributions import DISTRIBUTIONS, POSITIVE, Prior, make_prior, read_prior

EXAMPLES = {
    "Normal": (0, 1), "StudentT": (4, 0, 1), "Cauchy": (0, 1), "Laplace": (0, 1), "Logistic": (0, 1), "Gumbel": (0, 1),
    "SkewNormal": (0, 1, -2), "Flat": (), "HalfNormal": (2,), "HalfStudentT": (4, 2), "HalfCauchy": (2,),
    "Exponential": (0.5,), "Gamma": (2, 0.1), "InverseGamma": (3, 2), "LogNormal": (-1, 0.5), "Weibull": (2, 3),
    "Uniform": (0, 4), "LKJ": (2,),
}  # fmt: skip


def test_every_distribution_has_an_example() -> None:
    assert set(EXAMPLES) == set(DISTRIBUTIONS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_text_written_and_read_again(name: Any) -> None:
    prior = make_prior(name, *EXAMPLES[name])
    assert read_prior("b", str(prior)) == prior


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("Normal(0, sigma=2)", {"mu": 0, "sigma": 2}),
        ("Normal(sigma=2, mu=-1.5)", {"mu": -1.5, "sigma": 2}),
        (" Normal( 0 ,1e-3 ) ", {"mu": 0, "sigma": 1e-3}),
    ],
)
def test_parameters_by_place_and_name(text: Any, args: Any) -> None:
    assert read_prior("b", text) == Prior("Normal", args)


def test_flat_needs_no_parentheses() -> None:
    assert read_prior("b", "Flat") == Prior("Flat", {})


def test_bambi_prior() -> None:
    assert read_prior("b", bmb.Prior("StudentT", nu=4, mu=0, sigma=2)) == make_prior("StudentT", 4, 0, 2)
    with pytest.raises(HierkitError, match="not plain numbers"):
        read_prior("b", bmb.Prior("Normal", mu=0, sigma=bmb.Prior("HalfNormal", sigma=1)))


@pytest.mark.parametrize("name", [*POSITIVE, "Uniform"])
def test_quantiles_are_those_of_pymc(name: Any) -> None:
    """The density of PyMC, integrated from 0 to each quantile, is that quantile's share."""
    prior = make_prior(name, *EXAMPLES[name])
    distribution = getattr(pm, name).dist(**prior.args)
    for share, quantile in zip((0.1, 0.5, 0.9), prior.quantiles(np.array([0.1, 0.5, 0.9])), strict=True):
        grid = np.linspace(0, quantile, 20_001)
        assert np.trapezoid(np.exp(pm.logp(distribution, grid).eval()), grid) == pytest.approx(share, rel=1e-4)


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"LKJ"}))
def test_parameters_have_the_names_of_pymc(name: Any) -> None:
    assert getattr(pm, name).dist(**make_prior(name, *EXAMPLES[name]).args).ndim == 0


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Normal(0)", "takes mu, sigma"),
        ("Normal(0, 1, 2)", "takes mu, sigma"),
        ("Normal(mu=0, mu=1)", "takes mu, sigma"),
        ("Normal(0, mu=1)", "takes mu, sigma"),
        ("Normal(0, -1)", "sigma must be positive"),
        ("Normal(0, 1e999)", "not plain numbers"),
        ("Normal(x, 1)", "not plain numbers"),
        ("Normal(True, 1)", "not plain numbers"),
        ("Normal(*[0, 1])", "not plain numbers"),
        ("Normal(0, 1", "cannot be read"),
        ("Foo(1)", "no distribution 'Foo'"),
        ("__import__('os').system('x')", "not a name with numbers"),
        ("Uniform(2, 1)", "lower must be below upper"),
        (3, "neither text nor a plain bambi.Prior"),
    ],
)
def test_refused(value: Any, reason: Any) -> None:
    with pytest.raises(HierkitError, match=reason):
        read_prior("b", value)


@pytest.mark.parametrize("name", sorted(set(DISTRIBUTIONS) - {"LKJ", "Flat"}))
def test_log_densities_are_those_of_pymc(name: Any) -> None:
    prior = make_prior(name, *EXAMPLES[name])
    x = np.array([0.3, 1.1, 1.9])
    distribution = getattr(pm, name).dist(**prior.args)
    np.testing.assert_allclose(prior.log_density(x), pm.logp(distribution, x).eval(), rtol=1e-6)


def test_log_densities_of_flat_priors_and_correlations_are_up_to_a_constant() -> None:
    assert make_prior("Flat").log_density(np.array([1.0, 2.0])).tolist() == [0.0, 0.0]
    R = np.array([[[1, 0.5], [0.5, 1]], [[1, 0], [0, 1]]])
    np.testing.assert_allclose(make_prior("LKJ", 3.0).log_density(R), [2 * np.log(0.75), 0])
