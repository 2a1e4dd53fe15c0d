"""Whatever formulas, tables, priors and options come: a fit that samples, or a HierkitError, and nothing else."""

import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pymc  # noqa: F401  (its import raises Python's limit of recursion, which hypothesis watches)
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reliability.fuzzed import broken, formulas, ordinary_tables, quoted, tables
from reliability.fuzzed_options import PRIORS, options

import hierkit
from hierkit.errors import HierkitError, HierkitWarning
from hierkit.posterior.effects import coefficient_draws, read_effects

pytestmark = pytest.mark.slow

SHORT: dict[str, Any] = {"draws": 6, "tune": 15, "chains": 1, "random_seed": 1, "progressbar": False}
LONGEST = 60  # seconds
OUTCOMES = ["y", "y", "y", "won", "hits", "p(hits, tries)", "cbind(hits, tries)", "log(z)", "x", "I(y * 2)"]
FACTORS = ["g", "h", "k", "s", "won"]
READ = [
    "coefficients",
    "variance_components",
    "group_effects",
    "shrinkage",
    "icc",
    "r_squared",
    "design_effect",
    "pooling_factors",
    "break_even_size",
    "compare_pooling",
    "marginal_coefficients",
    "blup_qq",
    "ranks",
    "predictive_check",
    "prior_sensitivity",
    "prior_and_posterior",
    "classical",
    "loo",
    "logo",
    "checks",
    "summary",
]


def many(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def ends_well(formula: Any, data: Any, read: str, **options: Any) -> None:
    """Fit, and compute one quantity: no foreign exception or warning, no long wait, no wrong shape."""
    start = time.perf_counter()
    refused: HierkitError | None = None
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            fit = hierkit.fit(formula, data, **(SHORT | options))
            check_shapes(fit)
            said = str(getattr(fit, read)())
        except HierkitError as error:
            said = str(error)
            refused = error
    assert said
    # what was given, what is allowed, what to do
    assert refused is None or said.count(". ") >= 2, said
    assert time.perf_counter() - start < LONGEST
    assert all(issubclass(one.category, HierkitWarning) for one in given), [str(one.message) for one in given]


def check_shapes(fit: hierkit.Fit) -> None:
    """Every coefficient and effect is there, for as many groups as the design has, and finite."""
    posterior = fit.draws["posterior"].to_dataset()
    chains, draws = fit.draws.attrs["chains"], fit.draws.attrs["draws"]
    if fit.design.columns:
        assert coefficient_draws(posterior, fit.design.columns).shape == (chains, draws, len(fit.design.columns))
    for factor in fit.design.factors:
        u = read_effects(posterior, factor).u
        assert u.shape == (chains, draws, len(factor.levels), len(factor.effects))
    for values in posterior.values():
        assert np.isfinite(values).all()


def family_of(formula: str, choice: int) -> str:
    events = formula.startswith(("won", "p(", "cbind("))
    return ("bernoulli" if events else "gaussian") if choice else ("gaussian" if events else "bernoulli")


@many(700)
@given(
    ordinary_tables().flatmap(lambda d: st.tuples(st.just(d), formulas(list(d.columns), OUTCOMES, FACTORS))), st.data()
)
def test_formulas(made: tuple[pd.DataFrame, str], data: Any) -> None:
    table, formula = made
    family = family_of(formula, data.draw(st.integers(0, 9)))
    ends_well(formula, table, data.draw(st.sampled_from(READ)), family=family)


@many(25)
@given(
    ordinary_tables().flatmap(lambda d: st.tuples(st.just(d), formulas(list(d.columns), OUTCOMES, FACTORS))), st.data()
)
def test_formulas_with_pymc(made: tuple[pd.DataFrame, str], data: Any) -> None:
    """Its model compiles for seconds, so that these are few."""
    table, formula = made
    ends_well(formula, table, data.draw(st.sampled_from(READ)), family=family_of(formula, 1), engine="pymc")


@many(700)
@given(
    ordinary_tables().flatmap(lambda d: st.tuples(st.just(d), broken(list(d.columns), OUTCOMES, FACTORS))), st.data()
)
def test_broken_formulas(made: tuple[pd.DataFrame, str], data: Any) -> None:
    table, formula = made
    family = family_of(formula, data.draw(st.integers(0, 9)))
    ends_well(formula, table, data.draw(st.sampled_from(READ)), family=family)


@many(500)
@given(tables(), st.data())
def test_tables(table: pd.DataFrame, data: Any) -> None:
    columns = [str(name) for name in table.columns]
    formula = data.draw(formulas(columns, [quoted(name) for name in columns]))
    family = data.draw(st.sampled_from(["gaussian", "gaussian", "bernoulli"]))
    ends_well(formula, table, data.draw(st.sampled_from(READ)), family=family)


@many(300)
@given(ordinary_tables(), PRIORS, options(), st.data())
def test_priors_and_options(table: pd.DataFrame, priors: Any, chosen: Any, data: Any) -> None:
    formula, family = data.draw(
        st.sampled_from(
            [("y ~ x + (x | g)", "gaussian"), ("won ~ x + (1 | g)", "bernoulli"), ("y ~ h + z + (h || g)", "gaussian")]
        )
    )
    ends_well(formula, table, data.draw(st.sampled_from(READ)), family=family, priors=priors, **chosen)
