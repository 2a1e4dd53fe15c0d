"""The same model fitted to some of its rows."""

from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit import sampling
from hierkit.model.design import Design, make_design
from hierkit.model.new_rows import check_outcome_of_each_row
from hierkit.model.priors import Priors, make_priors
from hierkit.model.rows import read_rows
from hierkit.model.run import Run
from hierkit.sampling.engines import Choice
from hierkit.sampling.settings import Settings


def refit(design: Design, priors: Priors, run: Run, kept: NDArray[np.intp]) -> tuple[xr.DataTree, Design]:
    """Draws of a fitted model's posterior given some of its rows.

    Parameters
    ----------
    design, priors : Design, Priors
        Of the fit. The priors stay as they are; defaults are not scaled anew.
    run : Run
        Of the fit: its engine, seed and settings.
    kept : ndarray of int
        Places of the rows.

    Returns
    -------
    xarray.DataTree
        As of `fit`.
    Design
        Of the rows kept; levels that no other row has are not in it.

    Raises
    ------
    HierkitError
        If no model can be made of the rows that are kept, or the outcome is scaled by the rows.
    """
    check_outcome_of_each_row(design)
    rows = read_rows(design.rows.frame.iloc[kept], design.formula.columns)
    smaller = make_design(design.formula, rows, design.family.name)
    own = make_priors(smaller, effects=run.effects)
    kept_priors = {name: priors[name] for name in own if name in priors}
    same = make_priors(smaller, replace(priors, priors=kept_priors), run.effects)
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
    return sampling.sample(smaller, same, run.effects, choice, settings), smaller
