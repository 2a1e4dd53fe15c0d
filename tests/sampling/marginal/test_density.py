"""The marginal likelihood against the rows' own distribution, and the coefficients and effects drawn after it."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from synthetic import design_of, table

from hierkit.model.basis import make_basis
from hierkit.model.priors import make_priors
from hierkit.sampling.kernels.layout import make_layout
from hierkit.sampling.kernels.origin import make_origin
from hierkit.sampling.marginal import engine
from hierkit.sampling.marginal.density import marginal_gaussian
from hierkit.sampling.marginal.group_effects import draw_effects


def problem(text: str = "y ~ x + z + (x | g) + (1 | s) + (h | day)") -> Any:
    design = design_of(text, table(90).assign(x=lambda rows: rows.x + 2))
    priors = make_priors(design)
    origin, basis = make_origin(design, priors), make_basis(design, priors)
    layout = make_layout(design.factors)
    statistics, centre = engine.sufficient_statistics(design, priors, basis, origin, layout)
    return design, priors, origin, basis, layout, statistics, centre


def factor_of_covariance(design: Any, rng: Any) -> np.ndarray:
    """(effect, effect), lower triangular, block by block."""
    L = np.zeros((q := sum(len(f.effects) for f in design.factors), q))
    first = 0
    for factor in design.factors:
        own = slice(first, first := first + len(factor.effects))
        L[own, own] = np.tril(rng.normal(size=(len(factor.effects),) * 2)) + np.eye(len(factor.effects))
    return L


def written_out(design: Any, priors: Any, origin: Any, L: Any, sigma: Any, scales: Any) -> Any:
    """Mean and covariance of the rows, and the covariance of each coefficient and effect with them.

    `scales` is a dict of (group,) by the factor's place, what the effects of each group are multiplied by.
    """
    X = design.X - design.column_means
    given = np.array([list(priors[column.label].args.values()) for column in design.columns])
    wide, at = [X * given[:, 1]], 0
    for f, factor in enumerate(design.factors):
        own = slice(at, at := at + len(factor.effects))
        columns = np.zeros((len(X), len(factor.levels), len(factor.effects)))
        units = factor.Z @ origin.T[own, own] @ L[own, own]
        columns[np.arange(len(X)), factor.codes] = scales[f][factor.codes][:, None] * units
        wide.append(columns.reshape(len(X), -1))
    columns = np.hstack(wide)
    return X @ given[:, 0] + design.offset, columns @ columns.T + sigma**2 * np.eye(len(X)), columns


def scales_of(layout: Any, heavy: bool, rng: Any) -> Any:
    """A scale for each group of all factors as kernels read them, and the same by the factor's place."""
    each = [rng.uniform(0.3, 3, n) if heavy else np.ones(n) for n in layout.groups]
    return np.concatenate(each), dict(zip(layout.order, each, strict=True))


@pytest.mark.parametrize("heavy", [False, True])
def test_marginal_likelihood_is_that_of_the_rows(heavy: Any) -> None:
    """log N(y; X m, X S X' + sum Z G Z' + sigma² I), over all rows at once; with scales of groups in Z."""
    design, priors, origin, _, layout, statistics, _ = problem()
    rng, values, expected = np.random.default_rng(0), [], []
    for _ in range(3):
        L, sigma = factor_of_covariance(design, rng), rng.uniform(0.5, 2)
        scales, by_factor = scales_of(layout, heavy, rng)
        by_scale = np.zeros(len(scales) if heavy else 0)
        values.append(marginal_gaussian(L, sigma, statistics, scales, np.zeros_like(L), by_scale)[0])
        mean, V, _ = written_out(design, priors, origin, L, sigma, by_factor)
        expected.append(stats.multivariate_normal.logpdf(design.outcome.y, mean, V))
    np.testing.assert_allclose(np.diff(values), np.diff(expected), rtol=1e-9)


