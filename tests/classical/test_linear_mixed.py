"""REML and maximum likelihood: lme4's estimates, optima that no other point beats, zero variances."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from synthetic import REFERENCE, design_of, many_groups, reference_table, table

import hierkit
from hierkit.arrays import Array
from hierkit.classical.linear_mixed import linear_mixed
from hierkit.classical.profiled import profile, sums_of
from hierkit.errors import HierkitError
from hierkit.model.design import Design

LME4 = json.loads((REFERENCE / "lme4_estimates.json").read_text())["models"]
# sd(1|a), sd(1|b) and sigma of lme4 1.1-31 for the tables of `crossed`, by seed
LME4_CROSSED = {1: (0.0, 0.2477605, 0.9398874), 5: (0.0, 0.0, 0.9423851), 3: (3.190007, 0.6345282, 1.017143)}
TRUE_SDS = {1: (0.1, 0.0), 5: (0.0, 0.0), 3: (3.0, 0.5)}


def crossed(seed: int) -> pd.DataFrame:
    """12 groups of a, crossed with 8 of b, two rows for each pair."""
    rng = np.random.default_rng(100 + seed)
    n = 12 * 8 * 2
    a, b = np.repeat(np.arange(12), 16), np.tile(np.repeat(np.arange(8), 2), 12)
    data = pd.DataFrame({"a": a, "b": b, "x": rng.normal(size=n)})
    own, other = TRUE_SDS[seed]
    effects = rng.normal(size=12)[a] * own + rng.normal(size=8)[b] * other
    return data.assign(y=1 + 0.5 * data.x + effects + rng.normal(size=n))


def without_group_variance(seed: int) -> pd.DataFrame:
    """Eight groups that differ by z alone."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(8), 12)
    z, x = rng.normal(size=8)[g], rng.normal(size=96)
    return pd.DataFrame({"g": g, "x": x, "z": z, "y": 50 + 0.5 * x + 2 * z + rng.normal(size=96)})


@pytest.mark.parametrize("name", ["radon", "sleepstudy", "sleepstudy_uncorrelated", "penicillin", "pastes"])
def test_reml_is_that_of_lme4(name: Any) -> None:
    model = LME4[name]
    values, note = linear_mixed(design_of(model["formula"], reference_table(name.split("_")[0])), reml=True)
    for parameter, estimate in model["fixed"].items():
        assert values[parameter][0] == pytest.approx(estimate, rel=1e-5)
    for effect, sd in model["sd"].items():
        assert values[f"sd({effect})"][0] == pytest.approx(sd, rel=3e-4)  # where its search stopped
    assert values["sigma"][0] == pytest.approx(model["sigma"], rel=1e-4)
    assert not note


@pytest.mark.parametrize("seed", LME4_CROSSED)
def test_variances_of_zero_are_those_of_lme4(seed: Any) -> None:
    values, note = linear_mixed(design_of("y ~ x + (1 | a) + (1 | b)", crossed(seed)), reml=True)
    names = ("sd(Intercept|a)", "sd(Intercept|b)", "sigma")
    np.testing.assert_allclose([values[name][0] for name in names], LME4_CROSSED[seed], rtol=1e-5)
    zero = [name for name, value in zip(names, LME4_CROSSED[seed], strict=True) if not value]
    assert note == (f"{', '.join(zero)} is zero" if zero else "")


def test_without_group_variance_it_is_least_squares() -> None:
    zero = 0
    for seed in range(900, 930):
        design = design_of("y ~ x + z + (1 | g)", without_group_variance(seed))
        values, _ = linear_mixed(design, reml=False)
        if values["sd(Intercept|g)"][0] == 0:
            zero += 1
            squares = np.linalg.lstsq(design.X, design.outcome.y)
            sigma = np.sqrt(squares[1][0] / 96)
            errors = sigma * np.sqrt(np.linalg.inv(design.X.T @ design.X).diagonal())
            found = np.array([values[name] for name in ("Intercept", "x", "z")])
            np.testing.assert_allclose(found, np.column_stack([squares[0], errors]), rtol=1e-7)
        assert abs(values["Intercept"][0] - 50) < 1
    assert zero > 5


