"""Scores from fits without some rows."""

import dataclasses
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from synthetic import design_of, synthetic_fit, table

import hierkit
from hierkit.checks.findings import Finding
from hierkit.errors import HierkitError, HierkitWarning, SamplingWarning
from hierkit.model.subset import subset
from hierkit.refitting import refit
from hierkit.validation.refits import score_without


def exact_score(design: Any, priors: Any, left_out: Any) -> float:
    """Log p(y_j | others) of `y ~ x + (1 | g)`: coefficients integrated in closed form, τ and σ on a grid."""
    X = np.column_stack([np.ones(len(design.offset)), design.X[:, 1] - design.column_means[1]])
    means = np.array([priors[name].args["mu"] for name in ("Intercept", "x")])
    variances = np.array([priors[name].args["sigma"] for name in ("Intercept", "x")]) ** 2
    y, codes = design.outcome.y - X @ means, design.factors[0].codes
    together = (codes[:, None] == codes).astype(float)
    taus, sigmas = np.linspace(0.005, 12, 120), np.exp(np.linspace(np.log(0.4), np.log(8), 80))
    log_prior = np.add.outer(
        priors["sd(Intercept|g)"].log_density(taus), priors["sigma"].log_density(sigmas) + np.log(sigmas)
    )

    def evidence(rows: Any) -> float:
        at = np.ix_(rows, rows)
        base = (X[rows] * variances) @ X[rows].T
        logs = np.empty(log_prior.shape)
        for i, tau in enumerate(taus):
            for j, sigma in enumerate(sigmas):
                V = base + tau**2 * together[at] + sigma**2 * np.eye(len(rows))
                C = np.linalg.cholesky(V)
                half = np.linalg.solve(C, y[rows])
                logs[i, j] = -0.5 * half @ half - np.log(np.diagonal(C)).sum() - 0.5 * len(rows) * np.log(2 * np.pi)
        return float(logsumexp(logs + log_prior))

    everything = np.arange(len(y))
    return evidence(everything) - evidence(np.setdiff1d(everything, left_out))


def test_a_new_fit_has_the_same_priors_in_the_same_place() -> None:
    """The group left out has its x far from the others', so that their centre is another one."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(5), [3, 3, 3, 3, 6])
    x = rng.normal(size=18) + np.where(g == 4, 8.0, 0.0)
    data = pd.DataFrame({"g": g, "x": x, "y": 2 + 0.5 * x + rng.normal(size=5)[g] + rng.normal(size=18)})
    options: dict[str, Any] = {"random_seed": 1, "progressbar": False}
    priors = {"Intercept": "Normal(2, 0.5)"}
    fit = hierkit.fit("y ~ x + (1 | g)", data, priors=priors, **options)
    left_out = np.flatnonzero(g == 4)
    score, note = score_without(fit.design, fit._posterior.draws, left_out, fit._again)
    assert note == ""
    assert score == pytest.approx(exact_score(fit.design, fit.priors, left_out), abs=0.12)


def test_a_level_that_no_other_row_has_is_known_from_its_prior() -> None:
    data = hierkit.datasets.csat().query("team < 8")
    data = data.assign(kind=np.where(data.team == 3, "rare", np.where(data.wait > 15, "long", "short")))
    fit = hierkit.fit("csat ~ kind + (1 | team)", data, random_seed=1, progressbar=False)
    kept = np.flatnonzero(fit.design.factors[0].codes != 3)
    draws, smaller = refit(subset(fit.design, kept), fit.priors, fit._run)
    assert smaller.X.shape[1] == 3
    rare = draws["posterior"].to_dataset()["kind"].values[..., 0]
    prior = fit.priors["kind[rare]"].args["sigma"]
    assert abs(rare.mean()) < 0.2 * prior
    assert rare.std() == pytest.approx(prior, rel=0.1)


def test_outcomes_scaled_by_the_rows_stay_as_they_are() -> None:
    design = design_of("scale(y) ~ scale(x) + poly(z, 2) + (1 | g)", table(60))
    smaller = subset(design, np.arange(10, 60))
    np.testing.assert_array_equal(smaller.outcome.y, design.outcome.y[10:])
    np.testing.assert_array_equal(smaller.X, design.X[10:])
    np.testing.assert_array_equal(smaller.column_means, design.column_means)


def test_what_bambi_would_code_otherwise_is_not_fitted_again_and_loses_nothing(monkeypatch: Any) -> None:
    data = table(60).assign(g=lambda t: t.g % 7)
    fit = synthetic_fit("y ~ scale(x) + (1 | g)", data)
    tree = fit.draws.copy()
    tree.attrs["engine"] = "pymc"
    fit = dataclasses.replace(fit, draws=tree)
    monkeypatch.setattr("hierkit.validation.leave_out.good_k", lambda draws: 0.0)  # every group is to be fitted again
    with pytest.warns(HierkitWarning, match="There is no fit without: Without these rows Bambi would code the pred"):
        found = fit.logo(refit=True)
    assert not found.table()["refitted"].any()
    assert np.isfinite(found.table()["elpd"]).all()


def test_new_fits_whose_draws_are_doubtful_are_said_once(monkeypatch: Any) -> None:
    data = hierkit.datasets.csat().query("team < 4")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        fit = hierkit.fit("csat ~ wait + (1 | team)", data, draws=50, tune=200, random_seed=1, progressbar=False)
    monkeypatch.setattr("hierkit.validation.leave_out.good_k", lambda draws: 0.0)  # every group is fitted again
    doubt = Finding("action", "R-hat", "The chains disagree.", "Draw more.")
    monkeypatch.setattr("hierkit.fitted.sampling_findings", lambda draws: iter([doubt]))
    with pytest.warns(
        SamplingWarning, match=r"The fit without group 0 \(4 such fits\): The chains disagree\. The sc"
    ) as all_:
        found = fit.logo(refit=True)
    assert len([one for one in all_ if issubclass(one.category, SamplingWarning)]) == 1
    assert found.table()["refitted"].all()


def test_the_priors_of_a_new_fit_are_those_of_the_fit() -> None:
    data = hierkit.datasets.csat().query("team < 6")
    fit = hierkit.fit("csat ~ wait + (1 | team)", data, random_seed=1, progressbar=False)
    kept = np.flatnonzero(fit.design.factors[0].codes != 2)
    draws, smaller = refit(subset(fit.design, kept), fit.priors, fit._run)
    assert len(smaller.offset) == len(kept)
    assert draws.attrs["engine"] == fit.draws.attrs["engine"]
    np.testing.assert_array_equal(smaller.column_means, fit.design.column_means)
    assert smaller.factors[0].levels.tolist() == [0, 1, 3, 4, 5]


def test_a_factor_of_one_group_cannot_be_left() -> None:
    data = pd.concat([table(40).assign(g="a"), table(40, seed=1).assign(g="b")])
    design = design_of("y ~ x + (1 | g)", data)
    with pytest.raises(HierkitError, match="'g' has one group left"):
        subset(design, np.flatnonzero(design.factors[0].codes == 0))
