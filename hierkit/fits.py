"""fit_many(): the same model for each level of a column, or several models of one table."""

import inspect
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierkit.errors import HierkitError, SamplingWarning, refusal, silencing, warn
from hierkit.fitted import Fit
from hierkit.fitting import fit
from hierkit.model.formula import parse
from hierkit.model.labels import some
from hierkit.model.precision import make_precision
from hierkit.model.rows import read_rows, select
from hierkit.sampling.settings import read_seed
from hierkit.simulation.many import seeds_from
from hierkit.sources.in_memory import in_memory
from hierkit.tasks import in_processes

EXAMPLE = 'Pass "y ~ x" with by="column", or {"one": "y ~ x", "other": "y ~ z"} without'
OPTIONS = tuple(name for name in inspect.signature(fit).parameters if name not in ("formula", "data", "cores"))


@dataclass(frozen=True, eq=False, repr=False)
class Fits(Mapping[Hashable, Fit]):
    """Many fits by name.

    Attributes
    ----------
    fits : dict
        The fit of each model, in the order of the models.
    refused : dict
        For each model that could not be fitted, why.
    by : str
        The column whose levels are the names; "model" where formulas have names.
    """

    fits: dict[Hashable, Fit]
    refused: dict[Hashable, str]
    by: str

    def __getitem__(self, name: Hashable) -> Fit:
        return self.fits[name]

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def table(self, quantity: str = "coefficients", /, *args: Any, **options: Any) -> pd.DataFrame:
        """A quantity of every fit in one table.

        Parameters
        ----------
        quantity : str
            A method of `Fit` that returns a quantity: "coefficients", "variance_components", "shrinkage", ...
        *args, **options
            What it takes.

        Returns
        -------
        pandas.DataFrame
            The rows of `fit.<quantity>(...).table()` of each fit below each other. The first column has the names;
            it is called as `by`, or "model" where the table has a column of that name already.

        Raises
        ------
        HierkitError
            For what is no method of a fit, and whatever the method refuses.
        """
        if not callable(getattr(Fit, quantity, None)) or quantity.startswith("_"):
            raise refusal(
                f"A fit has no quantity {quantity!r}",
                "It is the name of a method that returns a quantity, such as 'coefficients' or 'shrinkage'",
                "See help(hierkit.Fit) for their names",
            )
        tables = {name: getattr(one, quantity)(*args, **options).table() for name, one in self.fits.items()}
        return self._joined(tables)

    def checks(self) -> pd.DataFrame:
        """What was found in each fit: the name, `severity`, `check`, `message`, `advice`."""
        return self._joined({name: one.checks().table() for name, one in self.fits.items()})

    def _joined(self, tables: dict[Hashable, pd.DataFrame]) -> pd.DataFrame:
        first = "model" if any(self.by in own for own in tables.values()) else self.by
        for name, own in tables.items():
            own.insert(0, first, [name] * len(own))
        return pd.concat(tables.values(), ignore_index=True)

    def __repr__(self) -> str:
        untrusted = [name for name, one in self.fits.items() if one.checks().need_action]
        lines = [f"{len(self.fits):,} fits by {self.by}: {some(list(self.fits), 5)}."]
        if self.refused:
            lines.append(f"{len(self.refused):,} could not be fitted (see .refused): {some(list(self.refused), 5)}.")
        if untrusted:
            lines.append(f"{len(untrusted):,} cannot be trusted yet (see .checks()): {some(untrusted, 5)}.")
        return "\n".join(lines)


