"""Models side by side by groups left out."""

from typing import Any

import numpy as np
import pytest
from synthetic import synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError
from hierkit.validation.compare import compare_validations
from hierkit.validation.leave_out import logo


@pytest.fixture(scope="module")
def fits() -> Any:
    data = hierkit.datasets.csat()
    options: dict[str, Any] = {"random_seed": 1, "progressbar": False}
    return {
        "hierarchical": hierkit.fit("csat ~ wait + (1 | team)", data, **options),
        "pooled": hierkit.fit("csat ~ wait", data, **options),
    }


def test_a_model_without_the_factor_is_compared_by_its_groups(fits: Any) -> None:
    team = fits["hierarchical"].design.factor()
    found = hierkit.compare(
        {"hierarchical": fits["hierarchical"], "pooled": fits["pooled"].logo(team, refit=True)}, "team"
    )
    assert "one group of team left out" in found.definition
    table = found.table()
    assert table["model"].tolist() == ["hierarchical", "pooled"]
    # pooling takes each team's rows for independent, which costs it dearly
    assert table["elpd_diff"][1] < -100
    assert table["bad_k"].tolist() == [0, 0]


def test_fits_are_compared_by_the_scores_that_they_have(fits: Any) -> None:
    team = fits["hierarchical"].design.factor()
    with pytest.warns(hierkit.HierkitWarning, match="Pareto k above 0.70 for group of team 15, 16"):
        difference = hierkit.compare(fits, factor="team").table()["elpd_diff"][1]
    with pytest.warns(hierkit.HierkitWarning, match="Pareto k above 0.70"):
        reweighted = fits["pooled"].logo(team)
    assert difference == pytest.approx(reweighted.elpd - fits["hierarchical"].logo(team).elpd)
    # reweighting is reliable where Pareto k is below 0.7, and off by nats where it is not
    exact = fits["pooled"].logo(team, refit=True).draws
    reliable = reweighted.draws["pareto_k"] < 0.7
    assert reliable.sum() == 16
    np.testing.assert_allclose(reweighted.draws["elpd"][reliable], exact["elpd"][reliable], atol=0.5)


def test_a_factor_that_no_model_has_is_refused(fits: Any) -> None:
    with pytest.raises(HierkitError, match="The model has no factor 'region'"):
        hierkit.compare(fits, factor="region")


def test_groups_that_share_labels_but_not_rows_are_not_compared() -> None:
    data = table(60)
    one, other = (
        synthetic_fit("y ~ x + (1 | g)", rows, draws=100) for rows in (data, data.assign(g=np.roll(data.g, 7)))
    )
    with pytest.warns(hierkit.HierkitWarning):
        scores = [logo(fit._posterior, fit.design.factor()) for fit in (one, other)]
    with pytest.raises(HierkitError, match="fitted to different rows"):
        compare_validations({"one": scores[0], "other": scores[1]})


def test_counts_with_other_trials_are_not_compared() -> None:
    data = table(60)
    tables = (data, data.assign(tries=data.tries + 1))
    fits = [synthetic_fit("p(hits, tries) ~ x", rows, "bernoulli", draws=100) for rows in tables]
    with pytest.warns(hierkit.HierkitWarning):
        scores = [fit.loo() for fit in fits]
    with pytest.raises(HierkitError, match="fitted to different rows"):
        compare_validations({"one": scores[0], "other": scores[1]})
