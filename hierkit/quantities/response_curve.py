"""The mean of the outcome along a predictor."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import expit

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.integration.marginal_means import marginal_means
from hierkit.intervals import beside
from hierkit.model.groups import Factor
from hierkit.model.labels import some
from hierkit.model.matrices import Matrices
from hierkit.model.reference_rows import averaged, dim_of, grid_of, reference_rows
from hierkit.posterior.draws import Draws, common_part, flat, group_variance
from hierkit.posterior.effects import labels_of
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.marginal_coefficients import ATTENUATION

MOST_BYTES = 1e9


def response_curve(
    posterior: Posterior,
    variable: str,
    factor: str | None = None,
    groups: Sequence[Any] | None = None,
) -> Quantity:
    """The mean of the outcome along a predictor: each group's curve, the typical and the marginal one.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    variable : str
        A predictor that is a number of more values than 0 and 1. Other numbers are at their means, and the mean of the
        outcome is averaged over the levels of categories, each with its share of the rows, or of the trials of counts.
    factor : str, optional
        Whose groups have curves, other factors' effects zero; the only one, or the first, if not given.
    groups : sequence, optional
        Labels of the groups that have curves; all if not given.

    Returns
    -------
    Quantity
        `typical` and `marginal` (chain, draw, <variable>), all group effects zero, and integrated out; `by_group`
        (chain, draw, group, <variable>). In units of the outcome; probabilities for a Bernoulli one, and beside them
        `closed_form` (<variable>), the posterior mean of logit^-1(xβ / sqrt(1 + 0.346 s²)), an approximation of the
        marginal curve (Zeger, Liang and Albert 1988) to check it by.

    Raises
    ------
    HierkitError
        For an unknown predictor or one that is not a number, an unknown group, and curves of more than 1 GB.
    """
    design = posterior.design
    grid = grid_of(design, variable)
    rows, draws = reference_rows(design, {variable: grid}), posterior.parameters
    along = {dim_of(variable): grid}

    def curve(of: Callable[[Matrices], Array]) -> Array:
        return averaged(rows, (of(one.matrices) for one in rows))

    arrays = {
        "typical": draws.labelled(curve(lambda one: draws.family.mean(common_part(draws, one))), along),
        "marginal": beside(draws.labelled(curve(lambda one: marginal_means(draws, one)), along), "interval"),
    }
    if not draws.family.is_linear:
        arrays["closed_form"] = xr.DataArray(curve(lambda one: _closed_form(draws, one)).mean(axis=0), along)
    chosen = None
    if design.factors:
        chosen = design.factors[0] if factor is None else design.factor(factor)
        places = _places(chosen, groups)
        if (size := 8 * len(draws.beta) * len(places) * len(grid)) > MOST_BYTES:
            advice = "Name some of them in groups="
            raise refusal(
                f"Curves of {len(places):,} groups would take {size / 1e9:.1f} GB", "The limit is 1 GB", advice
            )
        f = design.factors.index(chosen)
        u = flat(posterior.effects(chosen).u.isel(group=places))
        own = curve(lambda one: draws.family.mean(common_part(draws, one)[:, None, :] + u @ one.Z[f].T))
        arrays["by_group"] = beside(draws.labelled(own, {"group": chosen.levels[places], **along}), "nothing")
    definition = (
        f"Mean of the outcome along {variable}, other numbers at their means, averaged over the levels of categories "
        f"with their shares of the {design.unit}: in a typical group "
        "(all group effects zero), across the population (integrated out), and in each group."
    )
    attrs: dict[str, Any] = dict(labels_of(design, chosen))
    if chosen is not None:
        attrs["groups"] = len(chosen.levels)
    return Quantity(xr.Dataset(arrays, attrs=attrs), definition, picture="curves")


def _closed_form(draws: Draws, rows: Matrices) -> Array:
    spread = np.sum([group_variance(G, Z) for G, Z in zip(draws.covariances, rows.Z, strict=True)], axis=0)
    return np.asarray(expit(common_part(draws, rows) / np.sqrt(1 + ATTENUATION * spread)))


def _places(factor: Factor, groups: Sequence[Any] | None) -> list[int]:
    """The places of groups among a factor's levels."""
    known = list(factor.levels)
    if unknown := [label for label in ([] if groups is None else groups) if label not in known]:
        raise refusal(
            f"{factor.label!r} has no group {unknown[0]!r}",
            f"Its groups are {some(known)}",
            "Check the label",
        )
    return list(range(len(known))) if groups is None else [known.index(label) for label in groups]
