"""The same rows in another order, and under other names and labels, are the same model: any formula, to rounding."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reliability.fuzzed import formulas, ordinary_tables
from reliability.test_fuzz import FACTORS, many
from synthetic import design_of

from hierkit.classical.linear_mixed import linear_mixed
from hierkit.errors import HierkitError
from hierkit.model.design import Design
from hierkit.model.priors import make_priors

pytestmark = pytest.mark.slow
OUTCOMES = ["y", "log(z)", "x"]
NAMES = {"x": "distance", "g": "team", "h": "kind", "k": "class", "s": "side"}
MOST_EFFECTS = 3  # of those whose restricted likelihood is maximised
Numbers = dict[str, float]


def renamed(text: str) -> str:
    """A formula with the other names of its columns; names in backticks stay."""
    return re.sub(r"`[^`]*`|\w+", lambda found: NAMES.get(found[0], found[0]), text)


def made(formula: str, rows: pd.DataFrame) -> Design | str:
    """The design, or what is refused."""
    try:
        return design_of(formula, rows)
    except HierkitError as error:
        return type(error).__name__


def of_model(design: Design) -> Numbers:
    """The numbers of its priors and its restricted maximum likelihood estimates, by parameter."""
    priors = make_priors(design)
    found = {f"{name} {key}": value for name, prior in priors.items() for key, value in prior.args.items()}
    if 0 < sum(len(factor.effects) for factor in design.factors) <= MOST_EFFECTS:
        try:
            values, note = linear_mixed(design, reml=True)
        except HierkitError:
            return found
        if "optima" not in note:
            found |= {f"{name} by REML": estimate for name, (estimate, _) in values.items()}
    return found


def check_same(one: Numbers, other: Numbers) -> None:
    # of several optima another one may be found
    assert all("REML" in name for name in one.keys() ^ other.keys())
    size = float(np.nanmax([1.0, *map(abs, one.values())]))
    for name, value in ((name, value) for name, value in one.items() if name in other):
        # estimates are those of an optimiser, and some are at a flat optimum
        off = 1e-3 * size if "REML" in name else 1e-9
        assert other[name] == pytest.approx(value, rel=1e-3, abs=off, nan_ok=True), name


@many(80)
@given(ordinary_tables(), st.data())
def test_order_of_rows(rows: pd.DataFrame, data: Any) -> None:
    formula = data.draw(formulas(list(rows.columns), OUTCOMES, FACTORS))
    order = np.random.default_rng(data.draw(st.integers(0, 1000))).permutation(len(rows))
    one, other = made(formula, rows), made(formula, rows.iloc[order])
    assert type(one) is type(other)
    if isinstance(one, Design) and isinstance(other, Design):
        np.testing.assert_allclose(other.X, one.X[order], rtol=1e-9, atol=1e-9 * abs(one.X).max(initial=1.0))
        check_same(of_model(one), of_model(other))


@many(80)
@given(ordinary_tables(), st.data())
def test_names_of_columns_and_order_of_columns(rows: pd.DataFrame, data: Any) -> None:
    formula = data.draw(formulas(list(rows.columns), OUTCOMES, FACTORS))
    one, other = made(formula, rows), made(renamed(formula), rows.rename(columns=NAMES).iloc[:, ::-1])
    assert type(one) is type(other), (formula, renamed(formula))
    if isinstance(one, Design) and isinstance(other, Design):
        np.testing.assert_array_equal(other.X, one.X)
        assert list(of_model(one).values()) == pytest.approx(list(of_model(other).values()), rel=1e-9, nan_ok=True)


@many(50)
@given(ordinary_tables(), st.data())
def test_labels_of_groups(rows: pd.DataFrame, data: Any) -> None:
    """Numbers, text and categories in the same order."""
    formula = data.draw(formulas(["x", "z", "h", "y"], OUTCOMES, ["g"]))
    kinds: list[Any] = [rows.g, rows.g.map("{:03d}".format), pd.Categorical(rows.g), rows.g.astype("float32")]
    one, *others = [made(formula, rows.assign(g=labels)) for labels in kinds]
    for other in others:
        assert type(one) is type(other)
        if isinstance(one, Design) and isinstance(other, Design):
            check_same(of_model(one), of_model(other))
