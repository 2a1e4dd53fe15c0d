"""Quantity: draws with a definition, from which tables and pictures are made."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import xarray as xr
from arviz_base import rc_context

from hierkit.arrays import SAMPLE_DIMS
from hierkit.cores import on_all_cores
from hierkit.formats import (
    SUMMARY,
    as_csv,
    as_html,
    as_latex,
    as_markdown,
    as_text,
    for_notebooks,
    in_markdown,
)
from hierkit.intervals import (
    PLACE,
    IntervalKind,
    IntervalSettings,
    bounds,
    estimate,
    interval_settings,
    shown_beside,
    standard_deviation,
    with_bounds,
)
from hierkit.memory import MOST_BYTES
from hierkit.visible import visible
from hierkit.vocabulary import Labels, Units, make_vocabulary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Picture = Literal[
    "arrows",
    "calibration",
    "caterpillar",
    "curves",
    "design_effect",
    "estimates",
    "intervals",
    "pareto",
    "partition",
    "pooling",
    "pooling_factors",
    "priors",
    "probabilities",
    "qq",
    "ranks",
    "replicates",
    "sensitivity",
    "study",
]
PART = 1_000_000  # numbers summarised at once: 8 MB
SHOWN = 60  # of a label with more


@dataclass(frozen=True, eq=False, repr=False)
class Quantity:
    """What was computed, from draws to table.

    Attributes
    ----------
    draws : xarray.Dataset
        Variables with the dims chain and draw are summarised by `table`; others, such as `n`, are shown beside them.
    definition : str
        What is computed (the formula), on which scale, how to read it, and its source.
    picture : str
        The module of `hierkit.plots` that draws it.
    """

    draws: xr.Dataset
    definition: str
    picture: Picture = field(default="intervals", kw_only=True)

    def table(
        self, ci_prob: float | None = None, ci_kind: IntervalKind | None = None, long: bool = False
    ) -> pd.DataFrame:
        """Mean, sd and interval, a row for each label.

        Parameters
        ----------
        ci_prob : float, optional
            Probability inside the interval; ArviZ's `stats.ci_prob` if not given.
        ci_kind : {"eti", "hdi"}, optional
            Equal tails or highest density; ArviZ's `stats.ci_kind` if not given.
        long : bool
            Whether every variable has rows of its own, below each other.

        Returns
        -------
        pandas.DataFrame
            A column per label, and `n` and the like; then of the quantity itself `estimate` (the mean of the draws; the
            median of a ratio that has no mean, whose `sd` is missing), `sd`, `ci_lower`, `ci_upper`; then what belongs
            to it, each in a column under its name, with `_lower` and `_upper` where its interval is shown. Several
            quantities have rows below each other, and a column `quantity`. `attrs` has the interval's settings. Where
            nothing was drawn, a column per label and variable.

        Raises
        ------
        HierkitError
            For a probability outside (0, 1) and for an unknown kind.
        """
        settings = interval_settings(ci_prob, ci_kind)
        draws = with_bounds(self.draws, settings)
        sampled = [str(name) for name, variable in draws.items() if set(SAMPLE_DIMS) <= set(variable.dims)]
        if not sampled:
            return _numbers(draws)
        own = [name for name in sampled if long or shown_beside(draws[name]) is None] or sampled
        others = draws.drop_vars(sampled if long else own)
        before = list(draws)[: list(draws).index(own[0])]
        tables = [_in_parts(draws[name], others, settings) for name in own]
        if len(tables) > 1:
            for name, table in zip(own, tables, strict=True):
                table.insert(0, "quantity", name)
        joined = pd.concat(tables, ignore_index=True)
        first = [name for name in ("quantity", *draws.dims, *before) if name in joined]
        joined = joined[[*first, *SUMMARY, *joined.columns.difference([*first, *SUMMARY], sort=False)]]
        joined.attrs = {"ci_prob": settings.prob, "ci_kind": settings.kind}
        return joined

    def plot(
        self,
        ci_prob: float | None = None,
        ci_kind: IntervalKind | None = None,
        labels: Labels | None = None,
        units: Units | None = None,
        ax: "Axes | Sequence[Axes] | None" = None,
    ) -> "Figure":
        """The quantity as a picture; see the modules of `hierkit.plots`.

        Parameters
        ----------
        ci_prob, ci_kind
            The intervals that are drawn, as in `table`.
        labels, units : mapping of str to str, optional
            The names and the units of columns, `{"wait": "waiting time"}` and `{"wait": "minutes"}`.
        ax : matplotlib.axes.Axes or sequence of them, optional
            To draw on, one for each panel; a new figure if not given.

        Returns
        -------
        matplotlib.figure.Figure
            To be shown by Jupyter, changed, or saved with `savefig`; that of the axes if these were given.

        Raises
        ------
        HierkitError
            For words that are no text, and for other than one axes for each panel.
        """
        from hierkit.plots.canvas import drawing  # matplotlib takes a second to import

        settings = interval_settings(ci_prob, ci_kind)
        words = make_vocabulary(labels, units)
        axes = () if ax is None else tuple(np.atleast_1d(np.asarray(ax, dtype=object)).ravel())
        with drawing(words, axes), rc_context({"stats.ci_prob": settings.prob, "stats.ci_kind": settings.kind}):
            figure: Figure = import_module(f"hierkit.plots.{self.picture}").draw(self._drawn)
        return figure

    @property
    def _drawn(self) -> xr.Dataset:
        """What a picture is of: evenly spaced draws, as many as memory holds of every variable."""
        sizes = [8 * variable.size for variable in self.draws.values() if set(SAMPLE_DIMS) <= set(variable.dims)]
        step = math.ceil(max(sizes, default=0) / MOST_BYTES)
        return self.draws.isel(draw=slice(None, None, step)) if step > 1 else self.draws

    def to_markdown(self, ci_prob: float | None = None, ci_kind: IntervalKind | None = None) -> str:
        """The table as a pipe table of Markdown, rounded by what is known of each number; arguments as of `table`."""
        return as_markdown(self.table(ci_prob, ci_kind))

    def to_latex(self, ci_prob: float | None = None, ci_kind: IntervalKind | None = None, caption: str = "") -> str:
        """The table as a LaTeX tabular with booktabs' rules, in a table environment if there is a caption."""
        return as_latex(self.table(ci_prob, ci_kind), caption)

    def to_html(self, ci_prob: float | None = None, ci_kind: IntervalKind | None = None, caption: str = "") -> str:
        """The table as an element of HTML, everything escaped."""
        return as_html(self.table(ci_prob, ci_kind), caption)

    def to_csv(self, ci_prob: float | None = None, ci_kind: IntervalKind | None = None) -> str:
        """The table as comma-separated values with all digits."""
        return as_csv(self.table(ci_prob, ci_kind))

    def __repr__(self) -> str:
        return visible("\n\n".join(filter(None, [self.definition, as_text(self._shown), self._rest])))

    def _repr_html_(self) -> str:
        return for_notebooks(self._shown, self.definition, self._rest)

    def _repr_markdown_(self) -> str:
        return "\n\n".join(filter(None, [in_markdown(self.definition), as_markdown(self._shown), self._rest]))

    def _repr_latex_(self) -> str:
        return as_latex(self._shown, self.definition)

    @property
    def _long(self) -> dict[Hashable, int]:
        """The labels of which only the first are shown, and how many there are."""
        sizes = self.draws.sizes.items()
        return {dim: size for dim, size in sizes if dim not in (*SAMPLE_DIMS, PLACE) and size > SHOWN}

    @property
    def _shown(self) -> pd.DataFrame:
        """What is printed."""
        return self._head.table()

    @property
    def _head(self) -> "Quantity":
        return Quantity(self.draws.isel({dim: slice(SHOWN) for dim in self._long}), self.definition)

    @property
    def _rest(self) -> str:
        counts = ", ".join(f"{SHOWN} of {size:,} {dim}s" for dim, size in self._long.items())
        return f"The first {counts}; .table() has all." if counts else ""