def criterion_of(design: Design, values: Any, reml: bool) -> tuple[Any, Array, float]:
    """The criterion as a function of sds and correlations, written for one block of effects and single intercepts."""
    factors = sorted(design.factors, key=lambda f: -len(f.levels) * len(f.effects))
    Q, _ = np.linalg.qr(design.X)
    sums = sums_of(design.outcome.y, Q, factors, design.outcome)
    theta = []
    for factor, template in zip(factors, sums.templates, strict=True):
        sds = np.array([values[factor.sd(effect)][0] for effect in factor.effects])
        R = np.eye(len(sds))
        for block in factor.blocks:
            i, j = block
            name = f"cor({factor.effects[i].label}, {factor.effects[j].label}|{factor.label})"
            R[i, j] = R[j, i] = np.nan_to_num(values[name][0])
        G = np.linalg.inv(factor.T) @ (R * np.outer(sds, sds)) @ np.linalg.inv(factor.T).T
        scaled = G * np.outer(template.sizes, template.sizes) / values["sigma"][0] ** 2
        root = np.linalg.cholesky(scaled + 1e-14 * np.eye(len(sds)))
        theta.append(root[template.rows, template.columns])
    flat = np.concatenate(theta)
    return (lambda t: profile(sums, t, reml).value), flat, profile(sums, flat, reml).value


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("text", ["y ~ x + (1 | g) + (1 | s)", "y ~ x + (x | g)", "y ~ x + (x | g) + (1 | s)"])
def test_nothing_near_or_far_is_better(text: Any, reml: Any) -> None:
    """Small tables of noise, where most variances are zero or nearly so."""
    for seed in range(4):
        design = design_of(text, table(40, seed))
        values, _ = linear_mixed(design, reml)
        criterion, theta, best = criterion_of(design, values, reml)
        rng = np.random.default_rng(seed)
        for scale in (0.001, 0.01, 0.1, 1.0):
            for _ in range(25):
                assert criterion(theta + scale * rng.normal(size=len(theta))) > best - 1e-4


def test_balanced_rows_have_a_closed_form() -> None:
    """Mean squares of an analysis of variance; the standard error of the mean is that of the groups' means."""
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(10), 6)
    data = pd.DataFrame({"g": g, "y": 3 + rng.normal(size=10)[g] + rng.normal(size=60)})
    values, _ = linear_mixed(design_of("y ~ 1 + (1 | g)", data), reml=True)
    means = data.groupby("g").y.mean()
    within = ((data.y - means[g].to_numpy()) ** 2).sum() / 50
    assert values["sigma"][0] ** 2 == pytest.approx(within, rel=1e-6)
    assert values["sd(Intercept|g)"][0] ** 2 == pytest.approx(means.var() - within / 6, rel=1e-6)
    assert values["Intercept"] == pytest.approx((means.mean(), means.sem()), rel=1e-6)


def test_one_row_for_each_group_has_the_standard_errors_of_least_squares() -> None:
    data = table(50).assign(g=np.arange(50))
    values, note = linear_mixed(design_of("y ~ x + (1 | g)", data), reml=True)
    design = design_of("y ~ x", data)
    coefficients, squares, *_ = np.linalg.lstsq(design.X, design.outcome.y)
    errors = np.sqrt(squares[0] / 48 * np.linalg.inv(design.X.T @ design.X).diagonal())
    found = np.array([values[name] for name in ("Intercept", "x")])
    np.testing.assert_allclose(found, np.column_stack([coefficients, errors]), rtol=1e-6)
    assert "one row for each group of g" in note


