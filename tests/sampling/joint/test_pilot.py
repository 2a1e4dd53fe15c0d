"""The pilot is near lme4's estimates; it need not be right."""

from typing import Any

import numpy as np
import pytest
from synthetic import design_of, patterns_of, reference_table, table

from hierkit.sampling.joint.pilot import make_pilot
from hierkit.sampling.kernels.layout import make_layout


def pilot_of(design: Any, head: Any = 0) -> Any:
    layout, p = make_layout(design.factors), len(design.columns)
    rows = patterns_of(design)
    factors = [design.factors[f] for f in layout.order]
    return make_pilot(rows, layout, factors, design.outcome, 0.01 * np.eye(p), np.zeros(p), head), rows, layout


def test_counts() -> None:
    """lme4 on cbpp: -0.991, -1.128, -1.579; sd 0.648."""
    pilot, _, _ = pilot_of(design_of("p(incidence, size) ~ period + (1 | herd)", reference_table("cbpp"), "bernoulli"))
    np.testing.assert_allclose(pilot.v[1:], [-0.991, -1.128, -1.579], atol=0.1)
    assert np.sqrt(pilot.G[0][0, 0]) == pytest.approx(0.65, abs=0.15)


def test_crossed_factors() -> None:
    """lme4 on penicillin: sds 0.847 (plate), 1.932 (sample), residual 0.550."""
    pilot, _, layout = pilot_of(design_of("diameter ~ 1 + (1 | plate) + (1 | sample)", reference_table("penicillin")))
    assert layout.order.tolist() == [1, 0]
    np.testing.assert_allclose([np.sqrt(G[0, 0]) for G in pilot.G], [1.932, 0.847], rtol=0.2)
    assert np.sqrt(pilot.sigma2) == pytest.approx(0.55, rel=0.05)


def test_nested_factors() -> None:
    """lme4 on pastes: sds 1.287 (batch), 2.904 (batch:cask), residual 0.823."""
    pilot, _, _ = pilot_of(design_of("strength ~ 1 + (1 | batch/cask)", reference_table("pastes")))
    assert np.sqrt(pilot.G[1][0, 0]) == pytest.approx(2.9, rel=0.2)
    assert np.sqrt(pilot.sigma2) == pytest.approx(0.823, rel=0.05)


def test_the_information_left_by_the_last_factor() -> None:
    """R is X'WX - X'WZ (Z'WZ + G^-1)^-1 Z'WX and a small ridge, here with matrices written out."""
    design = design_of("y ~ x + (x | g)", table(80))
    pilot, rows, layout = pilot_of(design)
    Z = np.zeros((len(rows.y), layout.first[-1]))
    for k in range(2):
        Z[np.arange(len(rows.y)), 2 * rows.codes[0] + k] = rows.Z[k]
    A = Z.T @ (pilot.W[:, None] * Z) + np.kron(np.eye(layout.groups[0]), np.linalg.inv(pilot.G[0]))
    X, WX = rows.X.T, pilot.W[:, None] * rows.X.T
    np.testing.assert_allclose(pilot.R, X.T @ WX - WX.T @ Z @ np.linalg.solve(A, Z.T @ WX), rtol=1e-3)


def test_separated_data_have_a_pilot() -> None:
    rows = table(200).assign(hit=lambda d: (d.x > 0).astype(int))
    pilot, _, _ = pilot_of(design_of("hit ~ x + (1 | g) + (1 | s)", rows, "bernoulli"))
    assert np.isfinite(pilot.v).all()
    assert np.isfinite(pilot.R).all()


def test_all_factors_in_the_head_give_the_same_estimates() -> None:
    """Whether the last factor is eliminated first is a matter of speed."""
    design = design_of("won ~ x + (1 | g) + (1 | s)", table(200), "bernoulli")
    one, other = pilot_of(design)[0], pilot_of(design, head=2)[0]
    np.testing.assert_allclose(one.v, other.v[: len(one.v)], rtol=1e-8)
    for G, H in zip(one.G, other.G, strict=True):
        np.testing.assert_allclose(G, H, rtol=1e-8)


def test_information_that_is_not_formed_gives_nearly_the_same_estimates(monkeypatch: Any) -> None:
    design = design_of("diameter ~ 1 + (1 | plate) + (1 | sample)", reference_table("penicillin"))
    formed = pilot_of(design)[0]
    monkeypatch.setattr("hierkit.sampling.joint.pilot.MOST_DENSE", 1)
    other = pilot_of(design)[0]
    np.testing.assert_allclose(other.R.dense()[1:, 1:].diagonal(), formed.R[1:, 1:].diagonal(), rtol=0.2)
    np.testing.assert_allclose([G[0, 0] for G in other.G], [G[0, 0] for G in formed.G], rtol=0.3)
    assert other.sigma2 == pytest.approx(formed.sigma2, rel=0.05)
