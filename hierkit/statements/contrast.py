"""Differences, ratios and other expressions of parameters, groups and predictions, and whether statements hold."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import xarray as xr

from hierkit.errors import refusal
from hierkit.intervals import monte_carlo_error, without_mean
from hierkit.model.labels import in_text
from hierkit.model.names import INTERCEPT
from hierkit.model.reference_rows import is_measured, levels_of, predictor
from hierkit.posterior.effects import stack
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.prediction.predict import Groups, predict
from hierkit.quantities.group_effects import group_effects
from hierkit.quantities.slopes import slopes
from hierkit.statements.grammar import Expression, read_expression, unreadable
from hierkit.statements.values import Values, values_of

PAIRS = re.compile(r"\s*pairs\(\s*(.+?)\s*\)\s*")
MOST_PAIRS = 2000


def contrast(posterior: Posterior, *expressions: str, rows: Any = None, groups: Groups = "typical") -> Quantity:
    """The posterior of expressions such as "h[b] - h[c]", computed within each draw.

    An expression is made of the names of coefficients and variance components, a group's own coefficient (`team[3]` its
    level, `team[3, wait]` its slope), predicted means of given rows (`rows[0]`), numbers, `+ - * / **`, and the
    functions abs, exp, log, sqrt and odds(p) = p / (1 - p). Names with spaces or symbols go into backticks. Text is
    read, and never evaluated.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    expressions : str
        One or more. "pairs(team)" is all differences of the groups' levels, "pairs(h)" all differences of the means of
        the outcome with every row at one level of a category and at another.
    rows : table, optional
        Rows with the predictors, for `rows[0]`, `rows[1]`, ...
    groups : {"typical", "marginal", "known", "new"}
        What is done about the groups of those rows, as in `predict`.

    Returns
    -------
    Quantity
        `value` (chain, draw, expression). Coefficients and a group's own are on the link scale (log odds for a
        Bernoulli outcome, of which exp() of a difference is a ratio of odds), predicted means in units of the outcome.
        If an expression divides by a parameter, estimates are medians and there is no sd, because a ratio need not have
        a mean.

    Raises
    ------
    HierkitError
        For text that cannot be read, unknown names, and a statement with a comparison, which has a probability.
    """
    _check_given(expressions, "contrast")
    known = values_of(posterior, _predicted(posterior, rows, groups))
    found: dict[str, xr.DataArray] = {}
    for text in expressions:
        found |= _pairs(posterior, text) if _is_pairs(text) else _value(known, text)
    value = stack(list(found.values()), "expression", list(found))
    value = value.transpose("chain", "draw", "expression")
    definition = "Values of expressions within each draw."
    if any(not _is_pairs(text) and read_expression(text).is_ratio for text in expressions):
        value = without_mean(value)
        definition += " The estimates are medians, because a ratio need not have a mean."
    return Quantity(xr.Dataset({"value": value}), definition + _about_rows(rows, groups))


def probability(posterior: Posterior, *statements: str, rows: Any = None, groups: Groups = "typical") -> Quantity:
    """The posterior probability of statements such as "wait < 0" or "team[3] > team[5]": the share of draws with them.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    statements : str
        One or more comparisons of expressions (see `contrast`) by < <= > >=. They may be chained ("-0.1 < wait < 0.1",
        equivalence with a region), joined by "and" and "or", and negated by "not".
    rows, groups
        As in `contrast`.

    Returns
    -------
    Quantity
        No draws: `probability` (statement,), a share from 0 to 1, and `mcse` (statement,), its Monte Carlo error; 0
        where all draws agree, which says that the probability is near 0 or 1 and not that it is that.

    Raises
    ------
    HierkitError
        For text that cannot be read, unknown names, and an expression without a comparison.
    """
    _check_given(statements, "probability")
    known = values_of(posterior, _predicted(posterior, rows, groups))
    holds = [_holds(known, text) for text in statements]
    names = [text.strip() for text in statements]
    arrays = {
        "probability": ("statement", [float(one.mean()) for one in holds]),
        "mcse": ("statement", [monte_carlo_error(one) for one in holds]),
    }
    definition = "The share of draws in which a statement holds, and its Monte Carlo error." + _about_rows(rows, groups)
    return Quantity(xr.Dataset(arrays, coords={"statement": names}), definition, picture="probabilities")


def _check_given(texts: Sequence[str], method: str) -> None:
    if not texts:
        raise refusal(f"{method}() was given nothing", "It takes one text or more", f'Call fit.{method}("...")')
    names = [text.strip() if isinstance(text, str) else text for text in texts]
    if doubled := [text for text in names if names.count(text) > 1]:
        raise refusal(f"{doubled[0]!r} is given more than once", "Each is shown under its text", "Leave one out")


def _predicted(posterior: Posterior, rows: Any, groups: Groups) -> xr.DataArray | None:
    return None if rows is None else predict(posterior, rows, groups).draws["mean"].compute()


def _value(known: Values, text: str) -> dict[str, xr.DataArray]:
    expression = read_expression(text)
    if expression.is_statement:
        raise refusal(
            f"{expression.text!r} holds or does not", "contrast() takes expressions without < or >", "Use probability()"
        )
    return {expression.text: _draws(known, expression)}


def _holds(known: Values, text: str) -> xr.DataArray:
    expression = read_expression(text)
    if not expression.is_statement:
        raise refusal(
            f"{expression.text!r} compares nothing", "A statement has < <= > or >=", "Add one, or use contrast()"
        )
    return _draws(known, expression).astype(float)


def _draws(known: Values, expression: Expression) -> xr.DataArray:
    value = known.of(expression)
    if not isinstance(value, xr.DataArray):
        raise unreadable(expression.text, "it names nothing of the fit")
    return value


def _is_pairs(text: str) -> bool:
    return isinstance(text, str) and PAIRS.fullmatch(text) is not None


def _pairs(posterior: Posterior, text: str) -> dict[str, xr.DataArray]:
    """All differences of groups' levels, or of a category's, the later less the earlier."""
    name = PAIRS.fullmatch(text)[1].strip("`")  # type: ignore[index]
    design = posterior.design
    if name in [factor.label for factor in design.factors]:
        factor = design.factor(name)
        if not any(effect.is_intercept for effect in factor.effects):
            advice = f"Add (1 | {name}) to the formula"
            raise refusal(f"{name!r} has no group intercept", "pairs() compares levels of groups", advice)
        _check_pairs(text, len(factor.levels))
        levels = group_effects(posterior, name).draws["coefficient"].sel(effect=INTERCEPT, drop=True)
        values = {in_text(label): levels.isel(group=i, drop=True) for i, label in enumerate(factor.levels)}
    else:
        values = _means_of_levels(posterior, name)
        _check_pairs(text, len(values))
    return {f"{name}: {b} - {a}": values[b] - values[a] for a, b in itertools.combinations(values, 2)}


def _check_pairs(text: str, levels: int) -> None:
    count = levels * (levels - 1) // 2
    if count > MOST_PAIRS:
        raise refusal(f"{text} is {count:,} pairs", f"At most {MOST_PAIRS:,} are shown", "Name the pairs that matter")


def _means_of_levels(posterior: Posterior, name: str) -> dict[str, xr.DataArray]:
    """The mean of the outcome at each level of a category, less that at the first, averaged over rows."""
    predictor(posterior.design, name)
    if is_measured(posterior.design, name):
        raise refusal(f"{name!r} is a number", "pairs() takes a grouping factor or a category", "See slopes()")
    levels = levels_of(posterior.design, name)
    changes = slopes(posterior, name).draws["average"]
    changes = changes if "contrast" in changes.dims else changes.expand_dims("contrast")
    first = changes.isel(contrast=0, drop=True) * 0.0
    rest = {in_text(level): changes.isel(contrast=i, drop=True) for i, level in enumerate(levels[1:])}
    return {in_text(levels[0]): first} | rest


def _about_rows(rows: Any, groups: Groups) -> str:
    return "" if rows is None else f" rows[0] and the like are predicted means of the given rows, groups {groups}."
