"""Rows and groups left out: importance sampling against fits without them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic import design_of, fixed_draws, frequencies, reference_table, sleepstudy_fit, synthetic_draws, table

import hierkit
from hierkit.errors import HierkitError, HierkitWarning
from hierkit.posterior.posterior import Posterior
from hierkit.validation.compare import compare_validations
from hierkit.validation.leave_out import _warn_of_errors, logo, loo
from hierkit.validation.refits import bridged


def test_with_one_point_for_a_posterior_scores_are_densities() -> None:
    design = design_of("y ~ x + (1 | g)", table(40))
    posterior = fixed_draws(design, {"Intercept": 0.1, "x": 0.2, "sigma": 1.3, "1|g_sigma": 0.7}, draws=40)
    posterior["1|g"] = posterior["1|g"] * 0 + posterior["1|g"].isel(draw=0)
    u = posterior["1|g"].values[0, 0, design.factors[0].codes]
    found = loo(Posterior(posterior, design))
    eta = 0.1 + 0.2 * design.X[:, 1]
    expected = stats.norm(eta + u, 1.3).logpdf(design.outcome.y)
    np.testing.assert_allclose(found.draws["elpd"], expected)
    assert found.p == pytest.approx(0, abs=1e-9)
    groups = logo(Posterior(posterior, design), design.factor())
    for j in range(6):
        own = design.factors[0].codes == j
        V = 0.49 * np.ones((own.sum(), own.sum())) + 1.69 * np.eye(own.sum())
        assert groups.draws["elpd"].values[j] == pytest.approx(
            stats.multivariate_normal(eta[own], V).logpdf(design.outcome.y[own])
        )
    assert groups.draws["n"].values.tolist() == design.factors[0].counts.tolist()


def test_integration_errors_are_reported_where_there_are_any() -> None:
    design = design_of("won ~ x + z + (x + z | g)", table(60), "bernoulli")
    posterior = synthetic_draws(design, chains=2, draws=60)
    with pytest.warns(HierkitWarning, match="Pareto k above"):
        found = logo(Posterior(posterior, design), design.factor())
    assert 0 < found.draws["integration_error"].max() < 0.3
    assert "integration_error" in found.definition


def test_a_large_pareto_k_is_warned_of_and_named() -> None:
    """About 0.9; estimated from 1,000 draws a chain it is now and then below 0.7."""
    options: dict[str, Any] = {"random_seed": 1, "progressbar": False, "draws": 4000}
    fit = hierkit.fit("Reaction ~ Days + (Days | Subject)", reference_table("sleepstudy"), **options)
    with pytest.warns(
        HierkitWarning,
        match=r"Pareto k above 0.70 for group of Subject '332': .* With refit=True the model is fitted again",
    ):
        found = fit.logo()
    assert found.bad == 1
    worst = found.table().sort_values("pareto_k").iloc[-1]
    assert worst["group"] == "332"
    assert f"Sum {found.elpd:.1f}" in found.definition


def test_models_are_compared_pair_by_pair() -> None:
    fit = sleepstudy_fit()
    data = reference_table("sleepstudy")
    other = hierkit.fit("Reaction ~ Days + (1 | Subject)", data, random_seed=1, progressbar=False)
    one, two = fit.loo(refit=True), other.loo(refit=True)
    found = hierkit.compare({"intercepts": two, "slopes": one}).table()
    assert found["model"].tolist() == ["slopes", "intercepts"]
    difference = two.draws["elpd"].values - one.draws["elpd"].values
    np.testing.assert_allclose(found["elpd_diff"], [0, difference.sum()])
    np.testing.assert_allclose(found["dse"], [0, np.sqrt(180 * difference.var(ddof=1))])
    assert found["bad_k"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.head(100), r"'b' \(100 rows\) and 'a' \(180 rows\) were fitted to different rows"),
        (lambda t: t.assign(Reaction=t.Reaction + 1), "were fitted to different rows"),
        (lambda t: t.rename(columns={"Reaction": "R"}), r"predicts R(eaction)? \(gaussian\) and"),
    ],
)
def test_models_of_other_rows_are_not_compared(change: Any, message: Any) -> None:
    data = reference_table("sleepstudy")
    options: dict[str, Any] = {"random_seed": 1, "progressbar": False, "draws": 1000}
    fits = {
        name: hierkit.fit(f"{rows.columns[0]} ~ Days", rows, **options)
        for name, rows in (("a", data), ("b", change(data)))
    }
    with pytest.raises(HierkitError, match=message):
        hierkit.compare(fits)
    with pytest.raises(HierkitError, match="It needs at least two, each with a name"):
        hierkit.compare({"a": fits["a"]})
    with pytest.raises(HierkitError, match="not a mapping of names to fits"):
        hierkit.compare(list(fits.values()))  # type: ignore[arg-type]


def test_rows_and_groups_left_out_are_not_compared() -> None:
    fit = sleepstudy_fit()
    with pytest.raises(HierkitError, match="leaves out"):
        hierkit.compare({"a": fit.loo(refit=True), "b": fit.logo(refit=True)})


def new_fit(fit: Any, places: Any, draws: Any = 4000) -> Any:
    """The same model fitted without some rows, by what a user would write; its draws, and those rows."""
    rows = fit.design.rows.frame
    options: dict[str, Any] = {
        "family": fit.design.family.name,
        "priors": fit.priors,
        "progressbar": False,
        "random_seed": 9,
    }
    smaller = hierkit.fit(fit.formula.text, rows.drop(index=places), draws=draws, **options)
    return smaller, rows.iloc[places]


def log_mean(values: Any) -> Any:
    """The logarithm of a mean, and its Monte Carlo error."""
    p = np.exp(values - values.max())
    ess = len(p) / 2  # draws of the parameters' posterior are nearly independent
    return np.log(p.mean()) + values.max(), p.std() / p.mean() / np.sqrt(ess)


def gaussian_score(fit: Any, places: Any) -> float:
    """log p(rows | all others) for rows of one group, with β and u integrated out.

    σ and G are drawn in the fit and in one without those rows, and bridge sampling joins them: the plain mean over the
    latter has too heavy a tail for rows six residual sds away.
    """
    smaller, _ = new_fit(fit, places)
    posteriors = [Posterior(one.draws["posterior"].to_dataset(), one.design).draws for one in (fit, smaller)]
    with_them, without_them = (densities_given_others(fit.design, one, places) for one in posteriors)
    return bridged(with_them, without_them)


def densities_given_others(design: Any, draws: Any, places: Any) -> Any:
    """(sample,), log p(rows | all others, σ, G) by universal kriging, the prior of β taken for flat.

    With K = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1 of all rows, some rows s are normal about y - K_ss^-1 (K y)_s, with
    covariance K_ss^-1, given the others. The prior of β is 20 times as wide as what the rows say of it.
    """
    factor = design.factors[0]
    noise = np.asarray(draws.sigma)[:, None, None] ** 2
    information: Any = 0.0
    moments: Any = 0.0
    for j in range(len(factor.levels)):
        rows = factor.codes == j
        X, Z, y = design.X[rows], factor.Z[rows], design.outcome.y[rows]
        inverse = np.linalg.inv(Z @ draws.G[0] @ Z.T + noise * np.eye(len(y)))
        information = information + X.T @ inverse @ X
        moments = moments + X.T @ (inverse @ y[:, None])
        if rows[places].all():
            own = np.isin(np.flatnonzero(rows), places)
            weighted = (inverse @ X)[:, own]
            alone, Ky = inverse[:, own][:, :, own], (inverse @ y)[:, own, None]
    K = alone - weighted @ np.linalg.solve(information, weighted.swapaxes(1, 2))
    Ky = Ky - weighted @ np.linalg.solve(information, moments)
    squares = (Ky * np.linalg.solve(K, Ky)).sum(axis=(1, 2))
    return 0.5 * (np.linalg.slogdet(K)[1] - len(places) * np.log(2 * np.pi) - squares)


@pytest.fixture(scope="module")
def long_sleepstudy() -> Any:
    data = reference_table("sleepstudy")
    return hierkit.fit("Reaction ~ Days + (Days | Subject)", data, random_seed=1, progressbar=False, draws=10_000)


@pytest.mark.slow
@pytest.mark.xdist_group("long_sleepstudy")
def test_gaussian_groups_left_out_score_as_in_fits_without_them(long_sleepstudy: Any) -> None:
    fit = long_sleepstudy
    found, codes = fit.logo(refit=True).draws["elpd"].values, fit.design.factors[0].codes
    exact = [gaussian_score(fit, np.flatnonzero(codes == j)) for j in range(18)]
    assert np.abs(found - exact).max() < 0.05


@pytest.mark.slow
@pytest.mark.xdist_group("long_sleepstudy")
def test_rows_left_out_score_as_in_fits_without_them(long_sleepstudy: Any) -> None:
    found = long_sleepstudy.loo(refit=True)
    worst = np.argsort(found.draws["p"].values)[-2:]
    places = [*worst, 0, 20, 40, 60, 80, 100, 120, 140]
    exact = [gaussian_score(long_sleepstudy, np.array([place])) for place in places]
    errors = np.abs(found.draws["elpd"].values[places] - exact)
    assert errors[:2].max() < 0.1  # four times the sd of these scores over seeds, 0.024
    assert errors[2:].max() < 0.015


def test_bridges_are_nearer_than_either_end() -> None:
    # p(y | θ) for y = 4 ~ N(θ, 1): θ ~ N(0, 1) without it and N(2, 1/2) with it, so that p(y) = N(4; 0, 2)
    rng, exact = np.random.default_rng(0), stats.norm(0, np.sqrt(2)).logpdf(4)
    found = []
    for _ in range(200):
        with_it, without_it = rng.normal(2, np.sqrt(0.5), 1000), rng.normal(0, 1, 1000)
        own, other = (np.asarray(stats.norm(theta, 1).logpdf(4)) for theta in (with_it, without_it))
        ends = [-(np.logaddexp.reduce(-own) - np.log(1000)), np.logaddexp.reduce(other) - np.log(1000)]
        found.append([bridged(own, other), *ends])
    errors = np.sqrt(np.mean((np.array(found) - exact) ** 2, axis=0))
    assert errors[0] < 0.6 * errors[1:].min()
    assert abs(np.mean(found, axis=0)[0] - exact) < 4 * errors[0] / np.sqrt(200)


@pytest.mark.slow
def test_bernoulli_groups_left_out_score_as_in_fits_without_them() -> None:
    data = reference_table("cbpp")
    text = "p(incidence, size) ~ period + (1 | herd)"
    fit = hierkit.fit(text, data, family="bernoulli", random_seed=1, progressbar=False, draws=4000)
    found, codes = fit.logo(refit=True), fit.design.factors[0].codes
    v = np.random.default_rng(0).normal(size=100)
    for j in range(15):
        places = np.flatnonzero(codes == j)
        smaller, rows = new_fit(fit, places)
        draws = Posterior(smaller.draws["posterior"].to_dataset(), smaller.design).draws
        columns = pd.get_dummies(rows.period.astype(str)).reindex(columns=list("234"), fill_value=0).to_numpy(float)
        eta = draws.beta[:, :1] + draws.beta[:, 1:] @ columns.T
        # brute force over the new herd's effect: one draw of it for each draw and each of 100 values
        logit = eta[:, None, :] + np.sqrt(draws.G[0][:, 0, 0])[:, None, None] * v[:, None]
        p = 1 / (1 + np.exp(-logit))
        each = np.exp(stats.binom(rows["size"].to_numpy(), p).logpmf(rows.incidence.to_numpy()).sum(axis=2))
        by_value = each.mean(axis=0)
        exact, error = np.log(by_value.mean()), by_value.std() / by_value.mean() / np.sqrt(len(v))
        assert abs(found.draws["elpd"].values[j] - exact) < 4 * np.hypot(error, 0.02)


@pytest.mark.slow
def test_nested_groups_left_out_score_as_in_fits_without_them() -> None:
    data = reference_table("pastes")
    fit = hierkit.fit("strength ~ 1 + (1 | batch/cask)", data, random_seed=1, progressbar=False, draws=4000)
    found = fit.logo("batch", refit=True).draws["elpd"].values
    for j in (0, 4, 9):
        places = np.flatnonzero(fit.design.factors[0].codes == j)
        smaller, rows = new_fit(fit, places)
        draws = Posterior(smaller.draws["posterior"].to_dataset(), smaller.design).draws
        same = rows.cask.to_numpy()[:, None] == rows.cask.to_numpy()
        scores = [
            stats.multivariate_normal(
                np.full(len(rows), draws.beta[s, 0]),
                draws.G[0][s, 0, 0] + draws.G[1][s, 0, 0] * same + np.asarray(draws.sigma)[s] ** 2 * np.eye(len(rows)),
            ).logpdf(rows.strength)
            for s in range(0, len(draws.beta), 4)
        ]
        assert found[j] == pytest.approx(np.logaddexp.reduce(scores) - np.log(len(scores)), abs=0.05)


@pytest.mark.parametrize(("error", "warned"), [(0.29, False), (0.31, True)])
def test_integrals_with_a_relative_error_above_3_tenths_are_warned_of(error: Any, warned: Any, recwarn: Any) -> None:
    factor = design_of("y ~ x + (1 | g)", table(60)).factor()
    errors = np.where(factor.levels == 20, error, 0.0)
    _warn_of_errors(factor, errors)
    messages = [str(warning.message) for warning in recwarn]
    expected = "The scores of groups 20 of g are approximate: the integral over their effects"
    assert [message.startswith(expected) for message in messages] == [True] * warned


def test_a_table_of_frequencies_has_the_scores_of_its_trials() -> None:
    cells, rows = frequencies()
    of_cells = design_of("won ~ x + (1 | g)", cells, "bernoulli", weights="n")
    of_rows = design_of("won ~ x + (1 | g)", rows, "bernoulli")
    draws, other = (fixed_draws(of_rows, {"x": slope, "1|g_sigma": 0.3}, draws=200) for slope in (0.5, 0.0))
    draws["1|g"] *= 0.2
    other["1|g"] *= 0.1
    found = [loo(Posterior(draws, design)) for design in (of_cells, of_rows)]
    by_row = np.repeat(found[0].draws["elpd"].values / np.maximum(cells.n, 1), cells.n)
    np.testing.assert_allclose(by_row, found[1].draws["elpd"], rtol=1e-9)
    assert found[0].draws["n"].values.tolist() == cells.n.tolist()
    assert "Leave one trial out" in found[0].definition
    for name in ("elpd", "se", "p"):
        assert getattr(found[0], name) == pytest.approx(getattr(found[1], name), rel=1e-9)
    tables = [
        compare_validations({"a": one, "b": loo(Posterior(other, design))}).table()
        for one, design in zip(found, (of_cells, of_rows), strict=True)
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1], rtol=1e-9)


def test_counts_are_left_out_a_row_at_a_time() -> None:
    """Not so a table of frequencies, whose trials are the observations."""
    counts = pd.DataFrame({"g": list("aabbcc"), "s": [0, 4, 3, 0, 4, 4], "n": 4})
    design = design_of("p(s, n) ~ 1 + (1 | g)", counts, "bernoulli")
    posterior = fixed_draws(design, {"Intercept": 0.2, "1|g_sigma": 1.0}, draws=40)
    posterior["1|g"] = posterior["1|g"] * 0
    found = loo(Posterior(posterior, design))
    np.testing.assert_allclose(found.draws["elpd"], stats.binom(4, 1 / (1 + np.exp(-0.2))).logpmf(counts.s))
    assert "Leave one row out" in found.definition


def test_a_trial_of_a_table_of_frequencies_is_left_out_of_a_new_fit(monkeypatch: Any) -> None:
    cells, rows = frequencies()
    options: dict[str, Any] = {"family": "bernoulli", "random_seed": 1, "progressbar": False, "draws": 500}
    fits = [
        hierkit.fit("won ~ x + (1 | g)", cells.head(8), weights="n", **options),
        hierkit.fit("won ~ x + (1 | g)", rows.query("g in ['a', 'b']"), **options),
    ]
    monkeypatch.setattr("hierkit.validation.leave_out.good_k", lambda draws: -np.inf)  # every row is fitted again
    found = [fit.loo(refit=True) for fit in fits]
    assert found[0].draws["refitted"].values.tolist() == (cells.n.head(8) > 0).tolist()
    # the score of a cell is known to 0.006 (a thousand independent draws of a probability with an sd of a fifth of it),
    # and counts for up to six trials
    error = 0.006 * np.sqrt((cells.n.head(8) ** 2).sum() + (cells.n.head(8)).sum())
    assert found[0].elpd == pytest.approx(found[1].elpd, abs=3 * error)


def test_the_sum_over_rows_is_shown_and_rows_are_in_the_table() -> None:
    design = design_of("y ~ x + (1 | g)", table(40))
    posterior = fixed_draws(design, {"Intercept": 0.1, "x": 0.2, "sigma": 1.3, "1|g_sigma": 0.7}, draws=40)
    posterior["1|g"] *= 0
    found = loo(Posterior(posterior, design))
    shown = repr(found).splitlines()
    assert shown[2].split() == ["elpd", "se", "p", "bad_k"]
    assert float(shown[3].split()[0]) == pytest.approx(found.elpd, rel=1e-2)
    assert shown[-1] == "The scores of single rows: .table()"
    assert len(found.table()) == 40
    assert "0  " in repr(logo(Posterior(posterior, design)))
