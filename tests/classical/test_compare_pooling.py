from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, fixed_draws, linear_predictor, synthetic_draws, synthetic_fit, table

from hierkit import datasets
from hierkit.classical.compare_pooling import compare_pooling, own_terms
from hierkit.posterior.posterior import Posterior


def mean(quantity: Any, name: Any) -> Any:
    return quantity.draws[name].mean(("chain", "draw"))


def test_team_zero_of_csat_slopes() -> None:
    """Its own least-squares slope is +0.715; one line for all rows is the ordinary regression."""
    data = datasets.csat_slopes()
    design = design_of("csat ~ wait + (wait | team)", data)
    posterior = fixed_draws(design, {"Intercept": 78.0, "wait": -1.0, "wait|team": 0.25, "1|team": -2.0})
    draws = compare_pooling(Posterior(posterior, design)).draws
    own = data[data.team == 0]
    line = np.polyfit(own.wait, own.csat, 1)
    assert draws["none"].sel(group=0, term="wait").item() == pytest.approx(line[0])
    assert line[0] == pytest.approx(0.715, abs=5e-4)
    assert draws["none"].sel(group=0, term="Intercept").item() == pytest.approx(line[1])
    np.testing.assert_allclose(draws["complete"].sel(group=3).values[::-1], np.polyfit(data.wait, data.csat, 1))
    np.testing.assert_allclose(draws["partial"].sel(term="wait"), -0.75)
    np.testing.assert_allclose(draws["partial"].sel(term="Intercept"), 76.0)
    assert draws["n"].sel(group=0) == 6


def test_group_level_predictors_are_part_of_the_intercepts() -> None:
    """The partial intercept and slope give the linear predictor of every row."""
    rows = table(90).assign(level=lambda d: (d.g % 7) * 1.0)
    design = design_of("y ~ x + level + (x | g)", rows)
    posterior = synthetic_draws(design)
    partial = compare_pooling(Posterior(posterior, design)).draws["partial"]
    assert partial.term.values.tolist() == ["Intercept", "x"]
    codes = design.factors[0].codes
    eta = partial[..., codes, 0].values + partial[..., codes, 1].values * design.X[:, 1]
    np.testing.assert_allclose(eta, linear_predictor(design, posterior), rtol=1e-10)


@pytest.mark.parametrize(
    "text",
    [
        "y ~ x * level + (x | g)",
        "y ~ h + (0 + h | g)",
        "y ~ 0 + h + level + (1 | g)",
        "y ~ 0 + x + level + (1 | g)",
        "y ~ 0 + (x | g)",
        "y ~ 0 + kind + x + (0 + x | g)",
    ],
)
def test_own_terms_hold_all_that_the_model_says_of_a_group(text: Any) -> None:
    """Whatever the coding, X of the group's own regression times `partial` is the linear predictor of its rows."""
    rows = table(90).assign(level=lambda d: (d.g % 7) - 2.0, kind=lambda d: np.where(d.g < 30, "a", "b"))
    design = design_of(text, rows)
    posterior = synthetic_draws(design)
    terms = own_terms(design, design.factors[0])
    quantity = compare_pooling(Posterior(posterior, design))
    partial = quantity.draws["partial"].values[..., design.factors[0].codes, :]
    eta = (partial * terms.X).sum(axis=-1)
    np.testing.assert_allclose(eta, linear_predictor(design, posterior), rtol=1e-9, atol=1e-9)
    assert set(quantity.draws["status"].values) == {"estimated"}
    if design.columns:
        complete = np.linalg.lstsq(design.X, design.outcome.y)[0]
        own = quantity.draws["complete"].values[design.factors[0].codes]
        np.testing.assert_allclose((own * terms.X).sum(axis=1), design.X @ complete, rtol=1e-7, atol=1e-9)


