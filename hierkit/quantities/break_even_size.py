"""The number of rows with which a group keeps half of its own evidence."""

import xarray as xr

from hierkit.errors import refusal
from hierkit.intervals import without_mean
from hierkit.posterior.information import mean_weight
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity


def break_even_size(posterior: Posterior, factor: str | None = None) -> Quantity:
    """The rows at which a group's mean is pulled half of the way: n* = 1 / (τ² w).

    w = 1 / σ² for a Gaussian outcome: n* = σ²/τ² rows; with weights or known sds they are typical rows, as in
    `icc`. For a Bernoulli one the mean p (1 - p) of the rows in each draw.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given. It has an intercept.

    Returns
    -------
    Quantity
        `rows` (chain, draw); trials for counts. Its estimate is the median: where τ may be zero it has no mean. A group
        of fewer learns more from the others than from itself (Gelman and Hill 2007, ch. 12). With varying slopes it is
        that of the level where their predictors are zero.

    Raises
    ------
    HierkitError
        For a factor without a group intercept.
    """
    design = posterior.design
    chosen = design.factor(factor)
    if not any(effect.is_intercept for effect in chosen.effects):
        raise refusal(
            f"{chosen.label!r} has no group intercept", "The break-even size is that of a group's level", "Add (1 | g)"
        )
    used = posterior if design.family.is_linear else posterior.in_memory
    draws = used.parameters if design.family.is_linear else used.draws
    at = [effect.is_intercept for effect in chosen.effects].index(True)
    variance = draws.covariances[design.factors.index(chosen)][:, at, at]
    of_a_row = design.outcome.variance_in_words if design.family.is_linear else "1 / (p(1 - p))"
    definition = (
        f"Break-even size of {chosen.label}: n* = v/τ² rows, v = {of_a_row}, with which a group's level keeps "
        "half of its own evidence. The estimate is the median, because n* has no mean where τ may "
        "be zero."
    )
    if design.outcome.is_counts:
        definition += " Rows are trials."
    if len(chosen.effects) > 1:
        definition += " The level is that where the predictors of its other effects are zero."
    rows = draws.labelled(1 / (variance * mean_weight(design, draws)))
    return Quantity(xr.Dataset({"rows": without_mean(rows)}), definition)
