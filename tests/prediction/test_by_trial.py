"""Tables of frequencies, a trial a row."""

from typing import Any

import numpy as np
import xarray as xr
from synthetic import frequencies, synthetic_fit

from hierkit.prediction.by_trial import by_trial


def spread(draws: int) -> tuple[Any, Any, Any, Any]:
    """The table, what was drawn of its rows, and the same of its trials, drawn and seen."""
    cells, _ = frequencies()
    fit = synthetic_fit("won ~ x + (1 | g)", cells, "bernoulli", weights="n", draws=draws)
    name = fit.design.outcome_name
    sums = fit.posterior_predictive()
    found = by_trial(fit.design, sums, 1)
    drawn = sums["posterior_predictive"][name]
    return cells, drawn, found["posterior_predictive"][name], found["observed_data"][name]


def test_every_event_is_a_trial() -> None:
    cells, drawn, replicated, seen = spread(50)
    assert seen.sizes["__obs__"] == cells.n.sum()
    np.testing.assert_array_equal(seen, np.repeat(cells.won, cells.n))
    sums = replicated.sum("__obs__")
    xr.testing.assert_equal(sums, drawn.sum("__obs__").astype(sums.dtype))
    assert set(np.unique(replicated)) == {0, 1}


def test_the_trials_of_a_row_have_one_probability() -> None:
    """Were events the first trials of their row, its first trials would seem certain and its last ones impossible."""
    cells, drawn, replicated, _ = spread(2000)
    expected = np.repeat(drawn.mean(("chain", "draw")).values / np.maximum(cells.n, 1), cells.n)
    error = np.sqrt(expected * (1 - expected) / 4000)
    found = replicated.mean(("chain", "draw")).values
    np.testing.assert_array_less(np.abs(found - expected), 5 * error)


def test_the_picture_has_the_probabilities_of_the_same_table_a_trial_a_row() -> None:
    cells, rows = frequencies()
    limits = []
    for data, weights in ((cells, "n"), (rows, None)):
        fit = synthetic_fit("won ~ x + (1 | g)", data, "bernoulli", weights=weights, draws=1000)
        figure = fit.plot_replicates()
        figure.draw_without_rendering()
        limits.append(figure.axes[0].get_xlim())
    np.testing.assert_allclose(limits[0], limits[1], atol=0.08)