def fit_many(
    formula: str | Mapping[str, str],
    data: Any,
    *,
    by: str | None = None,
    random_seed: int | np.random.Generator | None = None,
    progressbar: bool = True,
    **options: Any,
) -> Fits:
    """Fit many models, each in a process of its own: of this machine, or of the Dask cluster of the current client.

    Parameters
    ----------
    formula : str or mapping
        One formula, with `by`; or formulas by name, each fitted to all rows.
    data : table
        As of `fit`.
    by : str, optional
        A column: the model is fitted to the rows of each of its levels alone. Rows where it is missing are left out.
    random_seed : int, numpy.random.Generator or None
        Each model gets a seed that is made from this one and its place, so that draws do not depend on the number of
        cores; `fits[name].draws.attrs["random_seed"]` has it.
    progressbar : bool
        Show progress.
    **options
        As of `fit`: family, weights, priors, draws, ...

    Returns
    -------
    Fits
        A mapping of names to fits. `fits.table("coefficients")` has a quantity of all in one table, `fits.refused` says
        why a model could not be fitted.

    Raises
    ------
    HierkitError
        For a formula that cannot be read, an unknown column or option, and if no model can be fitted.

    Warns
    -----
    HierkitWarning
        If some models cannot be fitted.
    SamplingWarning
        If the draws of some models may not represent the posterior.
    """
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise refusal(
            f"fit_many() has no option {unknown[0]!r}", f"Its options are {', '.join(OPTIONS)}", "Check the spelling"
        )
    if not isinstance(formula, str | Mapping) or not isinstance(by, str | None):
        raise refusal(
            f"formula= is of type {type(formula).__name__} and by= of type {type(by).__name__}",
            "formula= is a text, or a mapping of names to texts, and by= the name of a column",
            EXAMPLE,
        )
    make_precision(options.get("weights"), options.get("known_sd"), options.get("family", "gaussian"))
    models = _models(formula, data, by, options)
    seeds = seeds_from(read_seed(random_seed), len(models))
    pairs = zip(models.values(), seeds, strict=True)
    tasks = [(text, rows, {**options, "random_seed": seed}) for (text, rows), seed in pairs]
    done = dict(zip(models, in_processes(_fit_one, tasks, "models", progressbar, lost=str), strict=True))
    fits = {name: one for name, one in done.items() if isinstance(one, Fit)}
    refused = {name: one for name, one in done.items() if not isinstance(one, Fit)}
    if not fits:
        name, reason = next(iter(refused.items()))
        raise HierkitError(f"None of {len(models):,} models can be fitted. Of {name!r}: {reason}")
    return _warned(Fits(fits, refused, by or "model"))


def _models(
    formula: str | Mapping[str, str], data: Any, by: str | None, options: Mapping[str, Any]
) -> dict[Hashable, tuple[str, Any]]:
    """Formula and rows of each model, by name."""
    beside = [name for name in (options.get("weights"), options.get("known_sd")) if name]

    def columns(text: str) -> list[str]:
        own = parse(text, bool(options.get("trusted_formula", False))).columns
        return list(dict.fromkeys([*own, *beside]))

    if isinstance(formula, str) and by is not None:
        used = columns(formula)
        every = list(dict.fromkeys([*used, by]))
        return _by_level(formula, select(in_memory(data, every), every, "data"), used, by)
    if isinstance(formula, str) or by is not None or not formula:
        raise refusal(
            f"formula={formula!r} with by={by!r}",
            "Many models are one formula for each level of a column, or formulas by name",
            EXAMPLE,
        )
    table = in_memory(data, list(dict.fromkeys(column for text in formula.values() for column in columns(text))))
    return {name: (text, select(table, columns(text), "data").to_native()) for name, text in formula.items()}


def _by_level(formula: str, table: Any, columns: list[str], by: str) -> dict[Hashable, tuple[str, Any]]:
    """The same formula and the rows of each level."""
    labels = read_rows(table.to_native(), [by])
    rows = table.select(columns)
    groups = labels.frame.groupby(by, observed=True, sort=True).groups
    return {
        name: (formula, rows[labels.positions[own.to_numpy()].tolist()].to_native()) for name, own in groups.items()
    }


def _fit_one(task: tuple[str, Any, dict[str, Any]]) -> Fit | str:
    """The fit, or why there is none; what its draws are worth is said once for all."""
    text, rows, options = task
    with silencing(SamplingWarning):
        try:
            return fit(text, rows, cores=1, progressbar=False, **options)
        except HierkitError as error:
            return str(error)


def _warned(fits: Fits) -> Fits:
    count = len(fits.fits) + len(fits.refused)
    if fits.refused:
        name, reason = next(iter(fits.refused.items()))
        warn(f"{len(fits.refused):,} of {count:,} models could not be fitted. Of {name!r}: {reason} See .refused.")
    untrusted = [name for name, one in fits.items() if one.checks().need_action]
    if untrusted:
        warn(
            f"The draws of {len(untrusted):,} of {count:,} models cannot be trusted yet: {some(untrusted, 5)}. "
            "See .checks().",
            SamplingWarning,
        )
    return fits
