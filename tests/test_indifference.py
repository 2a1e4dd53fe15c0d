"""The posterior does not depend on where predictors have their zero, on their units, or on the layout of the rows."""

import functools
import warnings
from typing import Any

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from engines import distance_in_errors
from synthetic import linear_predictor, table

import hierkit
from hierkit.errors import SamplingWarning
from hierkit.posterior.effects import read_covariance

pytestmark = pytest.mark.slow

MODELS = {
    "correlated slopes": "{y} ~ x + (x | g)",
    "three effects": "{y} ~ x + z + (x + z | g)",
    "interaction": "{y} ~ x * z + (1 | g)",
    "interaction by group": "{y} ~ x * z + (x * z | g)",
    "power": "{y} ~ x + I(x**2) + (x | g)",
    "power by group": "{y} ~ x + I(x**2) + (x + I(x**2) | g)",
    "category with slopes": "{y} ~ h * x + (h + x | g)",
    "no intercept": "{y} ~ 0 + h + x + (0 + h + x | g)",
    "nested": "{y} ~ x + (x | s/g)",
    "crossed": "{y} ~ x + (x | g) + (z | d)",
}
SHIFTED, LARGE, SMALL = (2000.0, 1.0), (0.0, 1e3), (0.0, 1e-3)
SHOWN = slice(None, None, 12)


def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = table(300, seed=3)
    rows["g"], rows["d"] = rng.integers(0, 12, len(rows)), rng.integers(0, 7, len(rows))
    eta = 0.4 * rows.x + rng.normal(0, 0.8, 12)[rows.g] + rng.normal(0, 0.6, 12)[rows.g] * rows.x
    return rows.assign(y=eta + rows.y, hit=rng.binomial(1, 1 / (1 + np.exp(-eta))))


def moved(rows: pd.DataFrame, shift: float, scale: float) -> pd.DataFrame:
    return rows.assign(**{name: (rows[name] + shift * rows[name].std()) * scale for name in ("x", "z")})


