"""Posterior: a fit's draws as quantities read them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.model.columns import Column
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.names import RESIDUAL_SD
from hierkit.posterior.draws import Draws, flat
from hierkit.posterior.effects import Effects, coefficient_draws, read_covariance, read_effects


@dataclass(frozen=True, eq=False)
class Posterior:
    """The draws of a model, with the design that they belong to.

    Attributes
    ----------
    dataset : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.
    """

    dataset: xr.Dataset
    design: Design

    @cached_property
    def draws(self) -> Draws:
        """Everything as arrays (sample, ...), group effects included."""
        return self._read(tuple(flat(self.effects(factor).u) for factor in self.design.factors))

    @cached_property
    def parameters(self) -> Draws:
        """The same without the group effects, which may be many."""
        return self._read(())

    @property
    def of_rows(self) -> "Posterior":
        """The same draws with rows that were given: itself, or a sample of them where only sums are kept."""
        return self if self.design.sample is None else self._of_sample

    @cached_property
    def _of_sample(self) -> "Posterior":
        return Posterior(self.dataset, self.design.of_rows)

    def effects(self, factor: Factor) -> Effects:
        """The group effects of one factor, with labels."""
        return read_effects(self.dataset, factor)

    def covariance(self, factor: Factor) -> xr.DataArray:
        """(chain, draw, effect, effect_other), the covariance matrix G of one factor's effects."""
        known = self._covariances.get(factor.label)
        return read_covariance(self.dataset, factor) if known is None else known

    def coefficients(self, columns: tuple[Column, ...] | None = None) -> xr.DataArray:
        """(chain, draw, term), the coefficients of these columns, or of all."""
        return coefficient_draws(self.dataset, self.design.columns if columns is None else columns)

    @property
    def size(self) -> int:
        """How many draws there are, in all chains."""
        return int(self.dataset.sizes["chain"] * self.dataset.sizes["draw"])

    def thinned(self, enough: int) -> "Posterior":
        """Every so many draws, about `enough` in all."""
        return self.every(max(1, self.size // enough))

    def every(self, step: int) -> "Posterior":
        """Every so many draws of each chain."""
        return Posterior(self.dataset.isel(draw=slice(None, None, step)), self.design)

    @property
    def sigma(self) -> xr.DataArray | None:
        """(chain, draw), the residual sd; None where it is no parameter."""
        return self.dataset[RESIDUAL_SD] if self.design.outcome.has_sigma else None

    def degrees(self, factor: Factor) -> xr.DataArray | None:
        """(chain, draw), the degrees of freedom of a factor's Student-t effects; None for normal ones."""
        return self.dataset.get(factor.names.degrees)

    @property
    def common(self) -> xr.Dataset:
        """Everything but the group effects."""
        groups = {factor.names.group_dim for factor in self.design.factors}
        return self.dataset[[name for name, own in self.dataset.items() if not groups & set(own.dims)]]

    @property
    def has_student_t_effects(self) -> bool:
        """Whether the effects of a factor are Student-t."""
        return any(self.degrees(factor) is not None for factor in self.design.factors)

    @cached_property
    def _covariances(self) -> dict[str, xr.DataArray]:
        """Those of the design's factors, by label: most quantities ask for them."""
        return {factor.label: read_covariance(self.dataset, factor) for factor in self.design.factors}

    @property
    def _sigma(self) -> Array | None:
        if self.sigma is not None:
            return flat(self.sigma)
        return np.ones(self.size) if self.design.family.has_residual else None

    def _read(self, u: tuple[np.ndarray, ...]) -> Draws:
        factors = self.design.factors
        degrees = [self.degrees(factor) for factor in factors]
        return Draws(
            family=self.design.family,
            beta=flat(self.coefficients()) if self.design.columns else np.empty((self.size, 0)),
            u=u,
            G=tuple(flat(self.covariance(factor)) for factor in factors),
            sigma=self._sigma,
            row_variance=self.design.row_variance,
            nu=tuple(None if nu is None else flat(nu) for nu in degrees),
            chains=self.dataset["chain"].values,
            draws=self.dataset["draw"].values,
        )


def student_t_note(posterior: Posterior) -> str:
    """A sentence for quantities that take the effects for normal, where they are Student-t; else nothing."""
    if not posterior.has_student_t_effects:
        return ""
    return " The effects are Student-t: this is for normal effects whose τ is their scale, less than their sd."