def _numbers(numbers: xr.Dataset) -> pd.DataFrame:
    """A table of what has no draws: a column per variable, those of fewer labels repeated; empty rows left out."""
    widest = max(numbers.values(), key=lambda variable: variable.ndim)
    filled = [str(name) for name, variable in numbers.items() if variable.ndim == widest.ndim]
    table = numbers.to_dataframe(dim_order=list(widest.dims)).reset_index()
    return table.dropna(subset=filled, how="all").reset_index(drop=True)


def _in_parts(draws: xr.DataArray, others: xr.Dataset, settings: IntervalSettings) -> pd.DataFrame:
    """A part of the first label after the other, so that draws that are computed when needed never exist at once."""
    labels = [dim for dim in draws.dims if dim not in SAMPLE_DIMS]
    if not labels or draws.size <= PART:
        return _summarise(draws, others, settings)
    size = draws.sizes[labels[0]]
    step = max(1, PART * draws.sizes[labels[0]] // draws.size)
    parts = [{labels[0]: slice(start, start + step)} for start in range(0, size, step)]

    def summarise(part: dict[Hashable, slice]) -> pd.DataFrame:
        return _summarise(draws.isel(part), others.isel(part, missing_dims="ignore"), settings)

    return pd.concat(on_all_cores(summarise, parts, "summary"), ignore_index=True)


def _summarise(draws: xr.DataArray, others: xr.Dataset, settings: IntervalSettings) -> pd.DataFrame:
    labels = [dim for dim in draws.dims if dim not in SAMPLE_DIMS]
    beside: dict[str, xr.DataArray] = {}
    for name, variable in others.items():
        if set(variable.dims) <= {*labels, *SAMPLE_DIMS}:
            beside |= _columns(str(name), variable, settings)
    draws = draws.compute()
    lower, upper = bounds(draws, settings)
    columns = {
        "estimate": estimate(draws),
        "sd": standard_deviation(draws),
        "ci_lower": lower,
        "ci_upper": upper,
    }
    summary = xr.Dataset(columns | beside).transpose(*labels)
    if not labels:
        return pd.DataFrame({name: [variable.item()] for name, variable in summary.items()})
    return summary.to_dataframe().reset_index()[[*labels, *columns, *beside]]


def _columns(name: str, variable: xr.DataArray, settings: IntervalSettings) -> dict[str, xr.DataArray]:
    """What a table shows of a variable beside its first one."""
    shown = shown_beside(variable)
    if not set(SAMPLE_DIMS) <= set(variable.dims):
        return {name: variable}
    if shown == "nothing":
        return {}
    variable = variable.compute()  # once, where draws are computed when they are used
    columns = {name: estimate(variable)}
    if shown == "interval":
        columns[f"{name}_lower"], columns[f"{name}_upper"] = bounds(variable, settings)
    return columns
