"""What a design would show, beside formulas for balanced groups."""

from typing import Any

import numpy as np
import pytest

import hierkit
from hierkit.errors import HierkitError

pytestmark = pytest.mark.slow

GROUPS, ROWS, DATA_SETS = 20, 10, 80
TAU, SIGMA = 1.5, 2.0
TRUTH = {"Intercept": 5.0, "x": 0.5, "sd(Intercept|g)": TAU, "sigma": SIGMA}


def study(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "formula": "y ~ x + (1 | g)",
        "groups": {"g": GROUPS},
        "rows": ROWS,
        "truth": TRUTH,
        "n": DATA_SETS,
        "random_seed": 1,
        "progressbar": False,
    }
    return hierkit.simulate_design(**(given | changes))


@pytest.fixture(scope="module")
def found() -> Any:
    return study()


def test_estimates_vary_as_formulas_say(found: Any) -> None:
    table = found.table().set_index("parameter")
    sd = {"Intercept": np.sqrt(TAU**2 / GROUPS + SIGMA**2 / (GROUPS * ROWS)), "x": SIGMA / np.sqrt(GROUPS * (ROWS - 1))}
    for name, expected in sd.items():
        # an sd of n values has an error of sd / sqrt(2 n)
        assert abs(table.loc[name, "sd"] / expected - 1) < 4 / np.sqrt(2 * DATA_SETS), name
        assert abs(table.loc[name, "estimate"] - TRUTH[name]) < 4 * expected / np.sqrt(DATA_SETS), name
        assert table.loc[name, "truth"] == TRUTH[name]


def test_intervals_hold_the_truth_as_often_as_they_say(found: Any) -> None:
    coverage = found.draws["coverage"].sel(parameter=["Intercept", "x", "sigma"])
    error = np.sqrt(0.89 * 0.11 / DATA_SETS)
    assert (abs(coverage - 0.89) < 4 * error).all()


def test_power_is_that_of_a_normal_estimate(found: Any) -> None:
    from scipy import stats

    clear = study(truth=TRUTH | {"x": 0.3}, random_seed=2).draws["clear"].sel(parameter="x")
    z = 0.3 * np.sqrt(GROUPS * (ROWS - 1)) / SIGMA
    power = stats.norm.sf(stats.norm.ppf(0.945) - z)
    assert abs(float(clear) - power) < 4 * np.sqrt(power * (1 - power) / DATA_SETS)


def test_groups_keep_what_their_rows_are_worth(found: Any) -> None:
    kept = TAU**2 / (TAU**2 + SIGMA**2 / ROWS)
    assert abs(found.draws.attrs["shrinkage"]["g"] - kept) < 0.03
    assert f"groups of g keep {found.draws.attrs['shrinkage']['g']:.0%}" in found.definition


def test_the_best_groups_are_found_where_rows_say_much() -> None:
    certain = study(truth=TRUTH | {"sigma": 0.01}, n=10, best=3)
    assert certain.draws.attrs["best_found"]["g"] > 0.95
    blind = study(truth=TRUTH | {"sigma": 200.0}, n=40, best=2)
    chance = 2 / GROUPS
    assert blind.draws.attrs["best_found"]["g"] < chance + 4 * np.sqrt(chance / 80)


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, again, other = (study(n=10, random_seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.draws["estimates"], again.draws["estimates"])
    assert not np.array_equal(one.draws["estimates"], other.draws["estimates"])


def test_the_truth_is_on_the_scale_of_the_formula() -> None:
    table = study(formula="log(y) ~ x + (1 | g)", n=10).table().set_index("parameter")
    error = np.sqrt(TAU**2 / GROUPS + SIGMA**2 / (GROUPS * ROWS)) / np.sqrt(10)
    assert abs(table.loc["Intercept", "estimate"] - 5.0) < 4 * error


def test_bernoulli_outcomes_and_counts() -> None:
    truth = {"Intercept": 0.5, "x": 1.0, "sd(Intercept|g)": 0.8}
    events = study(truth=truth, family="bernoulli", rows=40, n=10)
    counts = study(
        formula="p(y, size) ~ x + (1 | g)",
        truth=truth,
        family="bernoulli",
        rows=4,
        predictors={"size": [10]},
        n=10,
    )
    for one in (events, counts):
        slope = one.table().set_index("parameter").loc["x"]
        assert abs(slope["estimate"] - 1) < 4 * slope["sd"] / np.sqrt(10)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n": 3}, "n=3. At least 10 data sets are simulated. Pass n=200."),
        ({"best": 20}, "best=20. The smallest factor has 20 groups"),
        ({"best": 0}, "best=0"),
        ({"truth": {"Intercept": 1.0}}, "truth has no 'x'"),
    ],
)
def test_refusals(changes: Any, said: Any) -> None:
    with pytest.raises(HierkitError) as error:
        study(**changes)
    assert said in str(error.value)
