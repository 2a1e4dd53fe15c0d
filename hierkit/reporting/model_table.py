"""Models side by side: a column for each, a row for each parameter and each measure of fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierkit.errors import HierkitWarning, refusal, silencing
from hierkit.formats import (
    as_csv,
    as_html,
    as_latex,
    as_markdown,
    as_text,
    for_notebooks,
    in_markdown,
    printed,
)
from hierkit.intervals import interval_in_words
from hierkit.model.names import Kind, kind_of
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.icc import icc
from hierkit.quantities.r_squared import r_squared
from hierkit.quantities.variance_components import variance_components
from hierkit.validation.leave_out import loo

ENOUGH = 1000  # draws for shares of variance
PARTS = ("coefficients", "group effects", "fit")
COMPONENTS = (Kind.SD, Kind.CORRELATION, Kind.DEGREES, Kind.RESIDUAL_SD)
FITS = ("ICC", "R²,", "rows", "groups", "elpd")
KEYS = ["part", "parameter", "model"]


@dataclass(frozen=True, eq=False, repr=False)
class ModelTable:
    """Models side by side.

    Attributes
    ----------
    numbers : pandas.DataFrame
        A row for each parameter of each model: `part` ("coefficients", "group effects", "fit"), `parameter`, `model`,
        `estimate`, `sd`, `ci_lower`, `ci_upper`. Counts have no sd and no interval.
    definition : str
        What the numbers are.
    """

    numbers: pd.DataFrame
    definition: str

    def table(self) -> pd.DataFrame:
        """The numbers, a row for each parameter of each model."""
        return self.numbers.copy()

    def side_by_side(self) -> pd.DataFrame:
        """A column of text for each model: estimates with their intervals in brackets; empty where it has none."""
        return _side_by_side(self.numbers)

    def to_markdown(self) -> str:
        """The models side by side as a pipe table of Markdown."""
        return as_markdown(self.side_by_side())

    def to_latex(self, caption: str = "") -> str:
        """The models side by side as a LaTeX tabular, in a table environment if there is a caption."""
        return as_latex(self.side_by_side(), caption)

    def to_html(self, caption: str = "") -> str:
        """The models side by side as an element of HTML, everything escaped."""
        return as_html(self.side_by_side(), caption)

    def to_csv(self) -> str:
        """The numbers as comma-separated values with all digits."""
        return as_csv(self.numbers)

    def __repr__(self) -> str:
        return f"{as_text(self.side_by_side())}\n\n{self.definition}"

    def _repr_html_(self) -> str:
        return for_notebooks(self.side_by_side(), self.definition)

    def _repr_markdown_(self) -> str:
        return f"{as_markdown(self.side_by_side())}\n\n{in_markdown(self.definition)}"

    def _repr_latex_(self) -> str:
        return as_latex(self.side_by_side(), self.definition)


def model_table(posteriors: Mapping[str, Posterior]) -> ModelTable:
    """Models side by side: coefficients, sds and correlations, σ, ICC, R², rows, groups, and LOO's log score.

    Parameters
    ----------
    posteriors : mapping of str to Posterior
        By the name of the model.

    Returns
    -------
    ModelTable
        Log scores are left out where models are of different outcomes or rows, whose scores cannot be compared.

    Raises
    ------
    HierkitError
        For no model.
    """
    if not posteriors:
        raise refusal("No model was given", "compare_table() takes fits by name", 'Pass {"one": fit, "other": fit}')
    comparable = are_comparable(list(posteriors.values()))
    rows: list[dict[str, Any]] = []
    for name, posterior in posteriors.items():
        for part, parameter, own in _of_model(posterior, comparable):
            rows.append({"part": part, "parameter": parameter, "model": name, **own})
    rows.sort(key=_place)
    numbers = pd.DataFrame(rows)
    definition = (
        f"Estimates with {interval_in_words()}. Coefficients and standard deviations are on the link scale; ICC and R² "
        "are shares of the variance there."
    )
    if comparable:
        definition += " elpd: the expected log score of a row left out, the larger the better, with its standard error."
    return ModelTable(numbers, definition)


def _place(row: dict[str, Any]) -> tuple[int, int]:
    """Where a row belongs: in its part, and there with its kind; else rows are as they come."""
    part, parameter = row["part"], row["parameter"]
    kinds: dict[str, int] = {
        "coefficients": 0,
        "group effects": COMPONENTS.index(kind_of(parameter)) if part == "group effects" else 0,
        "fit": FITS.index(parameter.split()[0]) if part == "fit" else 0,
    }
    return PARTS.index(part), kinds[part]


def _of_model(posterior: Posterior, comparable: bool) -> Iterator[tuple[str, str, dict[str, float]]]:
    design, thinned = posterior.design, posterior.thinned(ENOUGH)
    if design.columns:
        yield from _rows("coefficients", coefficients(posterior), "term")
    components = variance_components(posterior)
    if components.draws.sizes["component"]:
        yield from _rows("group effects", components, "component")
    if design.factors:
        shares = icc(thinned).table()
        for row in shares.to_dict("records"):
            if row.get("quantity", "latent") == "latent":
                yield "fit", f"ICC of {row['factor']}", _numbers(row)
    for row in r_squared(thinned).table().to_dict("records"):
        yield "fit", f"R², {row['quantity']}", _numbers(row)
    yield "fit", "rows", {"estimate": float(design.rows.used)}
    for factor in design.factors:
        yield "fit", f"groups of {factor.label}", {"estimate": float(len(factor.levels))}
    if comparable:
        yield "fit", "elpd", _score(posterior)


def _rows(part: str, quantity: Quantity, label: str) -> Iterator[tuple[str, str, dict[str, float]]]:
    for row in quantity.table().to_dict("records"):
        yield part, str(row[label]), _numbers(row)


def _numbers(row: Mapping[Any, Any]) -> dict[str, float]:
    return {name: float(row[name]) for name in ("estimate", "sd", "ci_lower", "ci_upper")}


def _score(posterior: Posterior) -> dict[str, float]:
    with silencing(HierkitWarning):
        found = loo(posterior)
    return {"estimate": found.elpd, "sd": found.se}


def are_comparable(posteriors: list[Posterior]) -> bool:
    """Whether models are of the same outcome and rows."""
    first = posteriors[0].design
    return all(
        one.design.outcome.label == first.outcome.label
        and one.design.points is None
        and np.array_equal(one.design.rows.positions, first.rows.positions)
        and np.array_equal(one.design.outcome.y, first.outcome.y)
        for one in posteriors
    )


def _side_by_side(numbers: pd.DataFrame) -> pd.DataFrame:
    rounded = printed(numbers)
    cells = [_cell(*row) for row in rounded[["estimate", "sd", "ci_lower", "ci_upper"]].to_numpy().tolist()]
    wide = numbers[KEYS].assign(cell=cells).pivot(index=KEYS[:2], columns="model", values="cell")
    order = pd.MultiIndex.from_frame(numbers[KEYS[:2]].drop_duplicates())
    wide = wide.reindex(order)[list(dict.fromkeys(numbers["model"]))].fillna("")
    frame = wide.reset_index("part", drop=True).reset_index()
    frame.columns.name = None
    return frame.rename(columns={"parameter": ""})


def _cell(estimate: str, sd: str, lower: str, upper: str) -> str:
    if lower:
        return f"{estimate} [{lower}, {upper}]"
    return f"{estimate} ({sd})" if sd else estimate
