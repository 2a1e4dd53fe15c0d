"""The same model fitted to some of its rows."""

from contextlib import nullcontext
from dataclasses import replace
from threading import Lock

import numpy as np
import xarray as xr

from hierkit import sampling
from hierkit.errors import refusal
from hierkit.model.design import Design, make_design
from hierkit.model.priors import Priors
from hierkit.model.rows import read_rows
from hierkit.model.run import Run
from hierkit.sampling.engines import Choice
from hierkit.sampling.settings import Settings

ONE_AT_A_TIME = Lock()  # PyMC's models are compiled with settings of the whole process


def refit(smaller: Design, priors: Priors, run: Run) -> tuple[xr.DataTree, Design]:
    """Draws of a fitted model's posterior given some of its rows.

    Parameters
    ----------
    smaller : Design
        Of these rows.
    priors : Priors
        Of the fit. They stay as they are and where they are: at the centre of all rows.
    run : Run
        Of the fit: its engine, seed and settings.

    Returns
    -------
    xarray.DataTree
        As of `fit`.
    Design
        The same, as the engine "pymc" needs it if that made the fit.

    Raises
    ------
    HierkitError
        If Bambi, for the engine "pymc", would make other columns of these rows.
    """
    if run.engine == "pymc":
        smaller = _as_bambi_reads(smaller)
    settings = Settings(
        draws=run.draws,
        tune=run.tune,
        chains=run.chains,
        random_seed=run.random_seed,
        target_accept=run.target_accept,
        nuts_sampler=run.nuts_sampler,
        progressbar=False,
    )
    choice = Choice(run.engine, run.engine_reason)
    with ONE_AT_A_TIME if run.engine == "pymc" else nullcontext():
        return sampling.sample(smaller, priors, run.effects, choice, settings), smaller


def _as_bambi_reads(smaller: Design) -> Design:
    """The same design, if Bambi makes the same columns of its rows: not where a level or a transformation is lost."""
    rows = read_rows(smaller.rows.frame, smaller.formula.columns)
    again = make_design(smaller.formula, rows, smaller.family.name)
    if again.X.shape != smaller.X.shape or not np.allclose(again.X, smaller.X):
        raise refusal(
            "Without these rows Bambi would code the predictors otherwise",
            "The engine pymc fits rows again that have every level, and no scale(), poly() or spline",
            'Fit with engine="marginal" or "joint"',
        )
    return replace(smaller, text=again.text, frame=again.frame, namespace=again.namespace)
