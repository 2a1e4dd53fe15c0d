"""Every documented limit, just below and just above; and the page that is made of them."""

from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from synthetic import design_of, synthetic_draws, table

from hierkit.checks.data import data_findings
from hierkit.checks.groups import group_findings
from hierkit.checks.limits import CHECKS, in_markdown
from hierkit.checks.priors import prior_findings
from hierkit.checks.sampling import sampling_findings
from hierkit.checks.structure import structure_findings
from hierkit.model.priors import make_priors
from hierkit.posterior.posterior import Posterior

PAGE = Path(__file__).parents[2] / "docs" / "findings.md"
SHAPE = (4, 1000)


def test_the_page_has_the_table_of_the_limits() -> None:
    assert in_markdown() in PAGE.read_text()


def test_no_check_is_listed_twice() -> None:
    names = [name for check in CHECKS for name in check.names]
    assert len(set(names)) == len(names)


def in_sampling(x: np.ndarray, **statistics: np.ndarray) -> dict[str, str]:
    """Findings about draws (chain, draw) or (chain, draw, parameter)."""
    dims = ("chain", "draw", "parameter")[: x.ndim]
    size = x.shape[:2]
    plain = {"diverging": np.zeros(size, dtype=bool), "energy": np.random.default_rng(0).normal(size=size)}
    sample_stats = xr.Dataset({name: (("chain", "draw"), own) for name, own in (plain | statistics).items()})
    posterior = xr.Dataset({"x": (dims, x)})
    draws = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": sample_stats})
    return {finding.check: finding.severity for finding in sampling_findings(draws)}


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape)


