"""The polynomial of very many groups: it is the density where it is taken for it, and not taken where it is not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, many_groups

import hierkit
from hierkit.model.basis import make_basis
from hierkit.model.priors import make_priors
from hierkit.sampling.kernels.from_python import from_python
from hierkit.sampling.kernels.layout import make_layout
from hierkit.sampling.marginal import engine
from hierkit.sampling.marginal.surrogate import is_close, make_surrogate, polynomial_callback


def quartic(x: Any) -> tuple[float, Any]:
    """A log density that is a polynomial of degree 4 itself, around another point than zero."""
    z = x - np.array([1.0, -2.0])
    value = -(z[0] ** 2) - 2 * z[1] ** 2 + 0.5 * z[0] * z[1] + 0.05 * z[0] ** 3 - 0.02 * z[0] ** 2 * z[1] ** 2
    slope = [
        -2 * z[0] + 0.5 * z[1] + 0.15 * z[0] ** 2 - 0.04 * z[0] * z[1] ** 2,
        -4 * z[1] + 0.5 * z[0] - 0.04 * z[0] ** 2 * z[1],
    ]
    return float(value), np.array(slope)


def differing(groups: int) -> pd.DataFrame:
    """Groups that differ in level and slope."""
    data, rng = many_groups(groups), np.random.default_rng(2)
    data["y"] += rng.normal(size=groups)[data.g] + data.x * rng.normal(1, 0.5, groups)[data.g]
    return data


def density_of(groups: int) -> tuple[Any, Any]:
    design = design_of("y ~ x + (x | g)", differing(groups))
    priors = make_priors(design)
    model, _ = engine.make_model(design, priors, make_basis(design, priors), make_layout(design.factors))
    return engine.log_posterior_of(model), engine.find_mode(design, model)


def test_a_polynomial_is_found_exactly() -> None:
    made = make_surrogate(quartic, np.array([1.0, -2.0]))
    assert made is not None
    compiled = from_python(polynomial_callback, made.packed(), 2)
    for z in np.random.default_rng(1).normal(size=(5, 2)):
        value, slope = compiled(z)
        expected, gradient = quartic(made.x(z))
        assert value == pytest.approx(expected, abs=1e-9)
        np.testing.assert_allclose(slope, made.S.T @ gradient, atol=1e-8)
    assert compiled(np.array([20.0, 0.0]))[0] == -np.inf


def test_it_is_close_for_many_groups_and_not_for_few() -> None:
    z = np.random.default_rng(1).normal(size=(200, 4))
    for groups, close in ((60, False), (6000, True)):
        density, mode = density_of(groups)
        made = make_surrogate(density, mode)
        assert (made is not None and is_close(made, density, z)) == close


@pytest.mark.parametrize(
    "density",
    [
        lambda x: (float(x @ x), 2 * x),
        lambda x: (np.nan, np.full(2, np.nan)),
        lambda x: (float(-np.exp(8 * x[0]) - x @ x), np.array([-8 * np.exp(8 * x[0]), 0.0]) - 2 * x),
    ],
)
def test_what_no_polynomial_is_near_has_none(density: Any) -> None:
    assert make_surrogate(density, np.zeros(2)) is None


@pytest.mark.slow
def test_draws_are_those_of_the_density(monkeypatch: pytest.MonkeyPatch) -> None:
    data = differing(3000)
    whole = hierkit.fit("y ~ x + (x | g)", data, random_seed=1, progressbar=False)
    monkeypatch.setattr(engine, "FEWEST_GROUPS", 1000)
    found = hierkit.fit("y ~ x + (x | g)", data, random_seed=1, progressbar=False)
    assert not whole.draws["posterior"].to_dataset().identical(found.draws["posterior"].to_dataset())
    for name in ("coefficients", "variance_components"):
        ours, theirs = getattr(found, name)().table(), getattr(whole, name)().table()
        # five standard errors of two means, and of two sds, of a thousand independent draws
        assert (abs(ours.estimate - theirs.estimate) < 5 * theirs.sd * np.sqrt(2 / 1000)).all()
        np.testing.assert_allclose(ours.sd, theirs.sd, rtol=5 / np.sqrt(1000))
    assert (found.variance_components().table().ess_bulk > 1000).all()


@pytest.mark.slow
def test_where_it_is_not_close_the_density_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    data = many_groups(12)
    whole = hierkit.fit("y ~ x + (x | g)", data, random_seed=1, progressbar=False)
    monkeypatch.setattr(engine, "FEWEST_GROUPS", 1)
    found = hierkit.fit("y ~ x + (x | g)", data, random_seed=1, progressbar=False)
    assert found.draws["posterior"].to_dataset().identical(whole.draws["posterior"].to_dataset())
