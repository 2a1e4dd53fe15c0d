"""The family of a Bambi model: Bambi's own, or a Gaussian one whose rows have weights or known sds."""

from typing import Any

import bambi as bmb
import numpy as np
import pymc as pm

from hierkit.model.outcome import Outcome


def bambi_family(outcome: Outcome) -> str | bmb.Family:
    """A name that Bambi knows, or y ~ N(mu, σ²/w), with σ = 1 and no parameter where the sds are known.

    Bambi's own `weighted()` raises a row's likelihood to a power, which is another model.
    """
    if outcome.precision is None:
        return outcome.distribution
    of_unit = 1 / np.sqrt(outcome.precision)

    def rows(name: str, mu: Any, sigma: Any = 1.0, **given: Any) -> Any:
        return pm.Normal(name, mu=mu, sigma=sigma * of_unit, **given)

    params = ["mu", "sigma"] if outcome.has_sigma else ["mu"]
    likelihood = bmb.Likelihood("MeasuredNormal", params=params, parent="mu", dist=rows)
    return bmb.Family("measured_gaussian", likelihood, "identity")
