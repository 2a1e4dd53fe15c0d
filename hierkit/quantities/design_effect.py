"""What clustering costs: design effect, effective rows, and which coefficients it concerns."""

import numpy as np
import xarray as xr

from hierkit.arrays import Array
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.posterior.effects import labels_of
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.icc import average_icc


def design_effect(posterior: Posterior, factor: str | None = None) -> Quantity:
    """Design effect 1 + (m - 1) ρ of a factor: by how much its groups inflate the variance of a mean.

    ρ is the ICC on the response scale, and m = Σ_j s_j'G s_j / Σ_i z_i'G z_i with s_j the sum of z_i over the rows of a
    group: Σ n_j² / Σ n_j for a group intercept alone. All factors together have 1 + Σ_f (m_f - 1) ρ_f, which for a
    Gaussian outcome is n Var(mean of y) over the variance of one row.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        `design_effect` of the factor (chain, draw), a ratio of variances; with several factors `all_factors`, that of
        all together; `effective_rows` = n / the design effect of all factors, a number of rows, or trials for counts.
        They concern the mean and predictors that are constant within groups; `varies` (term) says of each coefficient
        whether its column varies "within" groups, "between" them, or "both".

    Raises
    ------
    HierkitError
        For an unknown factor.

    Notes
    -----
    Kish (1965). ρ is that of the average row; for a Bernoulli outcome of one with the mean row's Xβ.
    """
    design = posterior.design
    chosen = design.factor(factor)
    draws = posterior.parameters
    sizes = np.stack([_size(design, own, G) for own, G in zip(design.factors, draws.G, strict=True)], axis=1)
    parts = (sizes - 1) * average_icc(design, draws)
    place, total = design.factors.index(chosen), 1 + parts.sum(axis=1)
    n = design.trials.sum()
    arrays = {"design_effect": draws.labelled(1 + parts[:, place])}
    if len(design.factors) > 1:
        arrays["all_factors"] = draws.labelled(total)
    arrays["effective_rows"] = draws.labelled(n / total)
    varies = {column.label: chosen.varies(x) for column, x in zip(design.columns, design.X.T, strict=True)}
    terms = xr.DataArray(list(varies.values()), dims="term", coords={"term": list(varies)})
    size = float(sizes[:, place].mean())
    attrs = labels_of(design, chosen) | {"size": size}
    between = [label for label, where in varies.items() if where == "between"]
    definition = _definition(design, chosen.label, size, between)
    return Quantity(xr.Dataset({**arrays, "varies": terms}, attrs=attrs), definition, picture="design_effect")


def _size(design: Design, factor: Factor, G: Array) -> Array:
    """(sample,), m, how many rows of a group count as one."""
    sums = factor.sums(design.trials[:, None])[:, :, 0]
    products = factor.Z.T @ (design.trials[:, None] * factor.Z)
    return np.asarray(np.einsum("sab,ab->s", G, sums.T @ sums) / np.einsum("sab,ab->s", G, products))


def _definition(design: Design, label: str, size: float, between: list[str]) -> str:
    of_all = " of all factors together (all_factors)" if len(design.factors) > 1 else ""
    return (
        f"Design effect of {label}: 1 + (m - 1) ρ with ρ the ICC on the scale of the outcome and m = {size:.4g} "
        f"{design.unit}, for an intercept Σn²/Σn (Kish 1965). effective_rows: the number of independent {design.unit} "
        f"that would estimate a mean as well as these {design.trials.sum():,.0f}, which is that number over the design "
        f"effect{of_all}. Both apply to predictors that are constant within groups "
        f"(here: {', '.join(between) if between else 'none'}), not to those that vary within groups."
    )