def solved(make: Any, measure: Any, target: float, low: float, high: float) -> np.ndarray:
    """Draws of which a measure, rising in one number, is the target."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if measure(make(middle)) < target else (low, middle)
    found: np.ndarray = make(high)
    return found


@pytest.mark.parametrize(("rhat", "found"), [(1.009, False), (1.011, True)])
def test_rhat(rhat: Any, found: Any) -> None:
    """Where the ESS is too small as well: of a larger one chance alone may exceed 1.01."""
    apart = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    halves = slow(0.9).reshape(8, 500)
    even = (halves - halves.mean(axis=1, keepdims=True)).reshape(SHAPE)
    x = solved(lambda shift: even + shift * apart, lambda x: float(arviz_stats.rhat(x)), rhat, 0.0, 1.0)
    assert arviz_stats.ess(x, method="bulk") < 400
    assert ("R-hat" in in_sampling(x)) == found


def slow(share: float, size: tuple[int, int] = SHAPE) -> np.ndarray:
    """Autoregressive draws: the larger the share of what is kept, the fewer effective draws."""
    x = noise(*size)
    for t in range(1, size[1]):
        x[:, t] += share * x[:, t - 1]
    return x


def effective(ess: float) -> np.ndarray:
    return solved(slow, lambda x: -float(arviz_stats.ess(x, method="bulk")), -ess, 0.3, 0.99)


@pytest.mark.parametrize(("ess", "found"), [(410, False), (390, True)])
def test_ess_per_chain(ess: Any, found: Any) -> None:
    assert ("bulk ESS" in in_sampling(effective(ess))) == found


@pytest.mark.parametrize(
    ("ess", "parameters", "found"), [(330, 21, False), (310, 21, True), (390, 20, True), (390, 21, False)]
)
def test_the_smallest_ess_of_many(ess: Any, parameters: Any, found: Any) -> None:
    x = np.concatenate([effective(ess)[..., None], noise(*SHAPE, parameters - 1)], axis=2)
    assert ("bulk ESS" in in_sampling(x)) == found


@pytest.mark.parametrize(("bfmi", "found"), [(0.31, False), (0.29, True)])
def test_bfmi(bfmi: Any, found: Any) -> None:
    def lowest(energy: Any) -> Any:
        dataset = xr.Dataset({"energy": (("chain", "draw"), energy)})
        return -float(np.min(arviz_stats.bfmi(dataset)["energy"]))

    energy = solved(slow, lowest, -bfmi, 0.5, 0.99)
    assert ("BFMI" in in_sampling(noise(*SHAPE), energy=energy)) == found


@pytest.mark.parametrize(("reached", "found"), [(40, False), (41, True)])
def test_tree_depth(reached: Any, found: Any) -> None:
    statistic = (np.arange(4000) < reached).reshape(SHAPE)
    assert ("tree depth" in in_sampling(noise(*SHAPE), reached_max_treedepth=statistic)) == found


@pytest.mark.parametrize(("draws", "found"), [(4, False), (3, True)])
def test_fewest_draws(draws: Any, found: Any) -> None:
    assert ("few draws" in in_sampling(noise(4, draws))) == found


@pytest.mark.parametrize(("groups", "found"), [(200, True), (201, False)])
def test_of_more_than_200_groups_every_other_one_is_checked(groups: Any, found: Any) -> None:
    """The second group does not mix."""
    x = noise(*SHAPE, groups)
    x[..., 1] += np.arange(4)[:, None]
    posterior = xr.Dataset({"1|g": (("chain", "draw", "g__factor_dim"), x)})
    draws = xr.DataTree.from_dict({"posterior": posterior})
    assert ("R-hat" in {finding.check for finding in sampling_findings(draws)}) == found


def in_data(formula: str, data: pd.DataFrame, family: str = "gaussian") -> dict[str, str]:
    return {finding.check: finding.severity for finding in data_findings(design_of(formula, data, family))}


def test_thinned_draws_need_a_share_of_those_kept() -> None:
    rng = np.random.default_rng(0)
    draws = xr.DataTree.from_dict({"posterior": xr.Dataset({"x": (("chain", "draw"), rng.normal(size=(4, 40)))})})
    assert {finding.check for finding in sampling_findings(draws)} == {"bulk ESS", "tail ESS"}
    draws.attrs["thin"] = 25
    assert list(sampling_findings(draws)) == []


@pytest.mark.parametrize(("dropped", "severity"), [(5, "note"), (6, "warning")])
def test_rows_dropped(dropped: Any, severity: Any) -> None:
    data = table(100)
    data.loc[: dropped - 1, "x"] = np.nan
    assert in_data("y ~ x", data)["rows dropped"] == severity


@pytest.mark.parametrize(("rows", "levels", "found"), [(40, 20, True), (40, 19, False), (12, 9, False), (12, 10, True)])
def test_many_levels(rows: Any, levels: Any, found: Any) -> None:
    data = table(rows).assign(h=[f"h{i % levels}" for i in range(rows)])
    assert ("many levels" in in_data("y ~ h", data)) == found


@pytest.mark.parametrize(("numbers", "found"), [(4, True), (3, False)])
def test_numbers_among_labels(numbers: Any, found: Any) -> None:
    """One label of five is a fifth, one of four is more."""
    labels = [*map(str, range(numbers)), "many"]
    data = table(60).assign(h=[labels[i % len(labels)] for i in range(60)])
    assert ("numbers among labels" in in_data("y ~ h", data)) == found
    assert "numbers among labels" not in in_data("y ~ h", data[data.h != "many"])


@pytest.mark.parametrize(("noise", "found"), [(5e-7, True), (2e-6, False)])
def test_an_outcome_that_predictors_determine(noise: Any, found: Any) -> None:
    """As where a price is fitted by the same price in another currency."""
    data = table(100).assign(y=lambda t: 3 * t.x + 1 + 3 * noise * t.z / t.z.std() * t.x.std())
    assert ("outcome determined" in in_data("y ~ x + (1 | g)", data)) == found


@pytest.mark.parametrize(("groups", "severity"), [(10, None), (9, "note"), (5, "note"), (4, "warning")])
def test_few_groups(groups: Any, severity: Any) -> None:
    data = table(100).assign(g=np.arange(100) % groups)
    assert in_data("y ~ x + (1 | g)", data).get("few groups") == severity


@pytest.mark.parametrize(("ratio", "found"), [(990, False), (1010, True)])
def test_scales_apart(ratio: Any, found: Any) -> None:
    data = table(100)
    data["w"] = np.random.default_rng(5).permutation(data.x.to_numpy()) * ratio
    assert ("scales" in in_data("y ~ x + w", data)) == found


@pytest.mark.parametrize(("rows", "found"), [(20_000, True), (20_002, False)])
def test_separation_is_not_looked_for_in_more_rows(rows: Any, found: Any) -> None:
    x = np.linspace(-1, 1.37, rows)
    assert ("separation" in in_data("won ~ 0 + x", pd.DataFrame({"won": x > 0, "x": x}), "bernoulli")) == found


def in_structure(variables: dict[str, np.ndarray], data: pd.DataFrame, priors: dict[str, str] | None = None) -> Any:
    """Findings about `y ~ x + (x | g)` with some draws (chain, draw, ...) as given."""
    design = design_of("y ~ x + (x | g)", data)
    posterior = synthetic_draws(design, chains=4, draws=500)
    for name, values in variables.items():
        posterior[name] = posterior[name].copy(data=np.broadcast_to(values, posterior[name].shape))
    found = structure_findings(Posterior(posterior, design), make_priors(design, priors))
    return {finding.check: finding for finding in found}


def centred(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(x=data.x - data.x.mean())


@pytest.mark.parametrize(("share", "found"), [(0.75, False), (0.85, True)])
def test_overlap_of_prior_and_posterior(share: Any, found: Any) -> None:
    """Draws that fill so many of the prior's quantiles overlap with it by that share."""
    sd = stats.halfnorm.ppf(np.linspace(0.0001, share, 2000)).reshape(4, 500)
    design_data = centred(table(60))
    findings = in_structure({"1|g_sigma": sd}, design_data, {"sd(Intercept|g)": "HalfNormal(1)"})
    assert ("prior-driven sd" in findings) == found


@pytest.mark.parametrize(("share", "found"), [(0.09, False), (0.11, True)])
def test_an_sd_piles_up_at_zero(share: Any, found: Any) -> None:
    sd = np.where(np.arange(2000) < 2000 * share, 0.01, 1.0).reshape(4, 500)
    findings = in_structure({"1|g_sigma": sd, "x|g_sigma": np.ones((4, 500))}, centred(table(60)))
    assert ("sd at zero" in findings) == found


