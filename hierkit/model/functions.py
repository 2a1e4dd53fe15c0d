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
from hierkit.model.labels import in_text
from hierkit.model.levels_of_calls import AsCharacter, AsNumeric, Binary, Codes, Levels, Relevel, coded_as
from hierkit.model.remembering import (
    Average,
    Largest,
    Mean,
    Median,
    NaturalSpline,
    Scale,
    Smallest,
    StandardDeviation,
    plain,
)

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
    return values if pd.api.types.is_numeric_dtype(values) else pd.Series(values.astype(str))


def logical(test: Any) -> Any:
    """A comparison as the category that it is in R; anything else as it is."""
    values = pd.Series(test)
    return pd.Series(coded_as(values, [False, True])) if values.dtype == bool else test


def number(x: Any) -> Any:
    """What a comparison is in arithmetic: 1 where it holds, else 0; a number as it is."""
    return x.astype(float) if pd.api.types.is_bool_dtype(x) else x


def same(one: Any, other: Any) -> Any:
    """In each row whether two values are the same; a number and a label are compared as text, as in R."""
    left, right = plain(one), plain(other)
    if _is_text(left) == _is_text(right):
        return left == right
    return _texts(left) == _texts(right)


def differ(one: Any, other: Any) -> Any:
    """In each row whether two values differ."""
    return np.logical_not(same(one, other))


def is_in(x: Any, values: Any) -> Any:
    """In each row whether a value is one of those given, compared as in `same`."""
    given = np.atleast_1d(np.asarray(values, dtype=object))
    return functools.reduce(np.logical_or, [same(x, value) for value in given])


def _is_text(values: Any) -> bool:
    return bool(values.dtype.kind in "OUT" and any(isinstance(one, str) for one in np.atleast_1d(values)))


def _texts(values: Any) -> Any:
    texts = [in_text(one) for one in np.atleast_1d(values)]
    return np.array(texts, dtype=object) if np.ndim(values) else texts[0]


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
    names = [f"{opening}{_shown(a)},{_shown(b)}{closing}" for a, b in itertools.pairwise(edges)]
    if include_lowest and right:
        names[0] = "[" + names[0][1:]
    if include_lowest and not right:
        names[-1] = names[-1][:-1] + "]"
    return names


def _shown(edge: float) -> str:
    return f"{edge:.3g}".replace("inf", "Inf")


def _list(*values: Any) -> list[Any]:
    return list(values)


# what they are called in a formula, and what formulae is told; the latter must not be a word of formulae's own
WORDS: dict[str, tuple[str, Any]] = {
    **{name: (name, function) for name, function in OF_ONE_VALUE.items()},
    "as.character": ("as_character", AsCharacter),
    "as.factor": ("as_factor", Levels),
    "as.numeric": ("as_numeric", AsNumeric),
    "ave": ("ave", Average),
    "binary": ("binary_", Binary),
    "c": ("c", _list),
    "cut": ("cut", cut),
    "factor": ("factor", Levels),
    "ifelse": ("ifelse", ifelse),
    "log": ("log", log),
    "max": ("max", Largest),
    "mean": ("mean", Mean),
    "median": ("median", Median),
    "min": ("min", Smallest),
    "ns": ("ns", NaturalSpline),
    "ordered": ("ordered", Levels),
    "pmax": ("pmax", pmax),
    "pmin": ("pmin", pmin),
    "relevel": ("relevel", Relevel),
    "scale": ("scale_", Scale),
    "sd": ("sd", StandardDeviation),
}
OPERATORS: dict[str, Any] = {
    "codes": Codes,
    "divide": operator.truediv,
    "logical": logical,
    "both": np.logical_and,
    "either": np.logical_or,
    "negated": np.logical_not,
    "is_in": is_in,
    "same": same,
    "differ": differ,
    "number": number,
    "inf": np.inf,
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
