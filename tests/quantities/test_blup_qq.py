from typing import Any

import numpy as np
import pandas as pd
from synthetic import design_of, fixed_draws, synthetic_draws, table

from hierkit.posterior.posterior import Posterior
from hierkit.quantities.blup_qq import blup_qq


def truly_normal(groups: int, outlier: float = 0.0, silent: int = 0) -> Any:
    """Exact posterior draws of random intercepts, n from 1 to 20, one group moved away, some without information."""
    rng = np.random.default_rng(3)
    design = design_of(
        "y ~ 1 + (1 | g)", pd.DataFrame({"g": np.arange(groups).repeat(2), "y": rng.normal(size=2 * groups)})
    )
    posterior = fixed_draws(design, {"1|g_sigma": 1.0}, draws=2000)
    kept = rng.uniform(0.2, 0.95, groups)
    kept[:silent] = 0.0
    means = np.sqrt(kept) * rng.normal(size=groups)
    means[-1] += outlier * np.sqrt(kept[-1])
    draws = means + rng.normal(0, np.sqrt(1 - kept), (1, 2000, groups))
    posterior["1|g"] = posterior["1|g"].copy(data=draws)
    return design, posterior


def test_standardised_effects_are_standard_normal() -> None:
    """Not by sqrt(v), by which truly normal effects would have another spread."""
    design, posterior = truly_normal(800)
    numbers = blup_qq(Posterior(posterior, design)).draws
    z = numbers["standardised"].values[:, 0]
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * 800)
    inside = (numbers["standardised"] >= numbers["lower"]) & (numbers["standardised"] <= numbers["upper"])
    assert inside.all()
    order = np.argsort(z)
    assert (np.diff(numbers["expected"].values[order, 0]) > 0).all()
    assert not numbers["outlying"].any()


def test_outlying_groups_are_named() -> None:
    design, posterior = truly_normal(40, outlier=8.0)
    quantity = blup_qq(Posterior(posterior, design))
    assert quantity.draws["outlying"].values.nonzero()[0].tolist() == [39]
    assert "Outlying groups: 39." in quantity.definition


def test_groups_without_information_are_left_out_and_counted() -> None:
    design, posterior = truly_normal(40, silent=3)
    quantity = blup_qq(Posterior(posterior, design))
    assert np.isnan(quantity.draws["standardised"].values[:3]).all()
    assert np.isfinite(quantity.draws["standardised"].values[3:]).all()
    assert "3 groups whose rows say nothing" in quantity.definition


def test_envelope_holds_95_percent_of_samples_throughout() -> None:
    from hierkit.quantities.blup_qq import _envelope

    _, lower, upper = _envelope(30)
    samples = np.sort(np.random.default_rng(5).uniform(size=(4000, 30)), axis=1)
    inside = ((samples >= lower) & (samples <= upper)).all(axis=1).mean()
    assert abs(inside - 0.95) < 4 * np.sqrt(0.05 * 0.95 * (1 / 4000 + 1 / 2000))


def test_several_effects_have_a_distance() -> None:
    design = design_of("y ~ x + (x | g)", table(100))
    quantity = blup_qq(Posterior(synthetic_draws(design, draws=400), design))
    assert quantity.draws["distance"].dims == ("group",)
    columns = list(quantity.table().columns)
    assert columns[:2] == ["group", "effect"]
    assert "expected_distance" in columns
