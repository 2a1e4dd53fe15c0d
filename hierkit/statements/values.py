"""The draws of what an expression names, and of what it makes of them."""

import ast
import difflib
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from hierkit.errors import HierkitError, refusal
from hierkit.model.groups import Factor
from hierkit.model.labels import in_text, some
from hierkit.model.names import INTERCEPT
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.group_effects import group_effects
from hierkit.quantities.variance_components import variance_components
from hierkit.statements.grammar import Expression, is_statement, normalised, unreadable

ROWS = "rows"
ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "odds": lambda p: p / (1 - p),
    "sqrt": np.sqrt,
}


@dataclass(frozen=True, eq=False)
class Values:
    """What expressions about a fit may name.

    Attributes
    ----------
    posterior : Posterior
        The draws with their design.
    rows : xarray.DataArray or None
        (chain, draw, row), predicted means.
    parameters : dict of str to xarray.DataArray
        (chain, draw), coefficients and variance components by their names.
    """

    posterior: Posterior
    rows: xr.DataArray | None
    parameters: Mapping[str, xr.DataArray]
    effects: dict[str, xr.DataArray] = field(default_factory=dict)

    def of(self, expression: Expression) -> Any:
        """(chain, draw), the values of an expression; of a statement whether it holds.

        Raises
        ------
        HierkitError
            For names that the fit does not have, and for what is neither a number nor a comparison.
        """
        read = self._value if expression.is_statement else self._number
        try:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                return read(expression, expression.tree)
        except RecursionError:
            raise unreadable(expression.text, "it is nested too deeply") from None

    def _number(self, expression: Expression, node: ast.expr) -> Any:
        """The values of a part that is a number, in every draw."""
        if is_statement(node):
            raise unreadable(expression.text, f"{expression.name(node)} holds or does not, and is no number")
        value = self._value(expression, node)
        if not np.isfinite(value).all():
            raise refusal(
                f"{expression.name(node)} is not a finite number in {int((~np.isfinite(value)).sum())} draws",
                "An expression has a value in every draw; log() and sqrt() have none below zero, and x / 0 has none",
                "Use abs(), or another expression",
            )
        return value

    def _truth(self, expression: Expression, node: ast.expr) -> Any:
        """Whether a part that is a statement holds, in every draw."""
        if not is_statement(node):
            raise unreadable(expression.text, f"{expression.name(node)} is a number, and neither holds nor does not")
        return self._value(expression, node)

    def _value(self, expression: Expression, node: ast.expr) -> Any:
        if (known := self._named(expression, node)) is not None:
            return known
        match node:
            case ast.Constant(value=bool() | str()):
                raise unreadable(expression.text, f"{node.value!r} is no number")
            case ast.Constant(value=int() | float() as number):
                return _float(expression, number)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(expression, operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._number(expression, operand)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return np.logical_not(self._truth(expression, operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return ARITHMETIC[type(op)](self._number(expression, left), self._number(expression, right))
            case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in COMPARISONS for op in ops):
                sides = [self._number(expression, side) for side in (left, *others)]
                pairs = zip(ops, sides, sides[1:], strict=False)
                return _all([COMPARISONS[type(op)](one, other) for op, one, other in pairs])
            case ast.BoolOp(op=op, values=parts):
                found = [self._truth(expression, part) for part in parts]
                return _all(found) if isinstance(op, ast.And) else np.logical_not(_all(map(np.logical_not, found)))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
                return FUNCTIONS[name](self._number(expression, argument))
            case ast.Subscript(value=ast.Name(), slice=index):
                return self._of_group(expression, expression.name(node.value), index)
            case ast.Name() | ast.Call() | ast.Subscript():
                raise self._unknown(expression.name(node))
        raise unreadable(expression.text, f"{expression.name(node)} has no meaning there")

    def _named(self, expression: Expression, node: ast.expr) -> xr.DataArray | None:
        """The parameter of that name, however its label is spaced."""
        if not isinstance(node, ast.Name | ast.Call | ast.Subscript):
            return None
        name = expression.name(node)
        for label, values in self.parameters.items():
            if name in (label, normalised(label)):
                return values
        return None

    def _of_group(self, expression: Expression, factor: str, index: ast.expr) -> Any:
        """`team[3]` or `team[3, wait]`, a group's own coefficient; `rows[0]`, the predicted mean of a row."""
        parts = [_label(expression, part) for part in (index.elts if isinstance(index, ast.Tuple) else [index])]
        if factor == ROWS and self.rows is not None:
            return _of_row(self.rows, expression, parts)
        if factor not in [one.label for one in self.posterior.design.factors]:
            raise self._unknown(f"{factor}[{', '.join(parts)}]")
        chosen = self.posterior.design.factor(factor)
        if factor not in self.effects:
            self.effects[factor] = group_effects(self.posterior, factor).draws["coefficient"]
        own = self.effects[factor]
        effect = parts[1] if len(parts) == 2 else INTERCEPT
        group = _place(chosen, parts[0])
        labels = [one.label for one in chosen.effects]
        if effect not in labels or len(parts) > 2:
            raise refusal(
                f"{factor!r} has no group effect {effect!r}",
                f"Its effects are {some(labels)}",
                f"Write {factor}[group, effect]",
            )
        return own.isel(group=group, effect=labels.index(effect), drop=True)

    def _unknown(self, name: str) -> HierkitError:
        known = [*self.parameters, *(f"{one.label}[...]" for one in self.posterior.design.factors)]
        close = difflib.get_close_matches(name, known, n=1)
        return refusal(
            f"The fit has no parameter {name!r}",
            f"It has {', '.join(known)}",
            f"Did you mean {close[0]!r}?" if close else "Name one of them, and pass rows= for rows[0] and the like",
        )


def values_of(posterior: Posterior, rows: xr.DataArray | None) -> Values:
    """What expressions about a posterior may name."""
    parameters: dict[str, xr.DataArray] = {}
    if posterior.design.columns:
        common = coefficients(posterior).draws["coefficient"]
        parameters = {str(label): common.sel(term=label, drop=True) for label in common["term"].values}
    components = variance_components(posterior).draws["value"]
    parameters |= {str(label): components.sel(component=label, drop=True) for label in components["component"].values}
    return Values(posterior, rows, parameters)


def _of_row(rows: xr.DataArray, expression: Expression, parts: list[str]) -> xr.DataArray:
    count = rows.sizes["row"]
    if len(parts) != 1 or not parts[0].isdigit() or int(parts[0]) >= count:
        raise refusal(
            f"{expression.text!r} names rows[{', '.join(parts)}]",
            f"The rows are rows[0] to rows[{count - 1}]",
            "Name one of them",
        )
    return rows.isel(row=int(parts[0]), drop=True)


def _float(expression: Expression, number: float) -> np.float64:
    try:
        return np.float64(number)
    except OverflowError:
        raise unreadable(expression.text, "a number in it is too large") from None


def _all(parts: Any) -> Any:
    found: Any = True
    for part in parts:
        found = np.logical_and(found, part)
    return found


def _label(expression: Expression, node: ast.expr) -> str:
    """A label in brackets: a word, a number, or text in quotes."""
    return in_text(node.value) if isinstance(node, ast.Constant) else expression.name(node)


def _place(factor: Factor, label: str) -> int:
    known = [in_text(level) for level in factor.levels]
    if label not in known:
        raise refusal(
            f"{factor.label!r} has no group {label!r}",
            f"Its groups are {some(list(factor.levels))}",
            "Name one of them, in quotes if it has spaces or symbols",
        )
    return known.index(label)
