"""Posterior: a fit's draws as quantities read them."""

import math
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.memory import MOST_BYTES
from hierkit.model.columns import Column
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.names import EFFECTS_SEED, RESIDUAL_SD
from hierkit.posterior.draws import Draws, flat
from hierkit.posterior.effects import Effects, are_kept, coefficient_draws, read_covariance, read_effects


@dataclass(frozen=True, eq=False)
class Posterior:
    """The draws of a model, with the design that they belong to.

    Attributes
    ----------
    dataset : xarray.Dataset
        (chain, draw, ...), under Bambi's names; without the effects of a factor that are drawn when they are read.
    design : Design
        Of the model that was fitted, with all its rows or points, or with a sample of them.
    fitted : Design or None
        With all, where `design` has a sample.
    """

    dataset: xr.Dataset
    design: Design
    fitted: Design | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What it was made of, without what was computed since."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def draws(self) -> Draws:
        """Everything as arrays (sample, ...), group effects included."""
        return self._read(tuple(flat(self.effects(factor).u) for factor in self.design.factors))

    @cached_property
    def parameters(self) -> Draws:
        """The same without the group effects, which may be many."""
        return self._read(())

    @property
    def given(self) -> Design:
        """The design with all rows or points that the draws are given."""
        return self.design if self.fitted is None else self.fitted

    def known_beside(self, factor: Factor) -> Draws:
        """Everything but the effects of one factor."""
        others = [one for one in self.given.factors if one.label != factor.label]
        return replace(self.parameters, u=tuple(flat(self.effects(one).u) for one in others))

    @property
    def of_rows(self) -> "Posterior":
        """The same draws with rows that were given: itself, or a sample of them where only sums are kept."""
        return self if self.design.sample is None else self._of_sample

    @cached_property
    def _of_sample(self) -> "Posterior":
        return Posterior(self.dataset, self.design.of_rows, self.given)

    def effects(self, factor: Factor) -> Effects:
        """The group effects of one factor, with labels; of very many groups they are computed when they are used."""
        if self.keeps(factor):
            return read_effects(self.dataset, factor)
        return Effects(self._when_read[factor.label], self.covariance(factor))

    def keeps(self, factor: Factor) -> bool:
        """Whether the effects of a factor are kept, and not computed when they are used."""
        return are_kept(self.dataset, factor)

    @cached_property
    def in_memory(self) -> "Posterior":
        """Evenly spaced draws, as many as memory holds with all group effects; itself where these are kept."""
        return self.within_memory(sum(len(factor.levels) * len(factor.effects) for factor in self._unkept))

    def within_memory(self, numbers: int) -> "Posterior":
        """Evenly spaced draws, as many as memory holds with so many numbers for each; itself where it holds all."""
        chains, draws = self.dataset.sizes["chain"], self.dataset.sizes["draw"]
        kept = max(1, int(MOST_BYTES / (8 * max(1, numbers) * chains)))
        return self if kept >= draws else self.every(math.ceil(draws / kept))

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
        return Posterior(self.dataset.isel(draw=slice(None, None, step)), self.design, self.fitted)

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

    @property
    def _unkept(self) -> list[Factor]:
        """The factors whose effects are drawn when they are read: the largest one, or none."""
        return [factor for factor in self.given.factors if not self.keeps(factor)]

    @cached_property
    def _when_read(self) -> dict[str, xr.DataArray]:
        """(chain, draw, group, effect), the effects that are not kept, by the label of their factor."""
        # imports what compiles, which few models need
        from hierkit.posterior.drawn_when_read import effects_when_read

        seed = self.dataset.attrs[EFFECTS_SEED]
        return {
            factor.label: effects_when_read(self.given, factor, self.known_beside(factor), seed)
            for factor in self._unkept
        }

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


def draws_note(used: Posterior, given: Posterior) -> str:
    """How many draws were used, where memory does not hold all; else nothing."""
    if used.size == given.size:
        return ""
    return f" Computed from {used.size:,} of the {given.size:,} draws, as many as memory holds at once."


def student_t_note(posterior: Posterior) -> str:
    """A sentence for quantities that take the effects for normal, where they are Student-t; else nothing."""
    if not posterior.has_student_t_effects:
        return ""
    return " The effects are Student-t: this is for normal effects whose τ is their scale, less than their sd."
