"""The functions that a formula may call besides formulae's own, with R's meaning.

Arguments are pandas columns, in which labels are ordered categories, and numbers, text and lists from the formula.
"""

import functools
import itertools
import operator
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from hierkit.arrays import Array
from hierkit.model.contrasts import CODINGS
from hierkit.model.remembering import Average, NaturalSpline, Scale, plain, summary

NUMPY_FUNCTIONS = ("abs", "exp", "expm1", "log", "log10", "log1p", "log2", "sqrt")
OF_ONE_VALUE: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "ceiling": np.ceil,
    "cos": np.cos,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "floor": np.floor,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "plogis": expit,
    "qlogis": logit,
    "sign": np.sign,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def log(x: Any, base: float | None = None) -> Any:
    """The natural logarithm, or that to a base."""
    return np.log(x) if base is None else np.log(x) / np.log(base)


def pmin(*values: Any) -> Any:
    """In each row the smallest of the values."""
    return functools.reduce(np.minimum, values)


def pmax(*values: Any) -> Any:
    """In each row the largest of the values."""
    return functools.reduce(np.maximum, values)


def ifelse(test: Any, yes: Any, no: Any) -> pd.Series:
    """In each row `yes` where the test holds, and `no` elsewhere; labels make a category."""
    chosen = np.where(plain(test).astype(bool), plain(yes), plain(no))
    values = pd.Series(chosen.tolist())
    return values if pd.api.types.is_numeric_dtype(values) else factor(values)


def logical(test: Any) -> Any:
    """A comparison as the category that it is in R; anything else as it is."""
    values = pd.Series(test)
    return pd.Series(_ordered(values, [False, True])) if values.dtype == bool else test


def factor(
    x: Any, levels: Sequence[Any] | None = None, labels: Sequence[Any] | None = None, ordered: bool = False
) -> pd.Series:
    """A category: of the levels given, or those of the column, or its values in order. `ordered` changes no coding."""
    values = pd.Series(x)
    known = _levels(values) if levels is None else list(levels)
    coded = _ordered(values, known)
    if labels is not None:
        coded = pd.Categorical.from_codes(coded.codes, pd.Index(list(labels)), ordered=True)
    return pd.Series(coded)


def as_numeric(x: Any) -> Any:
    """A number: labels that are numbers as these, other labels as their places among the levels, from 1."""
    values = pd.Series(x)
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return values.astype(float)
    levels = pd.to_numeric(pd.Series(values.cat.categories), errors="coerce")
    numbers = np.arange(1.0, len(levels) + 1) if levels.isna().any() else levels.to_numpy(dtype=float)
    return numbers[values.cat.codes]


def as_character(x: Any) -> pd.Series:
    """A category of the values as text, in the order of text."""
    texts = pd.Series(x).astype(str)
    return pd.Series(_ordered(texts, sorted(texts.unique())))


def relevel(x: Any, ref: Any) -> pd.Series:
    """A category with that level first, with which the others are compared."""
    values = pd.Series(x)
    levels = _levels(values)
    if ref not in levels:
        raise ValueError(f"{ref!r} is no level of it; its levels are {', '.join(map(str, levels))}")
    return pd.Series(_ordered(values, [ref, *(level for level in levels if level != ref)]))


def cut(
    x: Any,
    breaks: Sequence[float],
    labels: Sequence[Any] | None = None,
    right: bool = True,
    include_lowest: bool = False,
) -> pd.Series:
    """A category of intervals between given breaks, such as (0,10]; the left end belongs to it where right=FALSE."""
    if not isinstance(breaks, list) or len(breaks) < 2:
        raise ValueError("cut() needs its breaks, as in cut(x, c(0, 10, 20))")
    edges = np.sort(np.asarray(breaks, dtype=float))
    places = pd.cut(plain(x), list(edges), right=right, include_lowest=include_lowest, labels=False)
    if np.isnan(places).any():
        raise ValueError(f"{int(np.isnan(places).sum())} values lie outside of its breaks")
    names = list(labels) if labels is not None else _interval_names(edges, right, include_lowest)
    return pd.Series(pd.Categorical.from_codes(places.astype(int), pd.Index(names), ordered=True))


def _interval_names(edges: Array, right: bool, include_lowest: bool) -> list[str]:
    opening, closing = ("(", "]") if right else ("[", ")")
    names = [f"{opening}{a:.3g},{b:.3g}{closing}" for a, b in itertools.pairwise(edges)]
    if include_lowest and right:
        names[0] = "[" + names[0][1:]
    if include_lowest and not right:
        names[-1] = names[-1][:-1] + "]"
    return names


def _levels(values: pd.Series) -> list[Any]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.categories)
    return sorted(values.unique().tolist())


def _ordered(values: pd.Series, levels: list[Any]) -> pd.Categorical:
    coded = pd.Categorical(plain(values), categories=levels, ordered=True)
    if (coded.codes < 0).any():
        unknown = values[coded.codes < 0].iloc[0]
        raise ValueError(f"it has the value {unknown!r}, which is none of the levels {', '.join(map(str, levels))}")
    return coded


def _list(*values: Any) -> list[Any]:
    return list(values)


# what they are called in a formula, and what formulae is told; the latter must not be a word of formulae's own
WORDS: dict[str, tuple[str, Any]] = {
    **{name: (name, function) for name, function in OF_ONE_VALUE.items()},
    "as.character": ("as_character", as_character),
    "as.factor": ("as_factor", factor),
    "as.numeric": ("as_numeric", as_numeric),
    "ave": ("ave", Average),
    "c": ("c", _list),
    "cut": ("cut", cut),
    "factor": ("factor", factor),
    "ifelse": ("ifelse", ifelse),
    "log": ("log", log),
    "max": ("max", summary(np.max)),
    "mean": ("mean", summary(np.mean)),
    "median": ("median", summary(np.median)),
    "min": ("min", summary(np.min)),
    "ns": ("ns", NaturalSpline),
    "ordered": ("ordered", factor),
    "pmax": ("pmax", pmax),
    "pmin": ("pmin", pmin),
    "relevel": ("relevel", relevel),
    "scale": ("scale_", Scale),
    "sd": ("sd", summary(lambda x: np.std(x, ddof=1))),
}
OPERATORS: dict[str, Any] = {
    "divide": operator.truediv,
    "logical": logical,
    "both": np.logical_and,
    "either": np.logical_or,
    "negated": np.logical_not,
    "is_in": lambda x, values: np.isin(plain(x), values),
}
OF_EACH_ROW = frozenset({"I", "c", "ifelse", "log", "pmax", "pmin", *OF_ONE_VALUE}) | {
    f"np.{name}" for name in NUMPY_FUNCTIONS
}


def namespace_of(trusted: bool) -> dict[str, Any]:
    """What a formula may call besides formulae's own transformations."""
    words = dict(WORDS.values())
    if trusted:
        return {"np": np, "pd": pd, **words, **OPERATORS, **CODINGS}
    allowed = types.SimpleNamespace(**{name: getattr(np, name) for name in NUMPY_FUNCTIONS})
    return {"np": allowed, **words, **OPERATORS, **CODINGS}
