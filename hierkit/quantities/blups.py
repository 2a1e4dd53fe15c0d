"""Group effects: what each group adds to the common coefficients."""

import xarray as xr

from hierkit.model.design import Design
from hierkit.quantities.effects import coefficient_draws, read_effects, stack
from hierkit.quantities.quantity import Quantity


def group_effects(posterior: xr.Dataset, design: Design, factor: str | None = None) -> Quantity:
    """Each group's deviation u and, within each draw, its coefficient β + u.

    Parameters
    ----------
    posterior : xarray.Dataset
        (chain, draw, ...), under Bambi's names.
    design : Design
        Of the model that was fitted.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        `deviation` and `coefficient` (chain, draw, group, effect), `n` (group), the rows of each group. With several
        factors a coefficient is that of a group whose other factors are typical (their effects zero).

    Raises
    ------
    HierkitError
        For an unknown factor, and for none where there are several.
    """
    chosen = design.factor(factor)
    effects = read_effects(posterior, chosen)
    common = {column.label: column for column in design.columns}
    beta = [
        coefficient_draws(posterior, (common[name],)).isel(term=0, drop=True)
        if (name := "Intercept" if effect.is_intercept else effect.label) in common
        else xr.zeros_like(effects.u.isel(group=0, effect=0, drop=True))
        for effect in chosen.effects
    ]
    shared = stack(beta, "effect", [effect.label for effect in chosen.effects])
    coefficient = (effects.u + shared).transpose("chain", "draw", "group", "effect")
    definition = (
        f"Group effects of {chosen.label}: the deviation u from the common coefficient, and the group's own "
        "coefficient β + u, both partially pooled (the posterior counterpart of the BLUP)."
    )
    return Quantity(xr.Dataset({"n": effects.n, "deviation": effects.u, "coefficient": coefficient}), definition)
