"""The same model fitted to some of its rows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit import sampling
from hierkit.model.design import Design, make_design
from hierkit.model.new_rows import check_outcome_of_each_row
from hierkit.model.priors import Priors, make_priors
from hierkit.model.rows import read_rows
from hierkit.sampling.settings import Settings

SAME = ("draws", "tune", "chains", "random_seed", "target_accept", "nuts_sampler")


def refit(
    design: Design, priors: Priors, attrs: Mapping[Any, Any], kept: NDArray[np.intp]
) -> tuple[xr.DataTree, Design]:
    """Draws of a fitted model's posterior given some of its rows.

    Parameters
    ----------
    design, priors : Design, Priors
        Of the fit. The priors stay as they are; defaults are not scaled anew.
    attrs : mapping
        Of the fit's draws: engine, seed and settings.
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
    own = make_priors(smaller, effects=attrs["effects"])
    kept_priors = {name: priors[name] for name in own if name in priors}
    same = make_priors(smaller, replace(priors, priors=kept_priors), attrs["effects"])
    settings = Settings(**{name: attrs[name] for name in SAME}, progressbar=False)
    choice = sampling.Choice(attrs["engine"], attrs["engine_reason"])
    return sampling.sample(smaller, same, attrs["effects"], choice, settings), smaller