def test_estimates_follow_units_and_zero() -> None:
    data = hierkit.datasets.csat_slopes()
    text = "csat ~ wait + (wait | team)"
    one, _ = linear_mixed(design_of(text, data), True)
    scaled, _ = linear_mixed(design_of(text, data.assign(wait=data.wait * 1000, csat=data.csat / 10)), True)
    assert scaled["wait"] == pytest.approx((one["wait"][0] / 1e4, one["wait"][1] / 1e4), rel=1e-4)
    moved, _ = linear_mixed(design_of(text, data.assign(wait=data.wait + 5000)), True)
    for name in ("wait", "sd(wait|team)", "sigma"):
        assert moved[name][0] == pytest.approx(one[name][0], rel=1e-4)
    assert moved["wait"][1] == pytest.approx(one["wait"][1], rel=1e-4)


def test_many_groups_are_taken_one_by_one() -> None:
    values, _ = linear_mixed(design_of("y ~ x + (x | g)", many_groups(2500)), True)
    assert values["sigma"][0] == pytest.approx(1, abs=0.05)


def test_what_has_no_estimates_is_refused() -> None:
    with pytest.raises(HierkitError, match="A column can be computed from others"):
        linear_mixed(design_of("y ~ x + w + (1 | g)", table(60).assign(w=lambda t: 2 * t.x - 1)), True)
    constant = table(60).assign(y=lambda t: t.g / 10.0)
    with pytest.raises(HierkitError, match="The groups explain all"):
        linear_mixed(design_of("y ~ 1 + (1 | g)", constant), True)
    many = many_groups(4500).assign(s=lambda t: (7 * t.index) % 2300)
    with pytest.raises(HierkitError, match="The factors beside the largest one have 2,300 effects"):
        linear_mixed(design_of("y ~ x + (1 | g) + (1 | s)", many), True)


WEIGHTED = json.loads((REFERENCE / "weights.json").read_text())


