"""Tables of frequencies, a trial a row."""

import numpy as np
import xarray as xr
from synthetic import frequencies, synthetic_fit

from hierkit.prediction.by_trial import by_trial


def test_every_event_is_a_trial() -> None:
    table, _ = frequencies()
    fit = synthetic_fit("won ~ x + (1 | g)", table, "bernoulli", weights="n")
    found = by_trial(fit.design, fit.posterior_predictive())
    name = fit.design.outcome_name
    seen = found["observed_data"][name]
    assert seen.sizes["__obs__"] == table.n.sum()
    np.testing.assert_array_equal(seen, np.repeat(table.won, table.n))
    replicated = found["posterior_predictive"][name]
    drawn = fit.posterior_predictive()["posterior_predictive"][name]
    xr.testing.assert_equal(replicated.sum("__obs__"), drawn.sum("__obs__").astype(replicated.sum("__obs__").dtype))
    assert set(np.unique(replicated)) == {0, 1}
    fit.plot_replicates().draw_without_rendering()
