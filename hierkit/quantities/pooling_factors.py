"""How much each batch of group effects is pooled."""

import numpy as np
import xarray as xr

from hierkit.posterior.effects import entry, labels_of, sizes_of, stack
from hierkit.posterior.posterior import Posterior, draws_note, student_t_note
from hierkit.posterior.quantity import Quantity

FEWEST_GROUPS = 10


def pooling_factors(posterior: Posterior, factor: str | None = None) -> Quantity:
    """Pooling factors 1 - Var_k(E u_k) / E(Var_k u_k) of each batch of effects (Gelman and Pardoe 2006).

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given.

    Returns
    -------
    Quantity
        `pooling` (effect,) and `group_pooling` (group, effect), min(1, (sd u_k / τ)²) with τ² the posterior mean of the
        variance; `n` (group). Each is one number with no posterior of its own. 0: no pooling, 1: complete pooling.

    Raises
    ------
    HierkitError
        For an unknown factor.
    """
    design = posterior.design
    chosen = design.factor(factor)
    used = posterior.in_memory
    effects = used.effects(chosen)
    u, sample = effects.u, ("chain", "draw")
    batch = 1 - u.mean(sample).var("group", ddof=1) / u.var("group", ddof=1).mean(sample)
    labels = [effect.label for effect in chosen.effects]
    variance = stack([entry(effects.cov, label, label) for label in labels], "effect", labels)
    by_group = np.minimum(1, u.var(sample, ddof=1) / variance.mean(sample))
    definition = (
        f"Pooling factors of {chosen.label}: 1 - Var(E u) / E(Var u) over groups, and for each group (sd u / τ)² "
        "(Gelman and Pardoe 2006). 0: no pooling, 1: complete pooling."
    )
    if len(chosen.levels) < FEWEST_GROUPS:
        definition += f" With {len(chosen.levels)} groups the number for the batch is mostly noise."
    definition += student_t_note(posterior) + draws_note(used, posterior)
    arrays = {"n": sizes_of(design, chosen), "pooling": batch, "group_pooling": by_group}
    return Quantity(xr.Dataset(arrays, attrs=labels_of(design, chosen)), definition, picture="pooling_factors")
