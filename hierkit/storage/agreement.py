"""What the parts of a saved fit have in common; a file in which they differ was damaged or changed."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import xarray as xr

from hierkit.model.design import Design
from hierkit.model.names import RESIDUAL_SD
from hierkit.model.priors import EffectsDistribution
from hierkit.model.rows import Rows
from hierkit.model.run import EngineName, NutsSampler

GROUPS = frozenset({"posterior", "sample_stats", "observed_data", "constant_data"})
ROUNDING = 1e-6  # of a correlation
WORDS = {
    "engine": tuple(word for word in get_args(EngineName) if word != "auto"),
    "effects": get_args(EffectsDistribution),
    "nuts_sampler": get_args(NutsSampler),
}
LEAST = {"random_seed": 0, "draws": 1, "tune": 0, "chains": 1, "thin": 1}


def check_run(attrs: Mapping[Any, Any]) -> None:
    """Refuse a record of a run whose entries are not what they are called.

    Raises
    ------
    ValueError
        With the name of the first one.
    """
    for name, words in WORDS.items():
        if attrs.get(name) not in words:
            raise ValueError(f"its {name} is {attrs.get(name)!r}")
    for name, least in LEAST.items():
        value = attrs.get(name, 1 if name == "thin" else None)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"its {name} is {value!r}")
    for name in ("target_accept", "sampling_seconds"):
        value = attrs.get(name, 0.0)
        if not isinstance(value, int | float) or not 0 <= value < np.inf:
            raise ValueError(f"its {name} is {value!r}")
    versions = attrs.get("versions", {})
    if not isinstance(versions, dict) or not all(isinstance(text, str) for text in versions.values()):
        raise ValueError("its versions are no names with texts")
    for name in ("engine_reason", "retry"):
        if not isinstance(attrs.get(name, ""), str):
            raise ValueError(f"its {name} is no text")


def check_rows(rows: Rows) -> None:
    """Refuse counts and places of rows that cannot be.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    positions = rows.positions
    counts = (rows.given, rows.not_kept, *rows.missing.values())
    if not all(isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**62 for count in counts):
        raise ValueError("its counts of rows are no counts")
    if positions.shape != (len(rows.frame),) or (np.diff(positions) <= 0).any() or (positions < 0).any():
        raise ValueError("the places of its rows are not in order")


def check_draws(draws: xr.DataTree, design: Design, template: xr.Dataset) -> None:
    """Refuse draws that are not those of the design's parameters and groups.

    Parameters
    ----------
    draws : DataTree
        Of the file, with the record of the run.
    design : Design
        Of the file's formula and rows.
    template : Dataset
        (chain, draw, ...), a posterior of this design: names, dims and labels.

    Raises
    ------
    ValueError
        With the name of what differs.
    """
    if not {"posterior", "sample_stats"} <= set(draws.children) <= GROUPS:
        raise ValueError(f"its groups of draws are {', '.join(sorted(draws.children))}")
    posterior = draws["posterior"].to_dataset()
    sizes = {"chain": draws.attrs["chains"], "draw": len(range(0, draws.attrs["draws"], draws.attrs.get("thin", 1)))}
    read_later = _read_later(posterior, design)
    for name in {str(name) for name in posterior} ^ {str(name) for name in template}:
        if name not in read_later:
            raise ValueError(f"its draws have {'an unknown' if name in posterior else 'no'} {name!r}")
    for variable in posterior.values():
        _check_variable(str(variable.name), variable, template[variable.name], sizes)
    statistics = draws["sample_stats"].to_dataset()
    for variable in statistics.values():
        if variable.dims != ("chain", "draw") or dict(variable.sizes) != sizes or variable.dtype.kind not in "biuf":
            raise ValueError(f"the sampler's {variable.name} are not one number for each draw")
    _check_meaning(posterior, design)


def _read_later(posterior: xr.Dataset, design: Design) -> set[str]:
    """The effects of one factor that may be missing, because they are drawn when they are read."""
    seed = posterior.attrs.get("effects_seed")
    if seed is None:
        return set()
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**64:
        raise ValueError(f"the seed of its effects is {seed!r}")
    largest = max(design.factors, key=lambda factor: len(factor.levels) * len(factor.effects))
    return {largest.variable(effect) for effect in largest.effects}


def _check_variable(name: str, variable: xr.DataArray, like: xr.DataArray, sizes: Mapping[str, int]) -> None:
    if variable.dims != like.dims or dict(variable.sizes) != dict(like.sizes) | dict(sizes):
        raise ValueError(f"the draws of {name!r} have other dims or sizes than its parameter")
    if variable.dtype.kind != "f":
        raise ValueError(f"the draws of {name!r} are no numbers")
    for dim in set(like.coords) - set(sizes):
        own = variable.coords.get(dim)
        if own is None or own.values.tolist() != like.coords[dim].values.tolist():
            raise ValueError(f"the labels of {name!r} are not those of the rows")


def _check_meaning(posterior: xr.Dataset, design: Design) -> None:
    """Draws are finite, sds and degrees of freedom positive, and correlations those of a matrix."""
    positive = {RESIDUAL_SD, *(factor.names.degrees for factor in design.factors)}
    positive |= {factor.names.sd(effect.term) for factor in design.factors for effect in factor.effects}
    matrices = {factor.names.correlations for factor in design.factors}
    for name, variable in posterior.items():
        values = variable.values
        if name in matrices:
            # beside an sd of zero there is none
            known = values[np.isfinite(values).all(axis=(-2, -1))]
            same = np.abs(known - np.swapaxes(known, -2, -1)).max(initial=0.0) < ROUNDING
            if not same or (np.abs(known) > 1 + ROUNDING).any():
                raise ValueError(f"the draws of {name!r} are no correlations")
        elif not np.isfinite(values).all():
            raise ValueError(f"the draws of {name!r} are not all finite")
        elif name in positive and (values < 0).any():
            raise ValueError(f"the draws of {name!r} are negative")