def fitted(text: str, rows: pd.DataFrame, engine: str) -> hierkit.Fit:
    family = "gaussian" if text.startswith("y") else "bernoulli"
    options: dict[str, Any] = {"family": family, "engine": engine, "random_seed": 2, "target_accept": 0.9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        return hierkit.fit(text, rows, progressbar=False, **options)


@functools.cache
def as_it_is(text: str, engine: str) -> hierkit.Fit:
    return fitted(text, data(), engine)


def without_units(fit: hierkit.Fit) -> xr.Dataset:
    """The linear predictor and the variance of each factor's effects at some rows, and sigma."""
    posterior = fit.draws["posterior"].to_dataset()
    found: dict[str, Any] = {"eta": (("chain", "draw", "row"), linear_predictor(fit.design, posterior)[:, :, SHOWN])}
    for factor in fit.design.factors:
        Z, G = factor.Z[SHOWN], read_covariance(posterior, factor).values
        found[f"variance {factor.label}"] = (("chain", "draw", "row"), np.einsum("ra,cdab,rb->cdr", Z, G, Z))
    found |= {"sigma": (("chain", "draw"), posterior["sigma"].values)} if "sigma" in posterior else {}
    return xr.Dataset(found)


def check_same(one: hierkit.Fit, other: hierkit.Fit) -> None:
    """Means within four Monte Carlo standard errors; of hundreds of quantities one may lie beyond, up to five."""
    first, second = without_units(one), without_units(other)
    far = distance_in_errors(first, second)
    assert (far > 4).sum() <= max(1, len(far) // 100), far.sort_values().tail()
    assert far.max() < 5.5
    assert float(arviz_stats.rhat(second).to_array().max()) < 1.03


@pytest.mark.parametrize("change", [SHIFTED, LARGE, SMALL], ids=["shifted", "large", "small"])
@pytest.mark.parametrize(
    ("outcome", "engine"), [("y", "marginal"), ("y", "joint"), ("hit", "joint")], ids=["marginal", "joint", "logistic"]
)
@pytest.mark.parametrize("model", MODELS)
def test_zero_and_units_of_predictors(model: Any, outcome: Any, engine: Any, change: Any) -> None:
    text = MODELS[model].format(y=outcome)
    check_same(as_it_is(text, engine), fitted(text, moved(data(), *change), engine))


@pytest.mark.parametrize("model", ["interaction", "power by group"])
@pytest.mark.parametrize("outcome", ["y", "hit"])
def test_zero_of_predictors_in_pymc(model: Any, outcome: Any) -> None:
    text = MODELS[model].format(y=outcome)
    check_same(fitted(text, data(), "auto"), fitted(text, moved(data(), *SHIFTED), "pymc"))


@pytest.mark.parametrize("engine", ["joint", "pymc"])
def test_counts_are_the_same_trials_as_rows(engine: Any) -> None:
    counts = table(60, seed=4)
    rows = counts.loc[counts.index.repeat(counts.tries)].reset_index(drop=True)
    rows["hit"] = (rows.groupby(counts.index.repeat(counts.tries)).cumcount() < rows.hits).astype(int)
    one, other = fitted("p(hits, tries) ~ x + (x | s)", counts, engine), fitted("hit ~ x + (x | s)", rows, "joint")
    far = distance_in_errors(
        one.draws["posterior"].to_dataset(), other.draws["posterior"].to_dataset().drop_vars("s_corr")
    )
    assert far.max() < 4.5


@pytest.mark.parametrize("engine", ["marginal", "joint", "pymc"])
def test_a_wide_prior_at_zero_leads_to_the_main_mode(engine: Any) -> None:
    """lme4: slope sd 0.579, residual sd 1.015; a slope sd of 0.0005 is a mode of no mass."""
    rng = np.random.default_rng(11)
    groups, size = 20, 15
    g = np.repeat(np.arange(groups), size)
    x = rng.normal(size=groups * size) * 5
    level, slope = rng.normal(size=groups), rng.normal(0, 0.5, size=groups)
    y = 1 + 0.5 * x + level[g] + slope[g] * x + rng.normal(size=groups * size)
    far = pd.DataFrame({"g": g, "v": x + 2010, "y": y})
    options: dict[str, Any] = {
        "priors": {"sd(Intercept|g)": "HalfNormal(3000)"},
        "engine": engine,
        "random_seed": 1,
        "progressbar": False,
    }
    posterior = hierkit.fit("y ~ v + (v | g)", far, **options).draws["posterior"]
    assert float(posterior["v|g_sigma"].mean()) == pytest.approx(0.579, rel=0.1)
    assert float(posterior["sigma"].mean()) == pytest.approx(1.015, rel=0.02)


@pytest.mark.filterwarnings("ignore::hierkit.errors.HierkitWarning")
def test_diagnostics_do_not_depend_on_a_far_zero() -> None:
    """The same draws but for the zero of x, a million of its sds away: to the digits that doubles leave."""
    near = fitted("y ~ x + (x | g)", data(), "auto")
    far = fitted("y ~ x + (x | g)", data().assign(x=lambda d: d.x + 1e6), "auto")
    for name in ("distance", "outlying"):
        found, expected = (fit.blup_qq().draws[name].values for fit in (far, near))
        np.testing.assert_allclose(found, expected, rtol=1e-4)
    found, expected = (fit.blup_qq().draws["standardised"].sel(effect="x").values for fit in (far, near))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    found, expected = (fit.shrinkage().draws["overall"].mean(("chain", "draw")).values for fit in (far, near))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert far.logo().elpd == pytest.approx(near.logo().elpd, abs=1e-2)  # smoothed tails
    tables = [fit.prior_sensitivity().table() for fit in (far, near)]
    found, expected = (own["effects"][own["parameter"].isin(["x", "sd(x|g)", "x|g"])].to_numpy() for own in tables)
    np.testing.assert_allclose(found, expected, rtol=1e-3)
