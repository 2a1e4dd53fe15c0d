"""What hypothesis makes: tables of every kind of column under every kind of name, and formulas over them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

# names that people have, and names of parameters, functions and dims, words of Python and R, and markup
ORDINARY = ["y", "x", "z", "g", "h", "day", "team", "won", "hits", "tries"]
PARAMETERS = ["sigma", "Intercept", "nu", "mu", "1", "1|g", "g_sigma", "g_corr", "1|g_sigma", "x|g", "sd(g)", "all"]
WORDS = [
    "log",
    "I",
    "C",
    "p",
    "np",
    "poly",
    "factor",
    "offset",
    "scale",
    "T",
    "TRUE",
    "NA",
    "if",
    "in",
    "lambda",
    "None",
]
DIMS = ["chain", "draw", "group", "effect", "__obs__", "term", "row", "parameter", "index", "level_0", "g__factor_dim"]
ODD = [
    "größe",
    "数",
    "x y",
    "a.b",
    "km/h",
    " lead",
    "tab\t",
    "new\nline",
    "it's",
    '"q"',
    "<b>&",
    "$x^2$",
    "=1+1",
    "%s",
    "{0}",
]
LONG = ["n" * 300]
NAMES = st.sampled_from(ORDINARY * 4 + PARAMETERS + WORDS + DIMS + ODD + LONG)
SIZES = st.sampled_from([0, 1, 2, 3, 4, 5, 8, 13, 30, 30, 60, 60, 120, 1000])


def numbers(rng: np.random.Generator, n: int) -> Any:
    return rng.normal(size=n)


def whole(rng: np.random.Generator, n: int) -> Any:
    return rng.integers(0, 6, n)


def labels(rng: np.random.Generator, n: int) -> Any:
    return rng.choice(["low", "mid", "top"], n)


def with_missing(rng: np.random.Generator, n: int) -> Any:
    return np.where(rng.uniform(size=n) < 0.2, np.nan, rng.normal(size=n))


def with_infinite(rng: np.random.Generator, n: int) -> Any:
    return np.where(rng.uniform(size=n) < 0.1, -np.inf, rng.normal(size=n))


def mixed(rng: np.random.Generator, n: int) -> Any:
    return pd.Series([["a", 1, None, 2.5, True, b"b", (1,)][i] for i in rng.integers(0, 7, n)], dtype=object)


def decimals(rng: np.random.Generator, n: int) -> Any:
    return pd.Series([Decimal(int(i)) / 7 for i in rng.integers(-20, 20, n)], dtype=object)


def dates(rng: np.random.Generator, n: int) -> Any:
    return pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 5, n), "D")


def categories(rng: np.random.Generator, n: int) -> Any:
    return pd.Categorical(rng.choice(["b", "a"], n), categories=["c", "b", "a", "unused"])


def nullable(rng: np.random.Generator, n: int) -> Any:
    whole_numbers = pd.Series(rng.integers(0, 3, n), dtype="Int64")
    return whole_numbers.mask(rng.uniform(size=n) < 0.1).array


KINDS: list[Callable[[np.random.Generator, int], Any]] = [
    *[numbers] * 6,
    *[whole] * 6,
    *[labels] * 3,
    with_missing,
    with_infinite,
    mixed,
    decimals,
    dates,
    categories,
    nullable,
    lambda rng, n: rng.integers(0, 2, n),
    lambda rng, n: rng.integers(0, 2, n).astype(bool),
    lambda rng, n: rng.normal(size=n).astype("float32"),
    lambda rng, n: rng.normal(size=n).astype("float16"),
    lambda rng, n: rng.integers(0, 255, n).astype("uint8"),
    lambda rng, n: rng.normal(size=n) * 1e-300,
    lambda rng, n: rng.normal(size=n) * 1e300,
    lambda rng, n: 1e9 + rng.normal(size=n),
    lambda rng, n: rng.normal(size=n) * 1e-12,
    lambda rng, n: rng.integers(-(2**62), 2**62, n),
    lambda rng, n: np.full(n, 3.0),
    lambda rng, n: np.full(n, np.nan),
    lambda rng, n: np.full(n, None, dtype=object),
    lambda rng, n: np.arange(n),
    lambda rng, n: np.arange(n) // 2,
    lambda rng, n: np.repeat(["", " "], [n // 2, n - n // 2]),
    lambda rng, n: rng.normal(size=n) + 1j,
    lambda rng, n: pd.Series([[1]] * n, dtype=object),
    lambda rng, n: pd.to_timedelta(rng.integers(0, 9, n), "h"),
    lambda rng, n: pd.period_range("2020", periods=n, freq="M"),
    lambda rng, n: pd.arrays.SparseArray(rng.integers(0, 2, n), fill_value=0),
    lambda rng, n: pd.array(rng.choice(["a", "b"], n), dtype="string"),
    lambda rng, n: rng.choice(["٣", "３", "ⅲ", "\u202ex", "e\u0301", "é"], n),
]


@st.composite
def tables(
    draw: st.DrawFn, sizes: st.SearchStrategy[int] = SIZES, names: st.SearchStrategy[str] = NAMES
) -> pd.DataFrame:
    """Three to eight columns; now and then an index that repeats, or two columns of one name."""
    n = draw(SIZES)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = draw(st.lists(NAMES, min_size=3, max_size=8, unique=draw(st.integers(0, 19)) > 0))
    made = [pd.Series(np.asarray(draw(st.sampled_from(KINDS))(rng, n), dtype=None)) for _ in columns]
    table = pd.concat(made, axis=1) if made else pd.DataFrame()
    table.columns = pd.Index(columns)
    if draw(st.integers(0, 9)) == 0:
        table.index = pd.Index(np.zeros(n, dtype=int))
    return table


@st.composite
def ordinary_tables(draw: st.DrawFn) -> pd.DataFrame:
    """Twenty to a hundred and twenty rows with groups in them, so that most models can be fitted."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.sampled_from([20, 40, 120]))
    columns = {
        "y": rng.normal(size=n),
        "x": rng.normal(size=n),
        "z": rng.uniform(1, 2, n),
        "h": labels(rng, n),
        "k": categories(rng, n),
        "g": rng.integers(0, draw(st.sampled_from([3, 6, 12])), n),
        "s": rng.choice(["N", "S", "E"], n),
        "won": rng.integers(0, 2, n).astype(bool),
        "hits": rng.integers(0, 5, n),
        "tries": rng.integers(5, 9, n),
        "km/h": rng.normal(50, 10, n),
        "w": rng.uniform(0.5, 2, n),
    }
    return pd.DataFrame(columns)


