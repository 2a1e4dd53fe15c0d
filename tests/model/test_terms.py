"""The columns of common parts: R's space, and each label naming its own column."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import REFERENCE, design_of, reference_table, table

from hierkit.errors import HierkitError
from hierkit.model import bambi_model
from hierkit.model.priors import make_priors

RANKS = json.loads((REFERENCE / "model_matrix_ranks.json").read_text())


def data() -> Any:
    return reference_table("terms").assign(t=lambda d: d.x > 0)


@pytest.mark.parametrize("text", RANKS)
def test_rank_is_that_of_r(text: Any) -> None:
    design = design_of(f"y ~ {text}", data())
    assert np.linalg.matrix_rank(design.X) == RANKS[text]


@pytest.mark.parametrize("text", [text for text in RANKS if "(" not in text.replace("(h + k", "")])
def test_every_label_names_its_column(text: Any) -> None:
    """The column `h[b]:x` is the indicator of h = b times x, whatever other terms there are."""
    table = data()
    design = design_of(f"y ~ {text}", table)
    assert len({column.label for column in design.columns}) == len(design.columns)
    for column, values in zip(design.columns, design.X.T, strict=True):
        expected = np.ones(len(table))
        for part in column.label.split(":") if column.label != "Intercept" else []:
            name, level = re.fullmatch(r"(\w+)(?:\[(\w+)\])?", part).groups()  # type: ignore[union-attr]
            expected = expected * (table[name] if level is None else table[name].astype(str) == level)
        np.testing.assert_array_equal(values, expected, err_msg=column.label)


def test_booleans_are_categories_as_words_and_numbers_in_arithmetic() -> None:
    table = data()
    assert [c.label for c in design_of("y ~ 0 + t", table).columns] == ["t[False]", "t[True]"]
    both = design_of("y ~ I(t + u)", table.assign(u=lambda d: d.y > 0))
    np.testing.assert_array_equal(both.X[:, 1], table.t.astype(int) + (table.y > 0))


def test_products_of_large_whole_numbers_do_not_wrap_around() -> None:
    table = data().assign(q=lambda d: np.arange(len(d)) * 10**8 + 10**9)
    design = design_of("y ~ I(q * q) + q:q", table)
    assert (design.X > 0).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ np.log(x, where=t)", "takes one value"),
        ("y ~ abs(x, z)", "takes one value"),
        ("y ~ h['a']", "brackets of h"),
        ("y ~ (1 | g['g1'])", "brackets of g"),
        ("y['5'] ~ x", "A Gaussian outcome has none"),
        ("y ~ (x ||| g)", "cannot be read"),
        ("y ~ x:offset(x)", "not a part of an interaction"),
        ("y ~ -x", "cannot be computed"),
        ("y ~ I(x:x)", "cannot be computed"),
        ("poly(y, 2) ~ x", "cannot be computed"),
        ("y ~ poly(x, 0)", "has a single level"),
        ("y ~ x + (h:empty | g)", "No used row has the combination 'h.a.:empty"),
    ],
)
def test_refused(text: Any, message: Any) -> None:
    table = data().assign(empty=lambda d: np.where(d.h == "a", "u", "v"))
    with pytest.raises(HierkitError, match=message):
        design_of(text, table)


def test_small_numbers_in_arithmetic() -> None:
    table = data()
    np.testing.assert_allclose(design_of("y ~ 0 + I(x * 0.00001)", table).X[:, 0], table.x * 1e-5)


def test_hundreds_of_predictors() -> None:
    table = data()
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 600)), columns=[f"v{i}" for i in range(600)])
    table = pd.concat([table, wide], axis=1)
    text = "y ~ " + " + ".join(f"v{i}" for i in range(600))
    assert design_of(text, table).X.shape == (40, 601)


@pytest.mark.parametrize("change", [{"x": lambda d: d.x * 1e200}, {"y": lambda d: d.y * 1e-200}])
def test_numbers_that_cannot_be_squared_are_refused(change: Any) -> None:
    with pytest.raises(HierkitError, match=r"beyond what double precision can square.* Rescale the column"):
        design_of("y ~ x", data().assign(**change))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("y ~ x * z + z * x", ["Intercept", "x", "z", "x:z"]),
        ("y ~ (x + z)**2 + z:x", ["Intercept", "x", "z", "x:z"]),
        ("y ~ 0 + x + x:z + z:x", ["x", "x:z"]),
        ("y ~ h:x + x:h", ["Intercept", "h[low]:x", "h[mid]:x", "h[top]:x"]),
    ],
)
def test_an_interaction_in_two_orders_is_one(text: Any, labels: Any) -> None:
    design = design_of(f"{text} + (1 | g)", table(90))
    assert [column.label for column in design.columns] == labels
    assert np.linalg.matrix_rank(design.X) == len(labels)
    model = bambi_model.build(design, make_priors(design))
    assert set(model.parameters["mu"].common_terms) == {c.term for c in design.columns if not c.is_intercept}


def test_effects_in_two_orders_are_one() -> None:
    design = design_of("y ~ x + (x:z + z:x | g)", table(90))
    assert [effect.label for effect in design.factors[0].effects] == ["Intercept", "x:z"]
