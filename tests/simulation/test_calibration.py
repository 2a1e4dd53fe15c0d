"""Ranks of truths are uniform where all is right, and a wrong posterior is found."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import hierkit
from hierkit import sampling
from hierkit.errors import HierkitError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fit() -> Any:
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 6)
    data = pd.DataFrame({"g": g, "x": rng.normal(size=48)})
    data["y"] = 2 + data["x"] + rng.normal(size=8)[g] + rng.normal(size=48)
    return hierkit.fit("y ~ x + (1 | g)", data, draws=200, random_seed=1, progressbar=False)


def test_ranks_are_uniform_where_all_is_right(fit: Any) -> None:
    found = fit.calibration(100, random_seed=1, progressbar=False)
    shares = found.draws["rank"]
    assert shares.dims == ("chain", "draw", "parameter")
    assert list(shares["parameter"].values) == [
        "Intercept",
        "x",
        "sd(Intercept|g)",
        "sigma",
        "Intercept of the first g",
    ]
    assert found.draws.attrs["not_uniform"] == []
    # a uniform share has sd 1/sqrt(12)
    assert (abs(shares.mean(("chain", "draw")) - 0.5) < 4 / np.sqrt(12 * 100)).all()
    assert "All ranks agree with uniform ones." in found.definition


def test_a_posterior_that_is_too_wide_or_moved_is_found(fit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = sampling.sample

    def wrong(*args: Any) -> Any:
        draws = right(*args)
        posterior = draws["posterior"].to_dataset()
        draws["posterior"] = posterior.assign(sigma=posterior["sigma"] * 1.3)
        return draws

    monkeypatch.setattr(sampling, "sample", wrong)
    found = fit.calibration(100, random_seed=1, progressbar=False)
    assert found.draws.attrs["not_uniform"] == ["sigma"]
    assert "The ranks are not uniform for sigma." in found.definition


def test_events_are_calibrated_too() -> None:
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 8), "y": np.tile([0, 1, 1, 0], 20)})
    fit = hierkit.fit("y ~ 1 + (1 | g)", data, family="bernoulli", draws=200, random_seed=1, progressbar=False)
    assert fit.calibration(60, random_seed=1, progressbar=False).draws.attrs["not_uniform"] == []


def test_it_is_part_of_the_report_if_asked_for(fit: Any) -> None:
    found = fit.calibration(20, random_seed=1, progressbar=False)
    page = fit.report(sections=["trust"], calibration=found).html
    assert "5 parameters recovered from 20 simulated data sets" in page
    assert "Does the method recover what is true?" not in fit.report(sections=["trust"]).html


def test_refusals(fit: Any) -> None:
    with pytest.raises(HierkitError, match=r"n=5\. Ranks of fewer than 20 data sets say nothing\. Pass n=200\."):
        fit.calibration(5)
    flat = hierkit.fit(
        "y ~ x + (1 | g)",
        fit.data if hasattr(fit, "data") else fit.design.rows.frame,
        draws=200,
        random_seed=1,
        priors={"x": "Flat()"},
        progressbar=False,
    )
    with pytest.raises(HierkitError, match=r"The prior of \'x\' is flat\. Only proper priors have draws\."):
        flat.calibration(20, progressbar=False)
