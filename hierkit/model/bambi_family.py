"""The family of a Bambi model: Bambi's own, or a Gaussian one whose rows have weights or known sds."""

from typing import Any

import bambi as bmb
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.precision import Precision, precisions
from hierkit.model.spelling import safe_names


def bambi_family(design: Design) -> str | bmb.Family:
    """A name that Bambi knows, or y ~ N(mu, σ²/w), with σ = 1 and no parameter where the sds are known.

    Bambi's own `weighted()` raises a row's likelihood to a power, which is another model.
    """
    outcome, names = design.outcome, safe_names(design.formula.columns)
    if outcome.precision is None:
        return outcome.distribution
    params = ["mu", "sigma"] if outcome.has_sigma else ["mu"]
    return MeasuredGaussian(params, outcome.precision, design.formula.precision, names)


class MeasuredGaussian(bmb.Family):  # type: ignore[misc]  # Bambi has no types
    """Gaussian rows of unequal precision, which Bambi asks for when it builds, predicts and scores."""

    def __init__(self, params: list[str], w: Array, precision: Precision, names: dict[str, str]) -> None:
        self._w = w
        self._precision = precision
        self._names = names
        likelihood = bmb.Likelihood("MeasuredNormal", params=params, parent="mu", dist=MeasuredNormal(w**-0.5))
        super().__init__("measured_gaussian", likelihood, "identity")

    def posterior_predictive(
        self, model: bmb.Model, posterior: xr.Dataset, random_seed: Any, data: pd.DataFrame | None = None
    ) -> xr.DataArray:
        """Outcomes of the fitted rows, or of other rows that have the column of weights or known sds."""
        drawn: xr.DataArray = super().posterior_predictive(model, posterior, random_seed, of_unit=self._of_unit(data))
        return drawn

    def log_likelihood(
        self, model: bmb.Model, posterior: xr.Dataset, data: pd.DataFrame | None, **given: Any
    ) -> xr.DataArray:
        """Log densities of the same rows."""
        density: xr.DataArray = super().log_likelihood(model, posterior, data, of_unit=self._of_unit(data), **given)
        return density

    def _of_unit(self, data: pd.DataFrame | None) -> Array:
        """(chain, draw, row), the sds of rows in units of σ."""
        w = self._w
        if data is not None:
            users = {safe: name for name, safe in self._names.items()}
            w = precisions(self._precision, data.rename(columns=users))
        return np.asarray(w**-0.5)[None, None, :]


class MeasuredNormal:
    """A distribution for Bambi: N(mu, (σ × the row's sd in units of σ)²)."""

    def __init__(self, of_unit: Array) -> None:
        self._of_unit = of_unit

    def __call__(self, name: str, mu: Any, sigma: Any = 1.0, **given: Any) -> Any:
        """The rows of a PyMC model."""
        return pm.Normal(name, mu=mu, sigma=sigma * self._of_unit, **given)

    @staticmethod
    def dist(mu: Any, of_unit: Array, sigma: Any = 1.0) -> Any:
        """The same outside a model, for draws of rows."""
        return pm.Normal.dist(mu=mu, sigma=sigma * of_unit)
