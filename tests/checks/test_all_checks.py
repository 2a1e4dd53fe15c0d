"""Each finding of docs/findings.md appears when it should, and not when it should not."""

import ast
import re
from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from synthetic import design_of, synthetic_draws, synthetic_fit, twelve_groups

from hierkit.checks.priors import prior_findings, pull
from hierkit.checks.sampling import largest_by_chance, sampling_findings
from hierkit.checks.structure import prior_overlap, structure_findings
from hierkit.model.distributions import make_prior
from hierkit.model.priors import make_priors
from hierkit.posterior.posterior import Posterior

GROUPS = twelve_groups()


def statistics(**changed: Any) -> xr.Dataset:
    rng = np.random.default_rng(0)
    plain = {
        "diverging": np.zeros((4, 500), dtype=bool),
        "reached_max_treedepth": np.zeros((4, 500), dtype=bool),
        "energy": rng.normal(size=(4, 500)),
    }
    return xr.Dataset({name: (("chain", "draw"), values) for name, values in (plain | changed).items()})


def found_in_sampling(x: Any = None, attrs: Any = None, **changed: Any) -> dict[str, str]:
    x = np.random.default_rng(1).normal(size=(4, 500)) if x is None else x
    posterior = xr.Dataset({"x": (("chain", "draw"), x)})
    draws = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics(**changed)})
    draws.attrs = attrs or {}
    return {finding.check: finding.severity for finding in sampling_findings(draws)}


def some(share: float) -> np.ndarray:
    return (np.arange(2000) < 2000 * share).reshape(4, 500)


def test_good_draws_have_no_findings() -> None:
    assert found_in_sampling() == {}


def test_chains_that_disagree() -> None:
    x = np.random.default_rng(1).normal(size=(4, 500)) + np.array([[0], [0], [0], [0.5]])
    assert found_in_sampling(x)["R-hat"] == "action"


def test_slow_mixing() -> None:
    x = np.cumsum(np.random.default_rng(1).normal(size=(4, 500)), axis=1)
    assert {"bulk ESS", "tail ESS", "R-hat"} <= set(found_in_sampling(x))


def test_constant_correlations_are_no_trouble(data: Any) -> None:
    design = design_of("y ~ x + (x | g)", data)
    draws = xr.DataTree.from_dict({"posterior": synthetic_draws(design, chains=4, draws=500)})
    assert list(sampling_findings(draws)) == []


def test_draws_that_are_no_numbers_or_stand_still() -> None:
    x = np.random.default_rng(1).normal(size=(4, 500))
    assert found_in_sampling(np.where(x > 3, np.inf, x)) == {"not finite": "action"}
    assert found_in_sampling(np.full((4, 500), np.nan)) == {"not finite": "action"}
    assert found_in_sampling(np.full((4, 500), 3.0))["R-hat"] == "action"
    assert found_in_sampling(x, energy=np.full((4, 500), np.nan))["BFMI"] == "action"


@pytest.mark.parametrize("name", ["reached_max_treedepth", "maxdepth_reached"])
def test_tree_depth_under_arvizs_and_nutpies_name(name: Any) -> None:
    draws = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"x": (("chain", "draw"), np.random.default_rng(1).normal(size=(4, 500)))}),
            "sample_stats": xr.Dataset({name: (("chain", "draw"), some(0.02))}),
        }
    )
    assert [finding.check for finding in sampling_findings(draws)] == ["tree depth"]


def test_divergences() -> None:
    assert found_in_sampling(diverging=some(0.001)) == {"divergences": "action"}


def test_energy() -> None:
    assert found_in_sampling(energy=np.cumsum(np.random.default_rng(0).normal(size=(4, 500)), 1)) == {"BFMI": "action"}


def test_retry_is_noted() -> None:
    assert found_in_sampling(attrs={"retry": "3 divergences"}) == {"sampled again": "note"}


def test_one_chain_and_few_draws() -> None:
    assert found_in_sampling(np.random.default_rng(1).normal(size=(1, 500)))["R-hat"] == "action"
    posterior = xr.Dataset({"x": (("chain", "draw"), np.zeros((2, 3)))})
    assert [f.check for f in sampling_findings(xr.DataTree.from_dict({"posterior": posterior}))] == ["few draws"]


def test_overlap_of_draws_and_prior() -> None:
    rng = np.random.default_rng(0)
    prior = make_prior("HalfNormal", 2)
    assert prior_overlap(np.abs(rng.normal(0, 2, 4000)), prior) > 0.95
    # narrow draws fill at most three of the twenty bins
    assert prior_overlap(rng.normal(2, 0.05, 4000), prior) <= 3 / 20


def structure(formula: str, data: pd.DataFrame, **variables: Any) -> dict[str, str]:
    design = design_of(formula, data)
    posterior = synthetic_draws(design, chains=4, draws=1000)
    for name, values in variables.items():
        posterior[name] = posterior[name].copy(data=values)
    return {
        finding.check: finding.severity
        for finding in structure_findings(Posterior(posterior, design), make_priors(design))
    }


def test_structure_findings() -> None:
    rng = np.random.default_rng(0)
    assert structure("y ~ x + (x | g)", GROUPS) == {}
    half = np.abs(rng.normal(0, 1, (4, 1000)))
    assert structure("y ~ x + (1 | g)", GROUPS, **{"1|g_sigma": 0.2 * half}) == {"sd at zero": "note"}
    as_prior = 2.5 * GROUPS.y.std(ddof=0) * half
    assert structure("y ~ x + (1 | g)", GROUPS, **{"1|g_sigma": as_prior}) == {"prior-driven sd": "warning"}
    corr = np.broadcast_to([[1, 0.99], [0.99, 1]], (4, 1000, 2, 2))
    assert structure("y ~ x + (x | g)", GROUPS, g_corr=corr) == {"correlation at the edge": "warning"}


