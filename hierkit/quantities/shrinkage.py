"""How much of its own evidence each group keeps."""

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from hierkit.arrays import SAMPLE_DIMS, Array
from hierkit.errors import check_word
from hierkit.intervals import beside
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.outcome import Outcome
from hierkit.posterior.draws import Draws
from hierkit.posterior.effects import labels_of, sizes_of
from hierkit.posterior.group_sums import have_sums
from hierkit.posterior.information import mean_weight
from hierkit.posterior.lazy import SMALL, Places, Remembered, Samples, lazily
from hierkit.posterior.posterior import Posterior, draws_note, student_t_note
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.shrinkage_factors import Compute, Factors, factors_of_rows, factors_of_sums

ShrinkageKind = Literal["blup", "spread"]
VARIABLES = 4  # of the size of the effects
MANY, FEW_DRAWS = 10_000_000, 20  # numbers from which the definition looks at few draws
OF_FACTORS: dict[str, Callable[[Factors], Array]] = {
    "shrinkage": operator.attrgetter("shrinkage"),
    "pull": lambda found: 1 - found.shrinkage,
    "own": operator.attrgetter("own"),
    "pooled": operator.attrgetter("pooled"),
    "overall": lambda found: found.shrinkage.mean(axis=1),
}


def shrinkage(posterior: Posterior, factor: str | None = None, kind: ShrinkageKind = "blup") -> Quantity:
    """Shrinkage factors Λ_j = I - (I + G M_j)^-1, M_j = Z_j'W_j Z_j, and what they make of each group's own estimate.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given.
    kind : {"blup", "spread"}
        "blup": the best guess of each group. "spread": the matrix square root, whose estimates are spread out like
        the groups themselves but are each further from the truth (Louis 1984, Ghosh 1992).

    Returns
    -------
    Quantity
        `shrinkage`, `pull` = 1 - shrinkage, `own`, `pooled` (chain, draw, group, effect), and `overall`, tr Λ / q
        (chain, draw, group); `n` (group). 1: the group keeps its own estimate; 0: it gets the common one. `own` is the
        group's own deviation from the common coefficients in that draw, the maximum likelihood estimate from its rows
        alone, missing where they cannot distinguish its effects or are separated; `pooled` is what is expected of the
        deviation given all else in that draw, Λ times `own` for a Gaussian outcome, and for "spread" the root of Λ
        times `own`. Deviations are on the link scale, shares are from 0 to 1. Draws of more groups than memory holds
        are computed when they are used, or, where they follow from all rows, are fewer.

    Raises
    ------
    HierkitError
        For an unknown factor or kind.

    Notes
    -----
    W is 1 / σ² for a Gaussian outcome, w / σ² with weights and 1 / s² with known sds, and p (1 - p) (times trials) at
    the draw's linear predictor for a Bernoulli one. With several factors Λ is conditional on the others' effects. The
    eigenvalues of Λ lie in [0, 1]; with several effects a diagonal entry need not, because one effect's rows speak for
    the other.
    """
    check_word("kind", kind, get_args(ShrinkageKind))
    design = posterior.design
    chosen, is_root = design.factor(factor), kind == "spread"
    labels: dict[str, Any] = {"group": chosen.levels, "effect": [effect.label for effect in chosen.effects]}
    numbers = VARIABLES * len(chosen.effects) * len(chosen.levels)
    used = posterior
    if not have_sums(design, chosen):
        used = posterior.in_memory.within_memory(numbers)
        factors, weight = factors_of_rows(used, chosen, is_root)
        arrays = _labelled(factors, used.parameters, labels)
    else:
        compute, weight = factors_of_sums(posterior, chosen, is_root), mean_weight(design, posterior.parameters)
        if posterior.within_memory(numbers) is posterior:
            factors = compute(np.arange(len(chosen.levels)), slice(None))
            arrays = _labelled(factors, posterior.parameters, labels)
        else:
            arrays = _when_read(compute, posterior.parameters, labels)
    arrays = {name: one if name == "shrinkage" else beside(one) for name, one in arrays.items()}
    attrs: dict[str, Any] = dict(labels_of(design, chosen))
    if len(chosen.effects) == 1 and chosen.effects[0].is_intercept and not is_root:
        variance = used.parameters.G[design.factors.index(chosen)][:, 0, 0]
        attrs["break_even"] = float(np.median(1 / (variance * weight)))
    step = max(1, used.size // FEW_DRAWS) if used.size * numbers > MANY else 1
    diagonal = arrays["shrinkage"].isel(draw=slice(None, None, step)).mean(SAMPLE_DIMS).values
    definition = _definition(design, chosen, diagonal, kind) + student_t_note(posterior) + draws_note(used, posterior)
    return Quantity(xr.Dataset({"n": sizes_of(design, chosen), **arrays}, attrs=attrs), definition, picture="arrows")


def _labelled(found: Factors, draws: Draws, labels: Mapping[str, Any]) -> dict[str, xr.DataArray]:
    """The variables of the quantity, from arrays (effect, sample, group)."""
    diagonal, own, pooled = (draws.labelled(np.moveaxis(values, 0, -1), labels) for values in found)
    overall = diagonal.mean("effect")
    return {"shrinkage": diagonal, "pull": 1 - diagonal, "own": own, "pooled": pooled, "overall": overall}


def _when_read(compute: Compute, draws: Draws, labels: Mapping[str, Any]) -> dict[str, xr.DataArray]:
    """The same, computed when they are used; each block once for all."""
    found = Remembered(partial(_by_group, compute), SMALL // (len(draws.beta) * len(labels["effect"])))
    sample = {"chain": draws.chains, "draw": draws.draws}
    coords = {name: {**sample, **labels} for name in OF_FACTORS}
    del coords["overall"]["effect"]
    return {name: lazily(partial(_of, name, found), coords[name]) for name in OF_FACTORS}


def _by_group(compute: Compute, places: Places, samples: Samples) -> Factors:
    """(group, effect, sample) from (effect, sample, group)."""
    return Factors(*(np.moveaxis(values, -1, 0) for values in compute(places, samples)))


def _of(name: str, found: Compute, places: Places, samples: Samples) -> Array:
    """(group, effect, sample), or (group, sample), one variable in some draws."""
    values: Array = OF_FACTORS[name](found(places, samples))
    return values


def _of_a_mean(outcome: Outcome) -> str:
    if outcome.sd_is_known:
        return "of one row τ² / (τ² + s²) with s its known sd"
    return "τ² / (τ² + σ²/n)" if outcome.precision is None else "τ² / (τ² + σ²/Σw)"


def _definition(design: Design, factor: Factor, diagonal: Array, kind: str) -> str:
    text = (
        f"Shrinkage factors of {factor.label}: Λ = I - (I + G M)^-1, M = Z'WZ of the group's rows. The share of a "
        "group's own evidence that is kept (1: its own estimate, 0: the common one); pull = 1 - Λ. For a group "
        f"intercept and a Gaussian outcome {_of_a_mean(design.outcome)}. own: the group's own deviation; pooled: what "
        "is expected of it given all else, Λ times own for a Gaussian outcome; overall: tr Λ / q over its q effects."
    )
    if kind == "spread":
        text += " Square roots of Λ: right spread of the groups, not the best guess of each (Louis 1984, Ghosh 1992)."
    if len(design.factors) > 1:
        text += " Conditional on the effects of the other factors."
    outside = int(((diagonal < 0) | (diagonal > 1)).sum())
    if outside:
        text += f" {outside} diagonal entries lie outside 0 to 1, where one effect's rows speak for another."
    return text
