"""Predictions: known, new, typical and marginal groups; means and outcomes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit
from synthetic import design_of, fixed_draws, linear_predictor, synthetic_draws, table

from hierkit.errors import HierkitError
from hierkit.posterior.effects import coefficient_draws, read_covariance
from hierkit.posterior.posterior import Posterior
from hierkit.prediction.predict import predict

GAUSSIAN = "y ~ x + log(z) + h + (x | g) + (1 | s)"
BERNOULLI = "won ~ x + h + (x | g) + (1 | s)"


def model(formula: Any = GAUSSIAN, family: Any = "gaussian", **sizes: Any) -> Any:
    design = design_of(formula, table(90), family)
    return synthetic_draws(design, **sizes), design


def rows(n: Any = 40, **columns: Any) -> Any:
    return table(n, seed=1).assign(**columns)


@pytest.mark.parametrize(("formula", "family"), [(GAUSSIAN, "gaussian"), (BERNOULLI, "bernoulli")])
def test_known_groups_give_the_fitted_predictor(formula: Any, family: Any) -> None:
    posterior, design = model(formula, family)
    eta = linear_predictor(design, posterior)
    found = predict(Posterior(posterior, design), table(90)).draws["mean"]
    np.testing.assert_allclose(found, eta if family == "gaussian" else expit(eta), rtol=1e-12)
    assert found.dims == ("chain", "draw", "row")


@pytest.mark.parametrize(("formula", "family"), [(GAUSSIAN, "gaussian"), (BERNOULLI, "bernoulli")])
def test_typical_groups_have_no_effects(formula: Any, family: Any) -> None:
    posterior, design = model(formula, family)
    eta = coefficient_draws(posterior, design.columns).values @ design.X.T
    found = predict(Posterior(posterior, design), table(90).drop(columns=["g", "s"]), "typical").draws["mean"]
    np.testing.assert_allclose(found, eta if family == "gaussian" else expit(eta))


def test_marginal_means_are_averages_over_new_groups() -> None:
    posterior, design = model(BERNOULLI, "bernoulli", chains=1, draws=3)
    row = table(90).iloc[[4]]
    marginal = predict(Posterior(posterior, design), row, "marginal").draws["mean"].values[0, :, 0]
    labels = [f"new {i}" for i in range(4000)]
    many = pd.concat([row] * 4000).assign(g=labels, s=labels)
    each = predict(Posterior(posterior, design), many, "new").draws["mean"].values[0]
    error = each.std(axis=1) / np.sqrt(4000)
    np.testing.assert_array_less(np.abs(each.mean(axis=1) - marginal), 4 * error)


def test_marginal_means_of_a_gaussian_outcome_are_the_typical_ones() -> None:
    posterior, design = model()
    typical, marginal = (
        predict(Posterior(posterior, design), rows(), groups).draws["mean"] for groups in ("typical", "marginal")
    )
    xr.testing.assert_equal(typical, marginal)


def test_new_labels_differ_and_rows_of_a_label_share() -> None:
    posterior, design = model()
    new = rows(4, x=1.0, z=1.5, h="low", s="N", g=["A", "B", "A", "B"])
    a, b, a_again, b_again = (
        predict(Posterior(posterior, design), new, "new").draws["mean"].transpose("row", ...).values
    )
    np.testing.assert_array_equal(a, a_again)
    np.testing.assert_array_equal(b, b_again)
    assert (a != b).all()


def test_the_spread_of_new_groups_is_that_of_their_effects() -> None:
    posterior, design = model("y ~ x + (x | g)", chains=1, draws=5)
    labels = [f"new {i}" for i in range(20_000)]
    new = pd.DataFrame({"x": 1.7, "g": labels})
    found = predict(Posterior(posterior, design), new, "new").draws["mean"].values[0]
    z = np.array([1, 1.7])
    expected = np.sqrt([z @ G @ z for G in read_covariance(posterior, design.factors[0]).values[0]])
    # the sd of a sd from 20,000 values is 0.5 %
    np.testing.assert_allclose(found.std(axis=1), expected, rtol=0.02)
    eta = coefficient_draws(posterior, design.columns).values[0] @ z
    np.testing.assert_array_less(np.abs(found.mean(axis=1) - eta), 4 * expected / np.sqrt(20_000))


def test_new_student_t_groups_have_its_tails() -> None:
    posterior, design = model("y ~ 1 + (1 | g)", chains=1, draws=2)
    posterior["g_nu"] = xr.full_like(posterior["sigma"], 5.0)
    labels = [f"new {i}" for i in range(20_000)]
    found = predict(Posterior(posterior, design), pd.DataFrame({"g": labels}), "new").draws["mean"].values[0]
    scale = np.sqrt(read_covariance(posterior, design.factors[0]).values[0, :, 0, 0])
    np.testing.assert_allclose(found.std(axis=1), scale * np.sqrt(5 / 3), rtol=0.05)


@pytest.mark.parametrize("kind", ["mean", "outcome"])
@pytest.mark.parametrize("groups", ["new", "marginal"])
@pytest.mark.parametrize(("formula", "family"), [(GAUSSIAN, "gaussian"), (BERNOULLI, "bernoulli")])
def test_the_same_seed_gives_the_same_numbers_in_any_order(formula: Any, family: Any, groups: Any, kind: Any) -> None:
    posterior, design = model(formula, family)
    new = rows(12, g=["A", "B", 10, "A"] * 3)
    first = predict(Posterior(posterior, design), new, groups, kind, random_seed=3).draws[kind].values
    again = predict(Posterior(posterior, design), new, groups, kind, random_seed=3).draws[kind].values
    np.testing.assert_array_equal(again, first)
    order = np.random.default_rng(0).permutation(12)
    moved = predict(Posterior(posterior, design), new.iloc[order, ::-1], groups, kind, random_seed=3).draws[kind].values
    np.testing.assert_allclose(moved, first[..., order], rtol=1e-10)
    alone = predict(Posterior(posterior, design), new.iloc[[1]], groups, kind, random_seed=3).draws[kind].values
    np.testing.assert_allclose(alone, first[..., [1]], rtol=1e-10)
    if (groups, kind) != ("marginal", "mean"):
        other = predict(Posterior(posterior, design), new, groups, kind, random_seed=4).draws[kind].values
        assert (other != first).any()


def test_groups_can_be_known_for_one_factor_and_new_for_another() -> None:
    posterior, design = model()
    data = table(90)
    known = predict(Posterior(posterior, design), data).draws["mean"].values
    mixed = (
        predict(Posterior(posterior, design), data.assign(s="elsewhere"), {"g": "known", "s": "new"})
        .draws["mean"]
        .values
    )
    typical = predict(Posterior(posterior, design), data, {"s": "typical"}).draws["mean"].values
    effect = posterior["1|s"].values[..., design.factor("s").codes]
    np.testing.assert_allclose(known - typical, effect, atol=1e-12)
    difference = mixed - typical
    np.testing.assert_allclose(difference, difference[..., :1].repeat(90, axis=-1), atol=1e-12)


def test_known_labels_keep_their_effects_beside_new_ones() -> None:
    posterior, design = model()
    data = table(90)
    some = data.head(6).assign(g=lambda t: [*t.g[:5], "new"])
    known = predict(Posterior(posterior, design), data.head(6)).draws["mean"].values
    found = predict(Posterior(posterior, design), some, "new")
    np.testing.assert_array_equal(found.draws["mean"].values[..., :5], known[..., :5])
    assert "'new'" in found.definition


@pytest.mark.parametrize("groups", ["known", "new", "typical", "marginal"])
def test_outcomes_scatter_about_the_mean(groups: Any) -> None:
    posterior, design = model("y ~ x + (x | g)", chains=1, draws=1)
    posterior = posterior.isel(draw=np.zeros(20_000, dtype=int)).assign_coords(draw=np.arange(20_000))
    new = pd.DataFrame({"x": [0.3, -2.0], "g": [10, 20]})
    mean = predict(Posterior(posterior, design), new, groups).draws["mean"].values[0]
    outcome = predict(Posterior(posterior, design), new, groups, "outcome").draws["outcome"].values[0]
    variance = posterior["sigma"].values[0, 0] ** 2
    if groups == "marginal":
        G = read_covariance(posterior, design.factors[0]).values[0, 0]
        variance = variance + np.array([np.array([1, x]) @ G @ np.array([1, x]) for x in new.x])
    np.testing.assert_allclose((outcome - mean).var(axis=0), variance, rtol=0.05)
    np.testing.assert_array_less(np.abs((outcome - mean).mean(axis=0)), 4 * np.sqrt(variance / 20_000))
    assert abs(np.corrcoef((outcome - mean).T)[0, 1]) < 4 / np.sqrt(20_000)


@pytest.mark.parametrize("groups", ["known", "marginal"])
def test_outcomes_of_counts_are_successes_in_the_rows_trials(groups: Any) -> None:
    posterior, design = model("p(hits, tries) ~ x + (1 | g)", "bernoulli", chains=1, draws=1)
    posterior = posterior.isel(draw=np.zeros(20_000, dtype=int)).assign_coords(draw=np.arange(20_000))
    new = pd.DataFrame({"x": [0.3, -2.0], "g": [10, 20], "tries": [1, 12]})
    p = predict(Posterior(posterior, design), new, groups).draws["mean"].values[0]
    outcome = predict(Posterior(posterior, design), new, groups, "outcome").draws["outcome"].values[0]
    assert outcome.max(axis=0).tolist() <= [1.0, 12.0]
    error = outcome.std(axis=0) / np.sqrt(20_000)
    np.testing.assert_array_less(np.abs(outcome.mean(axis=0) - [1, 12] * p.mean(axis=0)), 4 * error)
    overdispersed = outcome[:, 1].var() > 1.3 * 12 * p[0, 1] * (1 - p[0, 1])
    assert overdispersed == (groups == "marginal")


def test_equal_rows_have_outcomes_of_their_own() -> None:
    posterior, design = model()
    twice = pd.concat([rows(1, g=10)] * 2)
    one, other = (
        predict(Posterior(posterior, design), twice, kind="outcome").draws["outcome"].transpose("row", ...).values
    )
    assert (one != other).all()


def test_a_table_computed_in_parts_is_the_table_of_the_whole() -> None:
    posterior, design = model(chains=4, draws=1000)
    new = rows(700, g=10, s="N")
    found = predict(Posterior(posterior, design), new)
    whole = predict(Posterior(posterior, design), new)
    loaded = type(whole)(whole.draws.load(), whole.definition)
    pd.testing.assert_frame_equal(found.table(), loaded.table())
    estimate = linear_predictor_of(posterior, design, new).mean(axis=(0, 1))
    np.testing.assert_allclose(found.table()["estimate"], estimate)


def linear_predictor_of(posterior: Any, design: Any, new: Any) -> Any:
    return predict(Posterior(posterior, design), new).draws["mean"].values


def test_a_table_names_the_groups_that_were_read() -> None:
    posterior, design = model()
    found = predict(Posterior(posterior, design), rows(3, g=["A", 10, 20]), {"g": "new", "s": "typical"}).table()
    assert found.columns.tolist()[:3] == ["row", "g", "estimate"]
    assert found["g"].tolist() == ["A", 10, 20]


def test_every_coding_of_a_category_predicts_a_single_row() -> None:
    text = "y ~ C(h, Treatment('mid')) + S(k) + T(flag, 'yes') + binary(s, 'N') + C(hits) + (1 | g)"
    posterior, design = model(text)
    whole = predict(Posterior(posterior, design), table(90)).draws["mean"].values
    for i in (0, 11):
        one = predict(Posterior(posterior, design), table(90).iloc[[i]]).draws["mean"].values
        np.testing.assert_allclose(one, whole[..., [i]])


def test_rows_whose_groups_do_not_vary_have_outcomes_too() -> None:
    posterior, design = model("y ~ x + (0 + x | g)")
    new = pd.DataFrame({"x": [0.0]})
    assert np.isfinite(predict(Posterior(posterior, design), new, "marginal", "outcome").draws["outcome"].values).all()


def test_models_without_groups_predict_too() -> None:
    design = design_of("y ~ x", table(90))
    posterior = fixed_draws(design, {"Intercept": 1.0, "x": 2.0, "sigma": 1.0})
    for groups in ("known", "new", "typical", "marginal"):
        found = predict(Posterior(posterior, design), pd.DataFrame({"x": [3.0]}), groups)
        assert found.table()["estimate"].tolist() == [7.0]


def test_marginal_means_are_averages_over_student_t_effects() -> None:
    posterior, design = model("won ~ 1 + (1 | g)", "bernoulli")
    nu = 3.0
    posterior["g_nu"] = xr.full_like(posterior["Intercept"], nu)
    found = predict(Posterior(posterior, design), pd.DataFrame({"g": [10]}), "marginal").draws["mean"][0, 0, 0].item()
    level, scale = float(posterior["Intercept"][0, 0]), float(posterior["1|g_sigma"][0, 0])
    expected = quad(lambda t: expit(level + scale * t) * stats.t.pdf(t, nu), -np.inf, np.inf, limit=500)[0]
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"'g' has unseen groups: 'A'. The groups in the fitted rows are 0, 10.*pass groups="),
        ({"groups": {"g": "new", "s": "unknown"}}, r"groups\['s'\]='unknown'. It is one of 'known', 'new'"),
        ({"groups": {"team": "new"}}, "The model has no factor 'team'. Its factors are 'g', 's'"),
        ({"groups": "average"}, "groups='average'"),
        ({"groups": "new", "kind": "prediction"}, "kind='prediction'. It is one of 'mean', 'outcome'"),
        (
            {"groups": "marginal", "given": table(2)},
            "given= adds rows of new groups, and the effects of 'g' are 'marginal'",
        ),
        ({"groups": {"g": "new"}, "given": table(2), "kind": "odds"}, "kind='odds'"),
        ({"groups": {"s": "typical"}, "given": table(2)}, "With given= every factor is 'known' or 'new'"),
    ],
)
def test_refusals(arguments: Any, message: Any) -> None:
    posterior, design = model()
    with pytest.raises(HierkitError, match=message):
        predict(Posterior(posterior, design), rows(3, g="A"), **arguments)
