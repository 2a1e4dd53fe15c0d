"""Deviations and coefficients of groups."""

from typing import Any

import numpy as np
import pytest
from synthetic import design_of, linear_predictor, synthetic_draws

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


@pytest.mark.parametrize(
    "text",
    [
        "y ~ x * z + (z * x | g)",
        "y ~ x * level + (x | g)",
        "y ~ h + (0 + h | g)",
        "y ~ 0 + h + (h | g)",
        "y ~ 0 + h * level + (0 + h | g)",
        "y ~ 0 + x + (0 + x:h | g)",
        "y ~ 0 + h:x + (0 + x:h | g)",
    ],
)
def test_own_coefficients_are_those_that_predictions_show(text: Any, data: Any) -> None:
    """Z times a group's own coefficients is the linear predictor of its rows."""
    design = design_of(text, data.assign(level=lambda d: (d.g % 7) - 2.0))
    posterior = synthetic_draws(design)
    factor = design.factors[0]
    own = group_effects(Posterior(posterior, design)).draws["coefficient"].values
    eta = (own[:, :, factor.codes] * factor.Z).sum(axis=-1)
    np.testing.assert_allclose(eta, linear_predictor(design, posterior), rtol=1e-9, atol=1e-9)


def test_what_is_constant_within_groups_is_named(data: Any) -> None:
    design = design_of("y ~ x * level + (x | g)", data.assign(level=lambda d: (d.g % 7) - 2.0))
    text = group_effects(Posterior(synthetic_draws(design), design)).definition
    assert "β contains what level, x:level adds to it in each group" in text


def test_order_of_rows_changes_no_table(data: Any) -> None:
    tables = []
    for rows in (data, data.sample(frac=1, random_state=0)):
        design = design_of("y ~ x + (x | g)", rows)
        tables.append(group_effects(Posterior(synthetic_draws(design), design)).table())
    assert tables[0].equals(tables[1])
