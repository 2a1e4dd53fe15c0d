"""fit() and the frozen Fit: what a user touches. Every method is one call of a pure function."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from hierkit import sampling
from hierkit.errors import SamplingWarning
from hierkit.model.design import Design, make_design
from hierkit.model.formula import Formula, parse
from hierkit.model.priors import Priors, make_priors
from hierkit.model.rows import read_rows
from hierkit.quantities.blups import group_effects
from hierkit.quantities.checks import checks
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.findings import Findings
from hierkit.quantities.quantity import Quantity
from hierkit.quantities.variance import variance_components
from hierkit.report.render import Report, render_report
from hierkit.report.sections import Parts, Summary, summarise
from hierkit.sampling.settings import make_settings

if TYPE_CHECKING:
    import bambi


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """A fitted model and its draws. Nothing in it changes after it is made.

    Attributes
    ----------
    formula : Formula
        What was asked for.
    design : Design
        The rows used and dropped, the outcome, X, and the factors with their levels.
    priors : Priors
        The prior of every parameter; printing it shows the table.
    draws : xarray.DataTree
        posterior and sample_stats (chain, draw, ...), observed_data and constant_data; Bambi's names, the groups' own
        labels. `attrs` say which engine made them and why, with seed, settings and versions.
    """

    formula: Formula
    design: Design
    priors: Priors
    draws: xr.DataTree

    @cached_property
    def model(self) -> "bambi.Model":
        """The same model in Bambi, built when first asked for; its names are the names in `draws`."""
        from hierkit.model.bambi_model import build  # Bambi takes seconds to import, and most users never ask

        return build(self.design, self.priors, self.draws.attrs["effects"])

    def coefficients(self) -> Quantity:
        """The conditional coefficients; see `hierkit.quantities.coefficients.coefficients`."""
        return coefficients(self._posterior, self.design)

    def variance_components(self) -> Quantity:
        """Sds and correlations of effects; see `hierkit.quantities.variance.variance_components`."""
        return variance_components(self._posterior, self.design)

    def group_effects(self, factor: str | None = None) -> Quantity:
        """Each group's deviation and coefficient; see `hierkit.quantities.blups.group_effects`."""
        return group_effects(self._posterior, self.design, factor)

    def checks(self) -> Findings:
        """What to know before using the results; see `hierkit.quantities.checks.checks`."""
        return self._findings

    def summary(self) -> Summary:
        """The fit on one page of text: findings, coefficients, variance components, data."""
        return summarise(self._parts)

    def report(self, title: str | None = None) -> Report:
        """The fit as one self-contained HTML page; see `hierkit.report.render.render_report`."""
        return render_report(self._parts, title)

    def save(self, path: str | Path) -> Path:
        """Write the fit into one file that `hierkit.load` reads; see `hierkit.storage.write`."""
        from hierkit import storage  # Zarr takes a third of a second to import

        family = "gaussian" if self.design.outcome.family == "gaussian" else "bernoulli"
        return storage.write(path, self.formula.text, family, self.design.rows, self.priors, self.draws)

    @cached_property
    def _posterior(self) -> xr.Dataset:
        return self.draws["posterior"].to_dataset()

    @cached_property
    def _findings(self) -> Findings:
        return checks(self.draws, self.design, self.priors)

    @property
    def _parts(self) -> Parts:
        return Parts(self.design, self.priors, self.draws, self._findings)

    def __repr__(self) -> str:
        return str(self.summary())


def fit(
    formula: str,
    data: Any,
    *,
    family: str = "gaussian",
    priors: Mapping[str, Any] | None = None,
    effects: str = "normal",
    engine: str = "auto",
    nuts_sampler: str | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | np.random.Generator | None = None,
    target_accept: float | None = None,
    progressbar: bool = True,
    missing: str = "drop",
    trusted_formula: bool = False,
) -> Fit:
    """Fit a hierarchical model and draw from its posterior.

    Parameters
    ----------
    formula : str
        lme4's language: `"y ~ x + (x | g)"`; `p(successes, trials) ~ ...` for counts; backticks around names that are
        no plain words.
    data : table
        pandas, polars, pyarrow, or anything else narwhals reads.
    family : {"gaussian", "bernoulli"}
        Of the outcome. A text or boolean outcome is two-valued: its second value, or the one named as in
        `outcome["yes"]`, is the event.
    priors : mapping, optional
        By parameter, for example `{"wait": "Normal(0, 1)", "sd(team)": "Exponential(1)"}`; text, or a `bambi.Prior`.
        Those not given have the defaults, and `fit.priors` shows all.
    effects : {"normal", "student_t"}
        The distribution of the group effects.
    engine : {"auto", "marginal", "joint", "pymc"}
        What draws from the posterior: the fastest that fits the model, or the one named (docs/engines.md).
    nuts_sampler : {"nutpie", "pymc", "numpyro", "blackjax"}, optional
        Which implementation of NUTS runs PyMC's model; naming one chooses the engine "pymc".
    draws, tune, chains : int
        Draws kept and discarded per chain, and chains.
    cores : int, optional
        Chains run at once.
    random_seed : int, numpy.random.Generator or None
        The same seed gives the same draws; one is drawn and recorded if none is given.
    target_accept : float, optional
        NUTS's target acceptance, 0.8 if not given. After divergences the model is sampled once more with a larger one.
    progressbar : bool
        Show progress.
    missing : {"drop", "error"}
        What to do with rows in which a used column is missing.
    trusted_formula : bool
        Let the formula call any function of numpy and pandas. Only for formulas that you wrote.

    Returns
    -------
    Fit

    Raises
    ------
    HierkitError
        For whatever cannot be fitted, before anything is sampled.

    Warns
    -----
    SamplingWarning
        If the draws may not represent the posterior.
    """
    settings = make_settings(draws, tune, chains, cores, random_seed, target_accept, nuts_sampler, progressbar)
    parsed = parse(formula, trusted_formula)
    design = make_design(parsed, read_rows(data, parsed.columns, missing), family)
    table = make_priors(design, priors, effects)
    choice = sampling.choose(engine, design, table, effects, nuts_sampler)
    fitted = Fit(parsed, design, table, sampling.sample(design, table, effects, choice, settings))
    if trouble := fitted.checks().need_action:
        lines = [f"{finding.message} {finding.advice}" for finding in trouble]
        warnings.warn("The draws cannot be trusted yet. " + " ".join(lines), SamplingWarning, stacklevel=2)
    return fitted


def load(path: str | Path, trusted_formula: bool = False) -> Fit:
    """Read a fit that `Fit.save` wrote.

    Parameters
    ----------
    path : str or Path
        The file.
    trusted_formula : bool
        Accept a formula that calls functions outside the allowlist; only for files from people you trust.

    Returns
    -------
    Fit

    Raises
    ------
    HierkitError
        For a file that is no fit, is damaged, comes from a newer hierkit, or holds a formula that is not allowed.
    """
    from hierkit import storage  # Zarr takes a third of a second to import

    text, family, rows, priors, draws = storage.read(path)
    formula = parse(text, trusted_formula)
    if list(formula.columns) != list(rows.frame.columns):
        raise storage.damaged(path, "its rows are not those of its formula")
    design = make_design(formula, rows, family)
    if set(priors) != set(make_priors(design, effects=draws.attrs.get("effects", "normal"))):
        raise storage.damaged(path, "its priors are not those of its formula")
    return Fit(formula, design, priors, draws)
