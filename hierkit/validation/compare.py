"""Models side by side, by their scores of what was left out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.errors import refusal
from hierkit.posterior.quantity import Quantity
from hierkit.validation.validation import Validation, standard_error


def compare_validations(validations: Mapping[str, Validation]) -> Quantity:
    """Models side by side, the best first, by their scores of rows or groups left out.

    Parameters
    ----------
    validations : mapping of str to Validation
        By the names of the models: all by `loo`, or all by `logo` of one factor, on the same rows and outcome.

    Returns
    -------
    Quantity
        (model,): `elpd` and `se`, `elpd_diff` to the best model and `dse` = sqrt(n Var(d_i)) of the
        differences d_i by row, by group, or by trial of a frequency table, `p`, and `bad_k`, how many Pareto k are too
        large.

    Raises
    ------
    HierkitError
        For fewer than two models, and for models of other rows, outcomes or groups.
    """
    if len(validations) < 2:
        raise refusal(
            f"compare() was given {len(validations)} model{'' if len(validations) == 1 else 's'}",
            "It needs at least two, each with a name",
            'Pass them as {"a": fit_a, "b": fit_b}',
        )
    names = sorted(validations, key=lambda name: -validations[name].elpd)
    best = validations[names[0]]
    for name in names[1:]:
        _check_comparable(names[0], best, name, validations[name])
    ordered = [validations[name] for name in names]
    differences = [(one.draws["elpd"] - best.draws["elpd"]).values for one in ordered]
    columns = {
        "elpd": [one.elpd for one in ordered],
        "se": [one.se for one in ordered],
        "elpd_diff": [difference.sum() for difference in differences],
        "dse": [standard_error(difference, best.sizes) for difference in differences],
        "p": [one.p for one in ordered],
        "bad_k": [one.bad for one in ordered],
    }
    definition = (
        f"Expected log scores with one {best.unit} left out, the best model first; elpd_diff: the difference to the "
        "best, and dse its standard error. A difference of several times its dse is clear; below 4, or with few rows "
        "or groups, the dse is itself unreliable. bad_k: how many Pareto k are too large."
    )
    by_model = {name: ("model", values) for name, values in columns.items()}
    return Quantity(xr.Dataset(by_model, coords={"model": names}), definition, picture="estimates")


def _check_comparable(first: str, one: Validation, second: str, other: Validation) -> None:
    if one.left_out != other.left_out:
        raise refusal(
            f"{first!r} leaves out {_in_words(one)} and {second!r} {_in_words(other)}",
            "All models must be scored on the same rows or groups",
            "Use loo() for all, or logo() of the same factor",
        )
    if one.outcome.label != other.outcome.label or one.outcome.distribution != other.outcome.distribution:
        raise refusal(
            f"{first!r} predicts {one.outcome.label} ({one.outcome.distribution}) and {second!r} {other.outcome.label} "
            f"({other.outcome.distribution})",
            "Log scores of the same outcome can be compared",
            "Fit both to the same outcome",
        )
    pairs = zip(_what(one), _what(other), strict=True)
    if not all(np.array_equal(mine, its) for mine, its in pairs):
        raise refusal(
            f"{first!r} ({len(one.rows)} rows) and {second!r} ({len(other.rows)} rows) were fitted to different rows",
            "Log scores of the same rows can be compared",
            "Fit both to the rows that are complete for both",
        )


def _what(one: Validation) -> tuple[NDArray[Any], ...]:
    """What must be the same for log scores to be compared."""
    return one.rows, one.units, one.outcome.y, one.outcome.trials_of_each


def _in_words(validation: Validation) -> str:
    return "rows" if validation.left_out == "row" else f"groups of {validation.left_out}"
