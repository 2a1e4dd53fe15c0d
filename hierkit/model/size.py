"""How many columns a term makes, before they are made: more than memory holds are refused."""

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from formulae import expr as ast
from formulae.categorical import CategoricalBox

from hierkit.errors import refusal
from hierkit.memory import at_least_memory
from hierkit.model.syntax import Node, callee_of, calls_in, render, walk

BYTES = 8
SHARE = 0.2  # of memory: engines hold several copies of the columns
BASES = frozenset({"bs", "ns", "poly"})
COUNTS = frozenset({"df", "degree"})
ARITHMETIC = {
    "PLUS": operator.add,
    "MINUS": operator.sub,
    "STAR": operator.mul,
    "SLASH": operator.truediv,
    "STAR_STAR": operator.pow,
}


def check_size(components: Sequence[Any], rows: int, words: Mapping[str, str]) -> None:
    """Refuse a term of so many columns that they, and what is made of them, would not fit into memory.

    Parameters
    ----------
    components : sequence
        Those of formulae's term, which knows their types.
    rows : int
        How many there are.
    words : dict of str to str
        The user's spelling of each component.

    Raises
    ------
    HierkitError
        Before the columns are made.
    """
    columns = math.prod(_width(component) for component in components)
    needed, there = BYTES * rows * columns, at_least_memory()
    if needed <= SHARE * there:
        return
    names = [words.get(component.name, component.name) for component in components]
    labels = [words.get(name, name) for one in components if one.kind == "categoric" for name in sorted(one.var_names)]
    as_groups = f"Labels that are this many are groups: write (1 | {':'.join(labels)})"
    raise refusal(
        f"{':'.join(names)} makes {columns:,} columns of {rows:,} rows, {needed / 1e9:,.0f} GB, and the machine has "
        f"{there / 1e9:,.0f} GB",
        "The columns of one term may take a fifth of it",
        as_groups if labels else "Ask for fewer columns",
    )


def _width(component: Any) -> int:
    """How many columns a component makes, or one more where levels are compared with a first one."""
    values = component._intermediate_data
    if component.kind != "categoric":
        return int(np.prod(np.shape(values)[1:]))
    return int(pd.Series(values.data if isinstance(values, CategoricalBox) else values).nunique())


def check_bases(node: Node, rows: int) -> None:
    """Refuse splines and polynomials of more columns than there are rows, or than memory holds, before they are made.

    Raises
    ------
    HierkitError
        For a number of columns that the formula has.
    """
    for call in calls_in(node):
        columns = max(_counts(call), default=0.0) if callee_of(call) in BASES else 0.0
        if columns > rows or BYTES * rows * columns > SHARE * at_least_memory():
            raise refusal(
                f"{render(call)} asks for {columns:,.0f} columns of {rows:,} rows",
                "A spline or a polynomial has fewer columns than there are rows, and they may take a fifth of the "
                "machine's memory",
                "Ask for a handful, as in bs(x, df=5)",
            )


def check_powers(node: Node) -> None:
    """Refuse a power of numbers that is larger than any number: Python would compute all its digits.

    Raises
    ------
    HierkitError
        For one that the formula has.
    """
    powers = [one for one in walk(node) if isinstance(one, ast.Binary) and str(one.operator.kind) == "STAR_STAR"]
    for power in powers:
        if (number := _number(power)) is not None and not math.isfinite(number):
            raise refusal(
                f"{render(power)} is larger than any number",
                "Numbers end at 1.8e308",
                "Check it, or compute the column in the data first",
            )


def _counts(call: Node) -> list[float]:
    """The numbers of columns that a call's arguments are, by name or in the second place."""
    named = [arg.value for arg in call.args if isinstance(arg, ast.Assign) and arg.name.name.lexeme in COUNTS]
    second = [arg for arg in call.args[1:2] if not isinstance(arg, ast.Assign)]
    return [number for one in [*named, *second] if (number := _number(one)) is not None]


def _number(node: Node) -> float | None:
    """What arithmetic with numbers alone gives; None for anything else."""
    match node:
        case ast.Literal() if isinstance(node.value, int | float):
            return float(node.value)
        case ast.Grouping():
            return _number(node.expression)
        case ast.Binary() if str(node.operator.kind) in ARITHMETIC:
            left, right = _number(node.left), _number(node.right)
            return None if left is None or right is None else _result(str(node.operator.kind), left, right)
    return None


def _result(kind: str, left: float, right: float) -> float | None:
    try:
        found = ARITHMETIC[kind](left, right)
    except OverflowError:
        return math.inf
    except ZeroDivisionError:
        return None
    return found if isinstance(found, float) else None