def test_zero_far_outside_the_data_matters_most_without_a_correlation() -> None:
    data = GROUPS.assign(x=lambda d: d.x + 2000)
    assert structure("y ~ x + (x || g)", data) == {"far zero": "warning"}


def test_priors_at_a_zero_far_outside_the_data() -> None:
    data = GROUPS.assign(x=lambda d: d.x + 2000)
    design = design_of("y ~ x + (x | g)", data)
    posterior = synthetic_draws(design, chains=4, draws=1000)
    own = make_priors(design, {"sd(Intercept|g)": "HalfNormal(3)"})
    found = {f.check: f for f in structure_findings(Posterior(posterior, design), own)}
    assert found["far zero"].severity == "warning"
    assert "The priors of g hold there" in found["far zero"].message


def test_a_prior_far_from_the_rows() -> None:
    """Rows alone: N(5, 1). With the prior N(0, 1) the posterior is N(2.5, 1/2), moved by 2.5 / sqrt(1/2) of its sds."""
    rng = np.random.default_rng(0)
    moved, alone = pull(rng.normal(2.5, np.sqrt(0.5), 40_000), make_prior("Normal", 0, 1))
    assert moved == pytest.approx(2.5 * np.sqrt(2), rel=0.05)
    assert alone == pytest.approx(5, rel=0.05)
    moved, alone = pull(rng.normal(5, 1, 40_000), make_prior("Normal", 0, 100))
    assert moved == pytest.approx(0, abs=0.01)
    assert alone == pytest.approx(5, rel=0.02)


def test_a_prior_far_from_the_rows_is_a_finding() -> None:
    design = design_of("y ~ x + (1 | g)", GROUPS)
    posterior = synthetic_draws(design, chains=4, draws=1000)
    own = make_priors(design, {"x": "Normal(8, 0.5)"})
    assert [f.check for f in prior_findings(Posterior(posterior, design), make_priors(design))] == []
    (finding,) = prior_findings(Posterior(posterior, design), own)
    assert finding.message.startswith("The prior Normal(8, 0.5) moves x by")
    assert "check the units of its column" in finding.advice
    heavy = make_priors(design, effects="student_t")
    nu = xr.ones_like(posterior["sigma"]) * np.random.default_rng(0).gamma(6, 10, (4, 1000))
    (finding,) = prior_findings(Posterior(posterior.assign(g_nu=nu), design), heavy)
    assert (finding.severity, finding.advice[:32]) == ("note", "Few groups say little about tail")
    posterior["x"] = posterior["x"] + 40.0 * posterior.chain  # chains that are apart have no posterior to compare
    assert [f.check for f in prior_findings(Posterior(posterior, design), own)] == []


def test_the_largest_r_hat_of_many_is_no_alarm_by_chance() -> None:
    """Of fits of 300 independent quantities one in 1,000 passes the bound, and 1.01 alone every one."""
    rng = np.random.default_rng(0)
    passed = 0
    for _ in range(30):
        draws = xr.Dataset({"x": (("chain", "draw", "place"), rng.normal(size=(4, 100, 300)))})
        rhat = pd.Series(arviz_stats.rhat(draws)["x"].values)
        assert rhat.max() > 1.01
        passed += int((rhat > largest_by_chance(pd.Series(np.full(300, 400.0)), 4)).any())
    assert passed == 0


def test_zero_far_outside_the_data() -> None:
    """With x around 2000 the correlation at zero is geometry; at the mean it is the true one, here 0."""
    data = GROUPS.assign(x=lambda d: d.x + 2000)
    design = design_of("y ~ x + (x | g)", data)
    posterior = synthetic_draws(design, chains=4, draws=1000)
    slope = xr.full_like(posterior["x|g_sigma"], 0.5)
    centre = float(data.x.mean())
    intercept = (1 + (centre * slope) ** 2) ** 0.5
    corr = -centre * slope / intercept
    posterior["x|g_sigma"], posterior["1|g_sigma"] = slope, intercept
    values = np.ones((4, 1000, 2, 2))
    values[..., 0, 1] = values[..., 1, 0] = corr
    posterior["g_corr"] = posterior["g_corr"].copy(data=values)
    findings = {f.check: f.message for f in structure_findings(Posterior(posterior, design), make_priors(design))}
    assert re.search(r"is -1\.00 there and -?0\.00 at the mean", findings["far zero"])


def test_gravest_first(data: Any) -> None:
    fit = synthetic_fit("y ~ x + (x | g)", data, draws=3)
    severities = [finding.severity for finding in fit.checks()]
    assert severities == sorted(severities, key=["action", "warning", "note"].index)
    assert fit.checks().need_action[0].check == "few draws"
    assert "few draws" in repr(fit.checks())


def test_every_finding_is_documented() -> None:
    """The checks named in calls of Finding() are the first column of the table in docs/findings.md."""
    root = Path(__file__).parents[2]
    rows = (root / "docs" / "findings.md").read_text().splitlines()
    documented = {name.strip() for row in rows if row.startswith("| ") for name in row.split(" | ")[0][2:].split(",")}
    sources = (ast.parse(path.read_text()) for path in (root / "hierkit" / "checks").glob("*.py"))
    calls = [
        n for tree in sources for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "Finding"
    ]
    assert {ast.literal_eval(call.args[1]) for call in calls} == documented - {"check", "---"}
