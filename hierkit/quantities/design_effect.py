"""What clustering costs: design effect, effective rows, and which coefficients it concerns."""

import numpy as np
import xarray as xr

from hierkit.posterior.effects import labels_of
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.icc import response_icc


def design_effect(posterior: Posterior, factor: str | None = None) -> Quantity:
    """Design effect 1 + (m - 1) ρ of a factor, m = Σ n_j² / Σ n_j, ρ the ICC on the response scale.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        `design_effect` and `effective_rows` = n / design effect (chain, draw), a ratio of variances and a number of
        rows. They concern the mean and predictors that are constant within groups; `varies` (term) says of each
        coefficient whether its column varies "within" groups, "between" them, or "both".

    Raises
    ------
    HierkitError
        For an unknown factor.

    Notes
    -----
    Kish (1965). Counts: n and m count trials, and ρ is that of single trials.
    """
    design = posterior.design
    chosen = design.factor(factor)
    place = design.factors.index(chosen)
    draws = posterior.parameters
    trials = design.outcome.trials
    n = chosen.counts if trials is None else np.bincount(chosen.codes, trials, len(chosen.levels))
    unit = "rows" if trials is None else "trials"
    size = float((n**2).sum() / n.sum())
    effect = 1 + (size - 1) * response_icc(design, draws, place)
    varies = {column.label: chosen.varies(x) for column, x in zip(design.columns, design.X.T, strict=True)}
    between = [label for label, where in varies.items() if where == "between"]
    definition = (
        f"Design effect of {chosen.label}: 1 + (m - 1) ρ with m = Σn²/Σn = {size:.4g} {unit} and ρ the ICC on the "
        f"scale of the outcome (Kish 1965). effective_rows: the number of independent {unit} that would estimate a "
        f"mean as well as these {n.sum():,.0f}. Both apply to predictors that are constant within groups "
        f"(here: {', '.join(between) if between else 'none'}), not to those that vary within groups."
    )
    arrays = {"design_effect": draws.labelled(effect), "effective_rows": draws.labelled(n.sum() / effect)}
    terms = xr.DataArray(list(varies.values()), dims="term", coords={"term": list(varies)})
    attrs = labels_of(design, chosen) | {"size": size}
    return Quantity(xr.Dataset({**arrays, "varies": terms}, attrs=attrs), definition, picture="design_effect")