@pytest.mark.parametrize(("text", "reml", "expected"), WEIGHTED["lme4"])
def test_weights_are_lme4s(text: Any, reml: Any, expected: Any) -> None:
    data = reference_table("sleepstudy").assign(w=lambda d: 0.5 + (d.Days * 7) % 4, period=lambda d: d.Days % 5)
    design = design_of(text, data, weights="w")
    values, _ = linear_mixed(design, reml=reml)
    fixed = [values[column.label] for column in design.columns]
    np.testing.assert_allclose(fixed, np.column_stack([expected["fixed"], expected["se"]]), rtol=1e-4)
    components = [value[0] for name, value in values.items() if name.startswith(("sd(", "cor(", "sigma"))]
    np.testing.assert_allclose(components, expected["sd"], rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(("method", "mods", "expected"), [one for one in WEIGHTED["metafor"] if one[0] != "PM"])
def test_known_sds_are_those_of_a_meta_analysis(method: Any, mods: Any, expected: Any) -> None:
    design = design_of(f"log_rr {mods} + (1 | trial)", reference_table("bcg"), known_sd="sd")
    values, note = linear_mixed(design, reml=method == "REML")
    fixed = [values[column.label] for column in design.columns]
    np.testing.assert_allclose(fixed, np.column_stack([expected["fixed"], expected["se"]]), rtol=1e-4)
    assert values["sd(Intercept|trial)"][0] == pytest.approx(expected["tau"], rel=1e-4)
    assert (set(values) & {"sigma"}, note) == (set(), "")


def test_known_sds_with_two_levels() -> None:
    expected = WEIGHTED["nested"]
    values, _ = linear_mixed(
        design_of("log_rr ~ 1 + (1 | alloc / trial)", reference_table("bcg"), known_sd="sd"), reml=True
    )
    np.testing.assert_allclose(values["Intercept"], [expected["fixed"], expected["se"]], rtol=1e-4)
    sds = [values[f"sd(Intercept|{factor})"][0] for factor in ("alloc", "alloc:trial")]
    np.testing.assert_allclose(sds, expected["sd"], rtol=1e-3)


def exact_meta_analysis(y: Array, s: Array, reml: bool) -> list[float]:
    """τ, μ and its standard error: the criterion of one row a group, on a grid of log τ and then by a line search."""

    def of(log_tau: float) -> tuple[float, float, float]:
        w = 1 / (np.exp(2 * log_tau) + s**2)
        mean = float(w @ y / w.sum())
        return float(-np.log(w).sum() + w @ (y - mean) ** 2 + reml * np.log(w.sum())), mean, float(w.sum() ** -0.5)

    grid = np.linspace(-20, 3, 2000)
    best = int(np.argmin([of(one)[0] for one in grid]))
    found = minimize_scalar(
        lambda one: of(one)[0], bounds=grid[[best - 1, best + 1]], method="bounded", options={"xatol": 1e-11}
    )
    return [float(np.exp(found.x)), *of(found.x)[1:]]


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("case", ["1e-5", "1e-8", "one small", "one large", "spread"])
def test_known_sds_of_any_size(case: Any, reml: Any) -> None:
    """Not limited by how far the sds are below the differences of groups."""
    rng = np.random.default_rng(1)
    first = np.arange(20) == 0
    s = {
        "1e-5": np.full(20, 1e-5),
        "1e-8": np.full(20, 1e-8),
        "one small": np.where(first, 1e-6, 0.3),
        "one large": np.where(first, 1e3, 1.0),
        "spread": 10.0 ** rng.uniform(-8, 1, 20),
    }[case]
    data = pd.DataFrame({"y": rng.normal(0, 1.5, 20) + s * rng.normal(size=20), "s": s, "g": np.arange(20)})
    values, note = linear_mixed(design_of("y ~ 1 + (1 | g)", data, known_sd="s"), reml)
    found = [values["sd(Intercept|g)"][0], *values["Intercept"]]
    np.testing.assert_allclose(found, exact_meta_analysis(data.y.to_numpy(), s, reml), rtol=1e-6)
    assert not note


def test_known_sds_next_to_nothing_beside_several_effects() -> None:
    """Rows that are known exactly: effects are seen, and REML is their sds. Smaller sds are refused."""
    rng = np.random.default_rng(1)
    g, x = np.repeat(np.arange(30), 3), rng.normal(size=90)
    u, b = rng.normal(0, 0.8, 30), rng.normal(0, 0.5, 30)
    data = pd.DataFrame({"g": g, "x": x, "row": np.arange(90), "y": u[g] + b[g] * x, "s": 2e-6})
    values, _ = linear_mixed(design_of("y ~ x + (x | g)", data, known_sd="s"), reml=True)
    found = [values[name][0] for name in ("sd(Intercept|g)", "sd(x|g)", "cor(Intercept, x|g)")]
    np.testing.assert_allclose(found, [u.std(ddof=1), b.std(ddof=1), np.corrcoef(u, b)[0, 1]], rtol=1e-4)
    for formula, s in (("y ~ x + (x | g)", 1e-8), ("y ~ 1 + (1 | g) + (1 | row)", 2e-5)):
        with pytest.raises(HierkitError, match=r"known sds are about .* of the spread of the outcomes"):
            linear_mixed(design_of(formula, data.assign(s=s), known_sd="s"), reml=True)


def test_group_effects_without_any_coefficient() -> None:
    """Balanced groups around zero: σ² is within them, and τ² the mean square of their means less σ²/n."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 10)
    y = rng.normal(size=30)[g] + rng.normal(size=300)
    values, _ = linear_mixed(design_of("y ~ 0 + (1 | g)", pd.DataFrame({"y": y, "g": g})), reml=True)
    means = np.bincount(g, y) / 10
    variance = ((y - means[g]) ** 2).sum() / 270
    assert values["sigma"][0] == pytest.approx(np.sqrt(variance), rel=1e-5)
    assert values["sd(Intercept|g)"][0] == pytest.approx(np.sqrt((means**2).mean() - variance / 10), rel=1e-5)


def test_covariances_of_many_effects_are_not_searched_for() -> None:
    data = table(200).assign(h=lambda t: [f"h{i % 12}" for i in range(len(t))])
    with pytest.raises(HierkitError, match=r"78 variances and covariances\. At most 60 can be"):
        linear_mixed(design_of("y ~ h + (h | g)", data), reml=True)