def quoted(name: str) -> str:
    return name if name.isidentifier() and name not in WORDS else f"`{name}`"


NUMBERS_CALLED = [
    "{}",
    "{}",
    "{}",
    "log({})",
    "I({}**2)",
    "scale({})",
    "poly({}, 2)",
    "center({})",
    "exp({})",
    "abs({})",
]
OTHERS_CALLED = [
    "factor({})",
    "C({}, Sum)",
    "cut({}, 3)",
    "bs({}, df=4)",
    "offset({})",
    "-{}",
    "{} > 0",
    "({})^2",
    "sqrt({})",
]


@st.composite
def terms(draw: st.DrawFn, columns: list[str]) -> str:
    """A column, a call, an interaction, or numbers."""
    one = draw(st.sampled_from(NUMBERS_CALLED * 3 + OTHERS_CALLED)).format(quoted(draw(st.sampled_from(columns))))
    if draw(st.integers(0, 3)):
        return one
    other = quoted(draw(st.sampled_from(columns)))
    joint = draw(st.sampled_from([":", "*", "/", " + ", " - ", "%in%", "^2 + ", "*1:", " + 0 + "]))
    return f"{one}{joint}{other}"


@st.composite
def group_terms(draw: st.DrawFn, columns: list[str], factors: list[str]) -> str:
    effects = draw(st.sampled_from(["1", "1", "1", "{x}", "{x}", "0 + {x}", "1 + {x} + {z}", "{x} * {z}", "-1 + {x}"]))
    effects = effects.format(x=draw(terms(columns)), z=quoted(draw(st.sampled_from(columns))))
    bar = draw(st.sampled_from(["|", "|", "|", "||"]))
    factor = quoted(draw(st.sampled_from(factors)))
    other = quoted(draw(st.sampled_from(factors)))
    groups = draw(
        st.sampled_from(
            [factor] * 6 + [f"{factor}:{other}", f"{factor}/{other}", f"factor({factor})", f"{factor} + {other}"]
        )
    )
    return f"({effects} {bar} {groups})"


@st.composite
def formulas(draw: st.DrawFn, columns: list[str], outcomes: list[str], factors: list[str] | None = None) -> str:
    """An outcome, up to three common terms of the other columns, and up to two group terms."""
    outcome = draw(st.sampled_from(outcomes))
    others = [name for name in columns if quoted(name) not in outcome] or columns
    common = draw(st.lists(terms(others), max_size=3))
    groups = draw(st.lists(group_terms(others, factors or others), max_size=2))
    zero = draw(st.sampled_from([[], [], [], ["0"], ["1"], ["-1"]]))
    return f"{outcome} ~ " + " + ".join([*zero, *common, *groups] or ["1"])


PIECES = [
    "(",
    ")",
    "|",
    "||",
    "~",
    "+",
    "-",
    "*",
    "/",
    ":",
    "^",
    "**",
    "%in%",
    "`",
    "'",
    '"',
    ",",
    ".",
    "..",
    "=",
    "<-",
]
TOKENS = [
    *PIECES, " ", "\n", "\t", "\x00", "0", "1", "2", "-1", "1e999", "1e-5", "0x1", "1L", "x", "g", "y", "I(", "log(",
    "offset(", "C(", "p(", "cbind(", "TRUE", "NULL", "NA", "Inf", "[", "]", "{", "}", "$", "@", "#", ";", "&", "!",
    "\\",
    "function(x)", "lambda x:", "if", "in", "x in g", "%o%", "|>", "∞", "х", "\u200b", "\ud83d\ude00", "I(x)(",
    "poly(x,",
]  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, columns: list[str], outcomes: list[str], factors: list[str] | None = None) -> str:
    """A formula with pieces put in, taken out or doubled, or nothing but pieces."""
    if draw(st.integers(0, 4)) == 0:
        return "".join(draw(st.lists(st.sampled_from(TOKENS), max_size=12)))
    text = draw(formulas(columns, outcomes, factors))
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        place = draw(st.integers(0, len(text)))
        end = min(len(text), place + draw(st.integers(0, 4)))
        text = text[:place] + draw(st.sampled_from(["", *TOKENS])) + text[draw(st.sampled_from([place, end])) :]
    return text