@pytest.mark.parametrize(("small", "found"), [(0.11, False), (0.09, True)])
def test_piling_up_is_below_a_tenth_of_the_95th_percentile(small: Any, found: Any) -> None:
    sd = np.where(np.arange(2000) < 600, small, 1.0).reshape(4, 500)
    findings = in_structure({"1|g_sigma": sd, "x|g_sigma": np.ones((4, 500))}, centred(table(60)))
    assert ("sd at zero" in findings) == found


@pytest.mark.parametrize(("correlation", "share", "found"), [(0.96, 0.09, False), (0.96, 0.11, True), (0.94, 1, False)])
def test_correlations_at_the_edge(correlation: Any, share: Any, found: Any) -> None:
    r = np.where(np.arange(2000) < 2000 * share, correlation, 0.0).reshape(4, 500)
    one = np.ones_like(r)
    matrices = np.stack([np.stack([one, r], axis=-1), np.stack([r, one], axis=-1)], axis=-1)
    sds = {"1|g_sigma": one, "x|g_sigma": one}
    assert ("correlation at the edge" in in_structure({"g_corr": matrices, **sds}, centred(table(60)))) == found


@pytest.mark.parametrize(("mean", "found"), [(2.9, False), (3.1, True)])
def test_far_zero(mean: Any, found: Any) -> None:
    data = table(60).assign(x=mean + np.where(np.arange(60) % 2, 1.0, -1.0))
    assert ("far zero" in in_structure({}, data)) == found


@pytest.mark.parametrize(("mean", "found"), [(2.7, False), (3.3, True)])
def test_a_prior_that_pulls(mean: Any, found: Any) -> None:
    """Draws N(0, 1) under the prior N(m, 2): the rows alone are m / 3 posterior sds away."""
    design = design_of("y ~ x", table(60))
    posterior = synthetic_draws(design, chains=4, draws=500)
    z = noise(4, 500)
    posterior["x"] = posterior["x"].copy(data=(z - z.mean()) / z.std())
    findings = prior_findings(Posterior(posterior, design), make_priors(design, {"x": f"Normal({mean}, 2)"}))
    assert any("moves x by" in finding.message for finding in findings) == found


def in_groups(groups: int, p_value: float) -> dict[str, str]:
    """Findings where group levels have a correlation of that p-value with the means of x."""
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(groups), 4)
    x = rng.normal(size=groups)[g] + np.tile([-1.0, 1.0, -1.0, 1.0], groups)
    data = pd.DataFrame({"y": rng.normal(size=len(g)), "x": x, "g": g})
    design = design_of("y ~ x + (1 | g)", data)
    means = data.groupby("g").x.mean().to_numpy()
    t = stats.t(groups - 2).isf(p_value / 2)
    r = t / np.sqrt(groups - 2 + t**2)
    one = (means - means.mean()) / means.std()
    other = rng.normal(size=groups)
    other -= other.mean() + one * (one @ other) / groups
    levels = r * one + np.sqrt(1 - r**2) * other / other.std()
    posterior = synthetic_draws(design, chains=2, draws=50)
    posterior["1|g"] = posterior["1|g"].copy(data=np.broadcast_to(levels, posterior["1|g"].shape))
    return {finding.check: finding.severity for finding in group_findings(Posterior(posterior, design))}


@pytest.mark.parametrize(
    ("groups", "p_value", "found"),
    [
        (20, 0.0009, True),
        (20, 0.0011, False),
        (10, 1e-6, True),
        (9, 1e-6, False),
        (500, 1e-6, True),
        (501, 1e-6, False),
    ],
)
def test_within_and_between(groups: Any, p_value: Any, found: Any) -> None:
    assert ("within and between" in in_groups(groups, p_value)) == found


@pytest.mark.parametrize(("correlation", "found"), [(0.9999985, False), (0.9999995, True), (-0.9999995, True)])
def test_two_predictors_that_are_nearly_the_same(correlation: float, found: bool) -> None:
    rows = table(400)
    x = (rows.x - rows.x.mean()) / rows.x.std(ddof=0)
    left = rows.z - np.polyval(np.polyfit(x, rows.z, 1), x)
    near = correlation * x + np.sqrt(1 - correlation**2) * left / left.std(ddof=0)
    both = pd.DataFrame({"y": rows.y, "x": x, "near": near})
    assert ("collinear" in {f.check for f in data_findings(design_of("y ~ x + near", both))}) == found


@pytest.mark.parametrize(("moved", "found"), [(0, True), (1, False)])
def test_factors_that_are_the_same_groups(moved: int, found: bool) -> None:
    rows = table().assign(name=lambda d: "team " + d.g.astype(str))
    rows["name"] = rows.name.where(rows.index >= moved, "another")
    checks = {f.check for f in data_findings(design_of("y ~ x + (1 | g) + (1 | name)", rows))}
    assert ("same groups" in checks) == found
