"""Models side by side, by what they say of what was left out."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from hierkit.errors import refusal
from hierkit.quantities.quantity import Quantity
from hierkit.quantities.validation import Validation, standard_error


def compare_validations(validations: Mapping[str, Validation]) -> Quantity:
    """Models side by side, the best first, by what they say of rows or groups left out.

    Parameters
    ----------
    validations : mapping of str to Validation
        By the names of the models: all by `loo`, or all by `logo` of one factor, on the same rows and outcome.

    Returns
    -------
    Quantity
        (model,): `elpd` and `se`, `difference` to the best model and `difference_se` = sqrt(n Var(d_i)) of the
        differences d_i by row or group, `p` and `bad`, how many Pareto k are too large.

    Raises
    ------
    HierkitError
        For fewer than two models, and for models of other rows, outcomes or groups.
    """
    if len(validations) < 2:
        raise refusal(f"{len(validations)} model was given", "A comparison is of two or more", "Pass several by name")
    names = sorted(validations, key=lambda name: -validations[name].elpd)
    best = validations[names[0]]
    for name in names[1:]:
        _check_comparable(names[0], best, name, validations[name])
    ordered = [validations[name] for name in names]
    differences = [(one.draws["elpd"] - best.draws["elpd"]).values for one in ordered]
    columns = {
        "elpd": [one.elpd for one in ordered],
        "se": [one.se for one in ordered],
        "difference": [difference.sum() for difference in differences],
        "difference_se": [standard_error(difference) for difference in differences],
        "p": [one.p for one in ordered],
        "bad": [one.bad for one in ordered],
    }
    what = "row" if best.left_out == "row" else f"group of {best.left_out}"
    definition = (
        f"Expected log scores with one {what} left out, the best model first; difference is to the best. A difference "
        "of several standard errors tells models apart; below 4, or with few rows or groups, its standard error is "
        "itself rough. bad: how many Pareto k are too large."
    )
    return Quantity(xr.Dataset({k: ("model", v) for k, v in columns.items()}, coords={"model": names}), definition)


def _check_comparable(first: str, one: Validation, second: str, other: Validation) -> None:
    label = "row" if one.left_out == "row" else "group"
    if one.left_out != other.left_out:
        raise refusal(
            f"{first!r} leaves out {one.left_out}s and {second!r} {other.left_out}s",
            "They leave out the same",
            "Choose",
        )
    same = one.outcome.label == other.outcome.label and one.outcome.family == other.outcome.family
    if not same or not np.array_equal(one.outcome.y, other.outcome.y):
        raise refusal(
            f"{first!r} and {second!r} predict different outcomes or rows",
            "Log scores of the same outcome in the same rows can be compared",
            "Fit both to the rows that are complete for both",
        )
    if not one.draws[label].equals(other.draws[label]):
        raise refusal(f"{first!r} and {second!r} have other {label}s", "They must be the same", "Fit both to one table")
