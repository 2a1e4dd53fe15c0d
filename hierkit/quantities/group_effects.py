"""Group effects: what each group adds to the common coefficients."""

import xarray as xr

from hierkit.model.columns import Column
from hierkit.posterior.effects import labels_of, stack
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity


def group_effects(posterior: Posterior, factor: str | None = None) -> Quantity:
    """Each group's deviation u and, within each draw, its coefficient β + u.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        `deviation` and `coefficient` (chain, draw, group, effect), on the link scale; `n` (group), the rows of each
        group; `G` (effect, effect_other), the posterior mean of the effects' covariance. An effect without a common
        coefficient of the same coding has β = 0: its coefficient is its deviation. With several factors a coefficient
        is that of a group whose other factors are typical (their effects zero).

    Raises
    ------
    HierkitError
        For an unknown factor, and for none where there are several.
    """
    design = posterior.design
    chosen = design.factor(factor)
    effects = posterior.effects(chosen)
    partners = [partner(effect, design.columns) for effect in chosen.effects]
    none = xr.zeros_like(effects.u.isel(group=0, effect=0, drop=True))
    beta = [none if c is None else posterior.coefficients((c,)).isel(term=0, drop=True) for c in partners]
    shared = stack(beta, "effect", [effect.label for effect in chosen.effects])
    coefficient = (effects.u + shared).transpose("chain", "draw", "group", "effect")
    definition = (
        f"Group effects of {chosen.label}: the deviation u from the common coefficient β, and the group's own "
        "coefficient β + u, both partially pooled (the posterior counterpart of the BLUP)."
    )
    if alone := [effect.label for effect, c in zip(chosen.effects, partners, strict=True) if c is None]:
        definition += f" {', '.join(alone)} has no common coefficient: there β is 0."
    G = effects.cov.mean(("chain", "draw"))
    arrays = {"n": effects.n, "G": G, "deviation": effects.u, "coefficient": coefficient}
    return Quantity(xr.Dataset(arrays, attrs=labels_of(design, chosen)), definition, picture="caterpillar")


def partner(effect: Column, columns: tuple[Column, ...]) -> Column | None:
    """The common coefficient from which a group effect deviates: that of the same column, coded alike."""
    for column in columns:
        same = effect.is_intercept if column.is_intercept else column.label == effect.label
        if same and column.in_full == effect.in_full:
            return column
    return None
