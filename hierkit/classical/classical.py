"""The same model by classical methods beside the posterior."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from hierkit.model.design import Design
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity

if TYPE_CHECKING:
    from hierkit.classical.methods import Estimates


def classical(posterior: Posterior) -> Quantity:
    """The model by older methods beside the posterior: estimates and standard errors, and which question each answers.

    Gaussian: REML and maximum likelihood of the same model, with standard errors (X'V^-1X)^-1, and least squares. Where
    each row is a group of its own and its sd is known, statsmodels' meta-analysis too (Paule and Mandel's τ²).
    Bernoulli: the same model by mean-field variational Bayes, GEE with exchangeable correlation, and logistic
    regression of all rows. For both the mean over groups of their own regressions, those without a unique estimate left
    out, of the coefficients that these have in common with the model. With several factors GEE and own regressions take
    the one with the fewest groups.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.

    Returns
    -------
    Quantity
        `estimate` and `se` (parameter, method), of the posterior its mean and sd; `answers` and `note` (method).
        Coefficients on the link scale, sds and correlations of effects. The definition names the methods that gave
        nothing, and why.
    """
    from hierkit.classical.methods import methods  # statsmodels takes a second to import

    found = list(methods(posterior))
    given = [one for one in found if one.values]
    parameters = list(dict.fromkeys(name for one in given for name in one.values))
    numbers = np.full((2, len(parameters), len(given)), np.nan)
    for j, one in enumerate(given):
        for name, pair in one.values.items():
            numbers[:, parameters.index(name), j] = pair
    dims = ("parameter", "method")
    dataset = xr.Dataset(
        {
            "answers": ("method", [one.answers for one in given]),
            "estimate": (dims, numbers[0]),
            "se": (dims, numbers[1]),
            "note": ("method", [one.note for one in given]),
        },
        coords={"parameter": parameters, "method": [one.method for one in given]},
    )
    definition = _definition(posterior.design, [one for one in found if not one.values])
    return Quantity(dataset, definition, picture="estimates")


def _definition(design: Design, missing: list["Estimates"]) -> str:
    text = (
        "The posterior (mean and sd) beside classical estimates and their standard errors. Compare those that answer "
        "the same question."
    )
    if not design.family.is_linear:
        text += " A coefficient within a group is larger in absolute value than across the population."
    return text + "".join(f" No {one.method}: {one.note}" for one in missing)
