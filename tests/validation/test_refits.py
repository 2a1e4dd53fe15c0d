"""Scores from fits without some rows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, synthetic_draws, table

import hierkit
from hierkit.errors import HierkitError, HierkitWarning
from hierkit.posterior.posterior import Posterior
from hierkit.refitting import refit
from hierkit.validation.refits import score_without


def test_what_cannot_be_fitted_again_is_said_and_loses_nothing(monkeypatch: Any) -> None:
    data = hierkit.datasets.csat().query("team < 8")
    data = data.assign(kind=np.where(data.team == 3, "rare", np.where(data.wait > 15, "long", "short")))
    data.loc[data.team == 3, "csat"] += 100
    fit = hierkit.fit("csat ~ kind + (1 | team)", data, random_seed=1, progressbar=False)
    monkeypatch.setattr("hierkit.validation.leave_out.good_k", lambda draws: 0.0)  # every group is to be fitted again
    with pytest.warns(HierkitWarning, match="for group of team .* There is no fit without: 'kind' has unseen levels"):
        found = fit.logo(refit=True)
    table = found.table().set_index("group")
    assert not table.loc[3, "refitted"]
    assert table.loc[0, "refitted"]
    assert np.isfinite(table["elpd"]).all()


def test_outcomes_scaled_by_the_rows_are_not_fitted_again() -> None:
    data = table(60)
    design = design_of("scale(y) ~ x + (1 | g)", data)
    draws = Posterior(synthetic_draws(design), design).draws

    def again(kept: Any) -> Any:
        return refit(design, None, {}, kept)  # type: ignore[arg-type]

    assert "depends on all fitted rows" in str(score_without(design, draws, np.array([3]), again))


def test_the_priors_of_a_new_fit_are_those_of_the_fit() -> None:
    data = hierkit.datasets.csat().query("team < 6")
    fit = hierkit.fit("csat ~ wait + (1 | team)", data, random_seed=1, progressbar=False)
    kept = np.flatnonzero(fit.design.factors[0].codes != 2)
    draws, smaller = refit(fit.design, fit.priors, fit._run, kept)
    assert len(smaller.offset) == len(kept)
    assert draws.attrs["engine"] == fit.draws.attrs["engine"]
    same = hierkit.fit(
        "csat ~ wait + (1 | team)", data[data.team != 2], priors=fit.priors, random_seed=1, progressbar=False
    )
    np.testing.assert_array_equal(draws["posterior"]["wait"], same.draws["posterior"]["wait"])


def test_a_factor_of_one_group_cannot_be_left() -> None:
    data = pd.concat([table(40).assign(g="a"), table(40, seed=1).assign(g="b")])
    design = design_of("y ~ x + (1 | g)", data)
    with pytest.raises(HierkitError, match="'g' has one level"):
        refit(design, None, None, np.flatnonzero(design.factors[0].codes == 0))  # type: ignore[arg-type]
