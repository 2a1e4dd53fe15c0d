"""Which share of the variance predictors explain, without and with the groups."""

import numpy as np
import xarray as xr

from hierkit.model.matrices import fitted_matrices
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.icc import average_variances


def r_squared(posterior: Posterior) -> Quantity:
    """Marginal and conditional R² in each draw.

    marginal = Var(Xβ) / total, conditional = (Var(Xβ) + Σ tr(ZGZ')/n) / total, total = Var(Xβ) + Σ tr(ZGZ')/n + v, v =
    σ² or π²/3. Variances and traces are over rows, or over the trials of counts. With weights or known sds v is the
    variance of a typical row, as in `icc`.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.

    Returns
    -------
    Quantity
        `marginal` and `conditional` (chain, draw), on the link scale; marginal ≤ conditional. G of Student-t effects
        is their covariance, nu / (nu - 2) times that of their scale, at most a thousand times.

    Notes
    -----
    Nakagawa and Schielzeth (2013), Johnson (2014) for slopes, Nakagawa, Johnson and Schielzeth (2017) for logit.
    """
    design = posterior.design
    draws = posterior.parameters
    rows = fitted_matrices(design)
    weights = design.trials / design.trials.sum()
    centred = rows.X - weights @ rows.X
    # (Xβ)'W(Xβ) = |Rβ|², with W^½ X = Q R: one pass over the rows for all draws
    R = np.linalg.qr(np.sqrt(weights)[:, None] * centred, mode="r")
    # of a model with an intercept alone nothing but rounding
    R[:, np.ptp(rows.X, axis=0) == 0] = 0.0
    explained = ((draws.beta @ R.T) ** 2).sum(axis=1)
    groups = average_variances(design, draws.covariances).sum(axis=1) if design.factors else np.zeros(len(explained))
    total = explained + groups + draws.latent_variance
    arrays = {
        "marginal": draws.labelled(explained / total),
        "conditional": draws.labelled((explained + groups) / total),
    }
    definition = (
        "R² on the link scale (Nakagawa and Schielzeth 2013, Johnson 2014): the share of the variance that predictors "
        f"explain (marginal), and predictors and groups (conditional); the rest is {design.outcome.variance_in_words}."
    )
    return Quantity(xr.Dataset(arrays), definition)
