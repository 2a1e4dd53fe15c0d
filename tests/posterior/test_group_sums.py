"""Sums of each group's rows, beside the rows."""

import numpy as np
import pytest
from synthetic import design_of, synthetic_draws, table

from hierkit.model.matrices import fitted_matrices
from hierkit.posterior.draws import linear_predictor
from hierkit.posterior.group_sums import group_sums, have_sums
from hierkit.posterior.posterior import Posterior


@pytest.mark.parametrize(
    ("formula", "weights"),
    [
        ("y ~ x + (x | g)", None),
        ("y ~ x + z + offset(k2) + (z | g) + (x | s)", "w"),
        ("y ~ 0 + x + (0 + x | g)", None),
        ("y ~ 1 + (1 | g) + (1 | s)", "w"),
    ],
)
def test_scores_are_those_of_all_rows(formula: str, weights: str | None) -> None:
    """Z'W (y - Xβ - Σ Z_f u_f), wherever outcome and predictor have their zero."""
    data = table().assign(w=lambda d: d.z * 3, k2=lambda d: d["km/h"])
    data["y"] += 1e6
    data["z"] += 1000
    design = design_of(formula, data, weights=weights)
    posterior = Posterior(synthetic_draws(design), design)
    factor = design.factors[0]
    sums = group_sums(design, factor, posterior.known_beside(factor))
    draws, rows = posterior.draws, fitted_matrices(design)
    without = linear_predictor(draws, rows) - np.einsum("ik,sik->si", factor.Z, draws.u[0][:, factor.codes])
    left = (design.outcome.y - without) * design.row_weights
    groups, some = np.array([4, 0]), np.array([1, 7, 50])
    expected = [[factor.Z_centred[factor.codes == j].T @ left[d, factor.codes == j] for j in groups] for d in some]
    found = sums.score(groups, some)
    size = np.abs(left).max() * np.abs(factor.Z_centred).max()
    np.testing.assert_allclose(found, np.moveaxis(np.array(expected), 2, 0), rtol=1e-9, atol=1e-12 * size)
    own = factor.Z_centred[factor.codes == 0]
    weighed = own.T @ (own * design.row_weights[factor.codes == 0, None])
    np.testing.assert_allclose(sums.information[0], weighed, rtol=1e-12)


def test_groups_of_other_outcomes_have_no_sums_nor_beside_large_factors() -> None:
    data = table(300).assign(many=np.arange(300) // 2)
    small = design_of("y ~ x + (1 | g) + (1 | many)", data)
    assert [have_sums(small, factor) for factor in small.factors] == [False, True]
    events = design_of("won ~ x + (1 | g)", data, family="bernoulli")
    assert not have_sums(events, events.factors[0])
