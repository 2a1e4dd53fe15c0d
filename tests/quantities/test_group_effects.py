"""Deviations and coefficients of groups."""

from typing import Any

import numpy as np
from synthetic import design_of, synthetic_draws

from hierkit.posterior.posterior import Posterior
from hierkit.quantities.group_effects import group_effects


def test_group_coefficients_are_added_within_draws(data: Any) -> None:
    design = design_of("y ~ x + (x + z | g)", data)
    posterior = synthetic_draws(design)
    draws = group_effects(Posterior(posterior, design)).draws
    assert draws["coefficient"].dims == ("chain", "draw", "group", "effect")
    np.testing.assert_allclose(draws["coefficient"].sel(effect="x"), posterior["x"] + posterior["x|g"])
    np.testing.assert_allclose(draws["coefficient"].sel(effect="Intercept"), posterior["Intercept"] + posterior["1|g"])
    # z has no common coefficient: the deviation is all there is
    np.testing.assert_allclose(draws["coefficient"].sel(effect="z"), posterior["z|g"])
    np.testing.assert_array_equal(draws["n"], design.factors[0].counts)


def test_order_of_rows_changes_no_table(data: Any) -> None:
    tables = []
    for rows in (data, data.sample(frac=1, random_state=0)):
        design = design_of("y ~ x + (x | g)", rows)
        tables.append(group_effects(Posterior(synthetic_draws(design), design)).table())
    assert tables[0].equals(tables[1])
