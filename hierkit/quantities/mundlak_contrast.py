"""Within against between: whether the group effects are correlated with a predictor."""

import xarray as xr

from hierkit.errors import refusal
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity


def mundlak_contrast(posterior: Posterior, variable: str) -> Quantity:
    """β_between - β_within of a predictor that `hierkit.center_within` has split.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    variable : str
        The predictor.

    Returns
    -------
    Quantity
        `within`, `between` and `contrast` (chain, draw), on the link scale per unit of the predictor. A contrast away
        from zero: groups with a large predictor differ from the others by more than the predictor does within them, and
        a model with the predictor as it is would mix the two (Mundlak 1978; the Bayesian counterpart of Hausman's
        test).

    Raises
    ------
    HierkitError
        For a model without the two terms.
    """
    design = posterior.design
    labels = [f"{variable}_within", f"{variable}_between"]
    columns = [column for label in labels for column in design.columns if column.label == label]
    if len(columns) < len(labels):
        raise refusal(
            f"The model has no {' and '.join(labels)}",
            "The contrast compares the two parts of a predictor",
            f'Split it with hierkit.center_within(data, "{variable}", by=...), and use both parts as predictors',
        )
    draws = posterior.coefficients(tuple(columns))
    within, between = (draws.sel(term=label, drop=True) for label in labels)
    definition = (
        f"Mundlak contrast of {variable}: β_between - β_within. Away from zero, the group effects are correlated with "
        f"{variable} (Mundlak 1978)."
    )
    arrays = {"within": within, "between": between, "contrast": between - within}
    return Quantity(xr.Dataset(arrays), definition)
