from typing import Any

import numpy as np
import pytest
from synthetic import design_of, many_groups, synthetic_draws, table

from hierkit.errors import HierkitError
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.ranks import ranks


def test_ranks_within_draws() -> None:
    design = design_of("y ~ x + (x | g)", table(100))
    posterior = synthetic_draws(design)
    quantity = ranks(Posterior(posterior, design), effect="x", best=2)
    rank = quantity.draws["rank"]
    assert (rank.sum("group") == 21).all()
    best = posterior["x|g"].idxmax("g__factor_dim")
    for chain, draw in ((0, 0), (1, 7)):
        assert rank.sel(chain=chain, draw=draw, group=best.sel(chain=chain, draw=draw).item()) == 1
    np.testing.assert_array_equal(quantity.draws["among_best"].sum("group"), 2)
    low = ranks(Posterior(posterior, design), effect="x", highest_first=False).draws["rank"]
    np.testing.assert_array_equal(low, 7 - rank)


def test_ranks_of_means_are_not_expected_ranks() -> None:
    """A small group with the largest mean but a wide posterior is not the surest best."""
    design = design_of("y ~ 1 + (1 | g)", table(100))
    posterior = synthetic_draws(design, draws=2000)
    rng = np.random.default_rng(0)
    means, sds = np.array([1.0, 0.9, 0, 0, 0, 0]), np.array([3.0, 0.1, 0.1, 0.1, 0.1, 0.1])
    posterior["1|g"] = posterior["1|g"].copy(data=rng.normal(means, sds, posterior["1|g"].shape))
    expected = ranks(Posterior(posterior, design)).draws["rank"].mean(("chain", "draw"))
    assert expected.argmin("group") == 1
    assert posterior["1|g"].mean(("chain", "draw")).argmax("g__factor_dim") == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [({"effect": "z"}, "has no effect 'z'"), ({"best": 0}, "from 1 to 6"), ({"best": 2.5}, "whole number")],
)
def test_refusals(options: Any, message: Any) -> None:
    design = design_of("y ~ x + (x | g)", table(100))
    with pytest.raises(HierkitError, match=message):
        ranks(Posterior(synthetic_draws(design), design), **options)


@pytest.mark.parametrize(("groups", "best"), [(40, 4), (6, 1)])
def test_the_best_are_a_tenth_of_the_groups_unless_a_number_is_given(groups: Any, best: Any) -> None:
    design = design_of("y ~ x + (1 | g)", many_groups(groups))
    found = ranks(Posterior(synthetic_draws(design), design))
    assert (found.draws["among_best"].sum("group") == best).all()
    assert f"a rank up to {best}." in found.definition
