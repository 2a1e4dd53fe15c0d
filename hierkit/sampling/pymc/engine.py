"""The engine for every model: Bambi's PyMC model, sampled by nutpie or one of PyMC's other implementations of NUTS."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pymc as pm
import pytensor
import xarray as xr

from hierkit.arrays import SAMPLE_DIMS
from hierkit.errors import refusal
from hierkit.memory import MOST_BYTES
from hierkit.model import bambi_model
from hierkit.model.columns import Column
from hierkit.model.design import Design
from hierkit.model.names import term_dim
from hierkit.model.priors import EffectsDistribution, Priors
from hierkit.sampling.console import stopping_on_interrupt
from hierkit.sampling.draws import as_tree, template
from hierkit.sampling.pymc.centring import factors_to_centre
from hierkit.sampling.settings import Settings
from hierkit.sampling.stopping import refusing_panics

STAND_IN_FOR_COMMAS = "\ue000"  # of Unicode's private use, so that no other dim has it


def sample_pymc(design: Design, priors: Priors, effects: EffectsDistribution, settings: Settings) -> xr.DataTree:
    """Draws from the Bambi model of a design.

    Effects of factors that the rows know better than the prior are sampled centred. Where that holds for all factors,
    nutpie also learns the correlations of the posterior (its low-rank adaptation), which centred effects have and
    non-centred ones do not.

    Parameters
    ----------
    design, priors, effects
        The model.
    settings : Settings
        How to sample.

    Returns
    -------
    xarray.DataTree
        posterior, sample_stats (under ArviZ's names), observed_data, constant_data.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, with nothing left running; partial draws are thrown away.
    HierkitError
        Where PyTensor has no folder to compile in, and for a `nuts_sampler` that is not installed.
    """
    _check_folder_of_compiled_code()
    centred = factors_to_centre(design)
    model = bambi_model.build(design, priors, effects, centred, for_sampling=True)
    nuts: dict[str, Any] = {"target_accept": settings.target_accept}
    if settings.nuts_sampler == "nutpie" and all(factor.label in centred for factor in design.factors):
        nuts["adaptation"] = "low_rank"
    original_dims = _name_dims_without_commas(model.backend.model)
    with _quiet(), stopping_on_interrupt(), refusing_panics():
        try:
            results = model.fit(
                draws=settings.draws,
                tune=settings.tune,
                chains=settings.chains,
                cores=settings.cores,
                random_seed=settings.random_seed,
                inference_method=settings.nuts_sampler,
                progressbar=settings.progressbar,
                nuts=nuts,
            )
        except ImportError as error:
            raise refusal(
                f"nuts_sampler={settings.nuts_sampler!r} is not installed ({error})",
                "nutpie and pymc are always there",
                'Install hierkit[jax] for "numpyro" and "blackjax"',
            ) from error
    posterior = results["posterior"].to_dataset()
    posterior = posterior.rename({new: old for new, old in original_dims.items() if new in posterior.dims})
    return as_tree(_with_labels(posterior, design), results["sample_stats"].to_dataset(), design)


def sample_prior(design: Design, priors: Priors, effects: EffectsDistribution, draws: int, seed: int) -> xr.Dataset:
    """Draws from the priors of a design's Bambi model.

    Parameters
    ----------
    design, priors, effects
        The model.
    draws, seed : int
        How many, from which seed.

    Returns
    -------
    xarray.Dataset
        (chain, draw, ...) with one chain, under the names of the posterior.

    Raises
    ------
    HierkitError
        For a flat prior, which has no draws, for more draws than memory holds, and where PyTensor has no folder to
        compile in.
    """
    if flat := [name for name, prior in priors.items() if prior.name == "Flat"]:
        raise refusal(f"The prior of {flat[0]!r} is flat", "Only proper priors have draws", "Give it a proper prior")
    _check_memory(design, draws)
    _check_folder_of_compiled_code()
    model = bambi_model.build(design, priors, effects)
    with _quiet():
        prior = model.prior_predictive(draws=draws, random_seed=seed)["prior"].to_dataset()
    prior = _with_labels(prior, design)
    if design.has_intercept:  # Bambi leaves it at the centre of the predictors, unlike the posterior's
        means = [0.0 if c.is_intercept else x.mean() for c, x in zip(design.columns, design.X.T, strict=True)]
        shift = sum(mean * _column(prior, c) for mean, c in zip(means, design.columns, strict=True))
        prior["Intercept"] = prior["Intercept"] - shift
    proper: xr.Dataset = prior.drop_dims("__obs__", errors="ignore").drop_attrs()
    return proper


def _check_folder_of_compiled_code() -> None:
    """PyTensor does without a home folder until it compiles, and then says nothing of the way out."""
    try:
        pytensor.config.compiledir  # noqa: B018  (it is made when it is asked for)
    except ValueError as error:
        raise refusal(
            f"PyTensor cannot write to {pytensor.config.base_compiledir}",
            "It compiles PyMC's models, and needs a folder for that",
            "Set the environment variable PYTENSOR_FLAGS to base_compiledir=<folder> before Python starts, or choose "
            'engine="marginal" or "joint", which need none',
        ) from error


def _name_dims_without_commas(model: pm.Model) -> dict[str, str]:
    """Rename the dims of a PyMC model that have a comma, as of `poly(x, 2)`; nutpie splits the names of dims there.

    Returns
    -------
    dict
        The original name of each new one.
    """
    new_names = {dim: dim.replace(",", STAND_IN_FOR_COMMAS) for dim in model.coords if "," in dim}
    for dim, new in new_names.items():
        model.add_coord(new, model.coords[dim])
    for variable, dims in model.named_vars_to_dims.items():
        model.named_vars_to_dims[variable] = tuple(new_names.get(dim, dim) for dim in dims)
    return {new: dim for dim, new in new_names.items()}


def _with_labels(draws: xr.Dataset, design: Design) -> xr.Dataset:
    """Draws of Bambi's, labelled as the design labels groups and columns; Bambi counts the columns of some products."""
    labels = template(design, "normal").drop_vars(SAMPLE_DIMS).coords
    return draws.assign_coords({dim: labels[dim].values for dim in labels if dim in draws.dims})


def _check_memory(design: Design, draws: int) -> None:
    """Bambi draws each row's outcome with the parameters."""
    effects = sum(len(factor.levels) * len(factor.effects) for factor in design.factors)
    needed = 8 * draws * (len(design.offset) + len(design.columns) + effects)
    if needed > MOST_BYTES:
        raise refusal(
            f"{draws:,} draws from the prior, with outcomes of {len(design.offset):,} rows, would take "
            f"{needed / 1e9:,.1f} GB",
            f"The limit is {MOST_BYTES / 1e9:g} GB",
            f"Ask for {max(1, int(draws * MOST_BYTES / needed)):,} or fewer",
        )


def _column(draws: xr.Dataset, column: Column) -> xr.DataArray:
    """(chain, draw), the coefficient of one column."""
    variable = draws[column.term]
    return variable if column.index is None else variable.isel({term_dim(column.term): column.index}, drop=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the libraries' log lines; what matters of them is a finding."""
    loggers = [logging.getLogger(name) for name in ("pymc", "bambi")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(pymc|pytensor|nutpie|bambi|arviz).*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
