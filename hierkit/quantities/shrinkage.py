"""How much of its own evidence each group keeps."""

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import check_word
from hierkit.intervals import beside
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.outcome import Outcome
from hierkit.posterior.draws import Draws, in_batches
from hierkit.posterior.effects import labels_of, sizes_of
from hierkit.posterior.information import cholesky, information, inverse, mean_weight, posterior_covariance, times
from hierkit.posterior.posterior import Posterior, student_t_note
from hierkit.posterior.quantity import Quantity

ShrinkageKind = Literal["blup", "spread"]


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
        times `own`. Deviations are on the link scale, shares are from 0 to 1.

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
    design = posterior.design
    check_word("kind", kind, get_args(ShrinkageKind))
    chosen = design.factor(factor)
    place = design.factors.index(chosen)
    draws = posterior.draws
    q, shape = len(chosen.effects), (len(draws.beta), len(chosen.levels))
    diagonal, own, pooled = (np.full((q, *shape), np.nan) for _ in range(3))
    overall = np.empty(shape)
    known = _ranks(chosen) == q
    weight = np.empty(len(draws.beta))

    def fill(part: slice, M: Array) -> None:
        """The factors of some draws, once `own` and `pooled` are there."""
        G = draws.G[place][part]
        factors = times(posterior_covariance(G, M), M) if kind == "blup" else _square_root(G, M)
        if kind == "spread":
            pooled[:, part] = times(factors, own[:, part][:, None])[:, 0]
        for k in range(q):
            diagonal[k, part] = factors[k, k]
        overall[part] = diagonal[:, part].mean(axis=0)
        weight[part] = M[0, 0].sum(axis=1) / design.outcome.trials_of_each.sum()

    if design.family.is_linear:
        for part, M, score in information(design, draws, chosen):
            u = np.moveaxis(draws.u[place][part], -1, 0)
            own[:, part], pooled[:, part] = _linear_estimates(u, draws.G[place][part], M, score, known)
            fill(part, M)
    else:
        _fill_estimates(design, draws, chosen, known, own, pooled, fill)
    labels = {"group": chosen.levels, "effect": [effect.label for effect in chosen.effects]}
    variables = {"shrinkage": diagonal, "pull": 1 - diagonal, "own": own, "pooled": pooled}
    arrays = {name: draws.labelled(np.moveaxis(values, 0, -1), labels) for name, values in variables.items()}
    arrays["overall"] = draws.labelled(overall, {"group": chosen.levels})
    arrays = {name: one if name == "shrinkage" else beside(one) for name, one in arrays.items()}
    n = sizes_of(design, chosen)
    attrs: dict[str, Any] = dict(labels_of(design, chosen))
    if q == 1 and chosen.effects[0].is_intercept and kind == "blup":
        mean = mean_weight(design, draws) if design.family.is_linear else weight
        attrs["break_even"] = float(np.median(1 / (draws.G[place][:, 0, 0] * mean)))
    return Quantity(
        xr.Dataset({"n": n, **arrays}, attrs=attrs),
        _definition(design, chosen, diagonal.mean(axis=1), kind) + student_t_note(posterior),
        picture="arrows",
    )


def _linear_estimates(u: Array, G: Array, M: Array, score: Array, known: Array) -> tuple[Array, Array]:
    """(effect, sample, group) twice, for a Gaussian outcome: each group's own deviation, and Λ times it."""
    own = np.full(u.shape, np.nan)
    some = slice(None) if known.all() else known  # a slice copies nothing
    own[..., some] = u[..., some] + times(inverse(M[..., some]), score[:, None][..., some])[:, 0]
    expected = times(posterior_covariance(G, M), times(M, u[:, None]) + score[:, None])[:, 0]
    return own, expected


def _fill_estimates(
    design: Design, draws: Draws, factor: Factor, known: NDArray[np.bool_], own: Array, expected: Array,
    fill: Callable[[slice, Array], None],
) -> None:  # fmt: skip
    """The same (effect, sample, group) for other outcomes, put into `own` and `expected`; then what is left to fill."""
    # imports what compiles, which Gaussian outcomes do not need
    from hierkit.posterior.own_estimates import group_rows, have_own, own_estimates

    rows = group_rows(design, draws, factor)
    estimable = have_own(rows, known)

    def estimate(part: slice) -> None:
        own[:, part], expected[:, part], M = own_estimates(rows, part, estimable)
        fill(part, M)

    in_batches(estimate, len(draws.beta), len(design.offset), "shrinkage")


def _square_root(G: Array, M: Array) -> Array:
    """(effect, effect, sample, group), the root of Λ = L S L^-1, S = I - (I + L'M L)^-1."""
    L = cholesky(G)
    inner = np.moveaxis(times(times(np.swapaxes(L, 0, 1), M), L), (0, 1), (-2, -1))
    values, vectors = np.linalg.eigh(inner)
    roots = np.sqrt(values.clip(0) / (1 + values.clip(0)))
    root = np.moveaxis((vectors * roots[..., None, :]) @ np.swapaxes(vectors, -1, -2), (-2, -1), (0, 1))
    L_inverse = np.moveaxis(np.linalg.inv(np.moveaxis(L, (0, 1), (-2, -1))), (-2, -1), (0, 1))
    return times(times(L, root), L_inverse)


def _ranks(factor: Factor) -> Array:
    """(group,), how many effects each group's rows can distinguish, whatever the units of what they multiply."""
    products = factor.sums(factor.Z)
    sizes = np.sqrt(np.diagonal(products, axis1=1, axis2=2))
    sizes = np.where(sizes > 0, sizes, 1.0)
    return np.array(np.linalg.matrix_rank(products / (sizes[:, :, None] * sizes[:, None, :]), hermitian=True))


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