def test_a_predictor_far_from_zero_is_not_taken_for_separation() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"year": rng.integers(2010, 2020, 400), "g": np.arange(400) % 8, "y": rng.integers(0, 2, 400)})
    design = design_of("y ~ year + (1 | g)", rows, "bernoulli")
    quantity = compare_pooling(Posterior(fixed_draws(design, {"Intercept": 0.1, "year": 0.0, "1|g": 0.0}), design))
    assert set(quantity.draws["status"].values) == {"estimated"}


def test_counts_that_are_predicted_exactly_and_rows_without_trials() -> None:
    rows = pd.DataFrame({"hits": [3, 3, 5, 7, 0], "tries": [10, 10, 10, 10, 0], "g": [0, 0, 1, 1, 1]})
    design = design_of("p(hits, tries) ~ 1 + (1 | g)", rows, "bernoulli")
    draws = compare_pooling(Posterior(synthetic_draws(design), design)).draws
    assert draws["status"].values.tolist() == ["estimated", "estimated"]
    np.testing.assert_allclose(draws["none"].values[:, 0], np.log([0.3 / 0.7, 0.6 / 0.4]), rtol=1e-6)


def test_groups_that_cannot_be_estimated_are_marked() -> None:
    rows = pd.DataFrame(
        {
            "x": [0.0, 1, 2, 3, 4, 5] * 3 + [1.0],
            "y": [0, 1, 0, 1, 0, 1] + [0, 0, 0, 1, 1, 1] + [1] * 6 + [0],
            "g": ["mixed"] * 6 + ["parted"] * 6 + ["all"] * 6 + ["one"],
        }
    )
    design = design_of("y ~ x + (1 | g)", rows, "bernoulli")
    quantity = compare_pooling(Posterior(synthetic_draws(design), design))
    status = dict(zip(quantity.draws.group.values, quantity.draws["status"].values, strict=True))
    assert status == {"all": "separated", "mixed": "estimated", "one": "rank-deficient", "parted": "separated"}
    assert np.isnan(quantity.draws["none"].sel(group=["all", "one", "parted"])).all()
    assert np.isfinite(quantity.draws["none"].sel(group="mixed")).all()
    assert "3 groups have too few or separated rows" in quantity.definition


def test_counts_are_regressed_with_their_trials() -> None:
    """The regression of counts is that of the rows they count."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=60), "g": np.arange(60) % 3, "tries": rng.integers(5, 20, 60)})
    rows["hits"] = rng.binomial(rows.tries, 1 / (1 + np.exp(-rows.x)))
    long = rows.loc[rows.index.repeat(rows.tries)]
    long["hit"] = np.concatenate([np.arange(n) < h for n, h in zip(rows.tries, rows.hits, strict=True)]).astype(int)
    counts, events = (
        design_of(t, d, "bernoulli") for t, d in (("p(hits, tries) ~ x + (1 | g)", rows), ("hit ~ x + (1 | g)", long))
    )
    one, other = (compare_pooling(Posterior(synthetic_draws(design), design)).draws for design in (counts, events))
    for name in ("none", "none_se", "complete"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-6)


def test_table_has_one_row_for_each_group_and_term() -> None:
    design = design_of("y ~ x + (x | g)", table(90))
    found = compare_pooling(Posterior(synthetic_draws(design), design)).table()
    assert {"group", "term", "n", "shrinkage", "status", "complete", "none", "none_se", "estimate"} <= set(
        found.columns
    )
    assert len(found) == 12


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | s/g)", "y ~ x + (x | s/g)"])
def test_groups_within_groups_have_the_line_that_the_model_predicts(formula: str) -> None:
    """The effects of the group that contains them belong to it, as in their own regressions."""
    data = table(200).assign(g=lambda t: t.g // 10 % 3)
    fit = synthetic_fit(formula, data)
    rows = data.drop_duplicates(["s", "g"]).assign(x=0.0)
    expected = fit.predict(rows).draws["mean"].mean(("chain", "draw")).values
    found = fit.compare_pooling("s:g").draws["partial"].sel(term="Intercept").mean(("chain", "draw"))
    labels = [f"{s}:{g}" for s, g in zip(rows.s, rows.g, strict=True)]
    np.testing.assert_allclose(found.sel(group=labels).values, expected)