@pytest.mark.parametrize("heavy", [False, True])
def test_gradient_of_the_marginal_likelihood(heavy: Any) -> None:
    design, _, _, _, layout, statistics, _ = problem()
    rng = np.random.default_rng(1)
    L, sigma = factor_of_covariance(design, rng), 1.3
    scales, _ = scales_of(layout, heavy, rng)

    def value(L: Any, sigma: Any, scales: Any = scales) -> Any:
        grad, by_scale = np.zeros_like(L), np.zeros(len(scales) if heavy else 0)
        return *marginal_gaussian(L, sigma, statistics, scales, grad, by_scale), grad, by_scale

    _, by_sigma, by_L, by_scale = value(L, sigma)
    step = 1e-6
    for j in range(len(by_scale)):
        factor = np.exp(step * np.eye(len(scales))[j])
        expected = (value(L, sigma, scales * factor)[0] - value(L, sigma, scales / factor)[0]) / (2 * step)
        assert by_scale[j] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert by_sigma == pytest.approx((value(L, sigma + step)[0] - value(L, sigma - step)[0]) / (2 * step), rel=1e-6)
    for k, m in zip(*np.nonzero(L), strict=True):
        unit = np.zeros_like(L)
        unit[k, m] = step
        expected = (value(L + unit, sigma)[0] - value(L - unit, sigma)[0]) / (2 * step)
        assert by_L[k, m] == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("text", ["y ~ x + z + (x | g) + (1 | s) + (h | day)", "y ~ x + (x | g)"])
def test_coefficients_and_effects_have_their_conditional_distribution(text: Any, heavy: Any) -> None:
    """All are jointly normal with the rows: E = C V^-1 (y - mean), covariance of each from C V^-1 C', written out."""
    design, priors, origin, basis, layout, statistics, centre = problem(text)
    rng, draws, sigma = np.random.default_rng(0), 20_000, 1.3
    L = factor_of_covariance(design, rng)
    head = rng.standard_normal((draws, len(statistics.cross) - 1))
    z = rng.standard_normal((draws, layout.effects[-1], layout.groups[-1]))
    scales, by_factor = scales_of(layout, heavy, rng)
    factors, every = np.tile(L, (draws, 1, 1)), np.tile(scales, (draws, 1))
    draw_effects(factors, origin.T, np.full(draws, sigma), every, statistics, head, z)
    p = len(centre)
    beta = (head[:, :p] + centre) @ basis.inverse.T
    mean, V, wide = written_out(design, priors, origin, L, sigma, by_factor)
    units = wide.T @ np.linalg.solve(V, design.outcome.y - mean)
    covariance = np.eye(wide.shape[1]) - wide.T @ np.linalg.solve(V, wide)
    given = np.array([list(priors[column.label].args.values()) for column in design.columns])
    checked = [(beta, given[:, 0] + given[:, 1] * units[:p], given[:, 1:] * covariance[:p, :p] * given[:, 1])]
    ends = p + np.cumsum([len(f.levels) * len(f.effects) for f in design.factors])
    sizes = [len(f.effects) for f in design.factors]
    at = p
    for f in layout.order:
        own = slice(sum(sizes[:f]), sum(sizes[: f + 1]))
        last = f == layout.order[-1]
        G = np.kron(np.diag(by_factor[f]), origin.T[own, own] @ L[own, own] if last else L[own, own])
        places = slice(ends[f] - len(G), ends[f])
        u = np.swapaxes(z, 1, 2).reshape(draws, -1) if last else head[:, at : at + len(G)]
        checked.append((u, G @ units[places], G @ covariance[places, places] @ G.T))
        at += len(G)
    for ours, expected, spread in checked:
        sds = np.sqrt(spread.diagonal())
        assert (np.abs(ours.mean(axis=0) - expected) < 5 * sds / np.sqrt(draws)).all()
        close = 5 * np.outer(sds, sds) * np.sqrt(2 / draws)
        assert (np.abs(np.cov(ours.T) - spread) < close).all()


@pytest.mark.parametrize("x", [-800.0, -50.0, 50.0, 800.0])
def test_extreme_points_return_and_do_not_raise(x: Any) -> None:
    design, priors, _, basis, layout, *_ = problem("y ~ x + (x | g)")
    value, grad = engine.log_posterior_of(engine.make_model(design, priors, basis, layout)[0])(np.full(4, x))
    assert isinstance(value, float)
    assert grad.shape == (4,)
