"""Rows of unknown groups: which belong together, and their joint density."""

from typing import Any

import numpy as np
from scipy import stats
from synthetic import design_of, fixed_draws, synthetic_draws, table

from hierkit.integration import unknown_groups as module
from hierkit.integration.integrals import log_marginal_from
from hierkit.integration.quadrature import FEWER
from hierkit.integration.unknown_groups import Unknown, connected, known_part, log_density, without
from hierkit.model.matrices import fitted_matrices
from hierkit.posterior.draws import linear_predictor
from hierkit.posterior.effects import read_covariance
from hierkit.posterior.posterior import Posterior


def test_rows_that_share_unknown_groups_belong_together() -> None:
    codes = [np.array([0, 0, 1, 2, 2]), np.array([5, 6, 6, 7, 8])]
    unknown = [np.array([True, True, False, True, True]), np.array([False, True, True, False, False])]
    found = list(connected(5, codes, unknown))
    assert [(one.rows.tolist(), one.groups) for one in found] == [
        ([0, 1, 2], ((0, 0), (1, 6))),
        ([3, 4], ((0, 2),)),
    ]


def test_rows_of_known_groups_stand_alone() -> None:
    found = list(connected(3, [np.array([0, 0, 0])], [np.zeros(3, dtype=bool)]))
    assert [(one.rows.tolist(), one.groups) for one in found] == [([0], ()), ([1], ()), ([2], ())]
    assert len(list(connected(2, [], []))) == 2


def test_the_density_of_nested_groups_is_that_of_their_joint_normal_distribution() -> None:
    design = design_of("y ~ x + (x | s) + (1 | s:g)", table(60))
    posterior = synthetic_draws(design, chains=1, draws=4)
    draws, rows = Posterior(posterior, design).draws, fitted_matrices(design)
    own = np.flatnonzero(design.factors[0].codes == 1)
    unknown = without(design, own)
    assert set(unknown.groups) == {(0, 1)} | {(1, int(code)) for code in np.unique(design.factors[1].codes[own])}
    values, _ = log_density(draws, rows, unknown, design.outcome, None)  # type: ignore[arg-type]
    G = [read_covariance(posterior, factor).values[0] for factor in design.factors]
    for s in range(4):
        Z, cells = design.factors[0].Z[own], design.factors[1].codes[own]
        V = (
            Z @ G[0][s] @ Z.T
            + G[1][s, 0, 0] * (cells[:, None] == cells)
            + np.asarray(draws.sigma)[s] ** 2 * np.eye(len(own))
        )
        mean = design.X[own] @ draws.beta[s]
        np.testing.assert_allclose(values[s], stats.multivariate_normal(mean, V).logpdf(design.outcome.y[own]))


def test_known_groups_keep_their_effects() -> None:
    design = design_of("won ~ x + (x | g) + (1 | s)", table(60), "bernoulli")
    draws, rows = Posterior(synthetic_draws(design), design).draws, fitted_matrices(design)
    own = np.array([3, 5, 11])
    np.testing.assert_allclose(known_part(draws, rows, Unknown(own, ())), linear_predictor(draws, rows)[:, own])


def test_degrees_are_read_where_effects_are_student_t() -> None:
    design = design_of("y ~ x + (x | g) + (1 | s)", table(60))
    posterior = synthetic_draws(design, chains=2, draws=3)
    posterior["s_nu"] = posterior["sigma"] * 0 + 4.0
    none, nu = Posterior(posterior, design).draws.nu
    assert none is None
    np.testing.assert_array_equal(nu, np.full(6, 4.0))


def test_groups_of_which_nothing_is_left_are_unknown() -> None:
    design = design_of("y ~ x + (1 | s/g) + (1 | k)", table(60))
    rows = np.arange(59)
    codes = [factor.codes for factor in design.factors]
    expected = {(f, int(c)) for f, own in enumerate(codes) for c in own[:59] if c != own[59]}
    assert set(without(design, rows).groups) == expected
    assert without(design, np.array([3])).groups == ()


def test_densities_do_not_depend_on_batches() -> None:
    design = design_of("won ~ x + (x | g) + (1 | s)", table(60), "bernoulli")
    draws, rows = Posterior(synthetic_draws(design, chains=2, draws=40), design).draws, fitted_matrices(design)
    group = without(design, np.flatnonzero(design.factors[0].codes == 2))
    whole = log_density(draws, rows, group, design.outcome, None)[0]  # type: ignore[arg-type]
    parts = [log_density(draws.some(slice(i, i + 10)), rows, group, design.outcome, None)[0] for i in range(0, 80, 10)]  # type: ignore[arg-type]
    np.testing.assert_allclose(whole, np.concatenate(parts))


def test_large_groups_need_fewer_nodes_and_have_the_same_density(monkeypatch: Any) -> None:
    """400 rows of a group say much of its level; those of another one of three rows do not, and keep all nodes."""
    data = table(403).assign(g=np.where(np.arange(403) < 400, "many", "few"))
    design = design_of("won ~ x + (1 | g)", data, "bernoulli")
    draws, rows = Posterior(fixed_draws(design, {"1|g_sigma": 3.0}, draws=40), design).draws, fitted_matrices(design)
    asked: list[int | None] = []

    def listening(block: Any, t: Any, nodes: int | None) -> Any:
        asked.append(nodes)
        return log_marginal_from(block, t, nodes)

    monkeypatch.setattr(module, "log_marginal_from", listening)
    found = {}
    for most in (0, 10**9):
        monkeypatch.setattr(module, "MANY", most)
        for code, level in enumerate(design.factors[0].levels):
            group = without(design, np.flatnonzero(design.factors[0].codes == code))
            rng = np.random.default_rng(0)
            found[level, most] = log_density(draws, rows, group, design.outcome, rng)[0]
            if most == 0:
                assert (asked[-1] in FEWER) == (level == "many")
            else:
                assert asked[-1] is None
    for level in ("many", "few"):
        np.testing.assert_allclose(found[level, 0], found[level, 10**9], rtol=0, atol=1e-4)
