"""Along a curve the posterior of an sd is nearly standard normal."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from synthetic import design_of, table

from hierkit.model.priors import make_priors
from hierkit.sampling.kernels import codes
from hierkit.sampling.kernels import densities as d
from hierkit.sampling.kernels.curves import along_curves
from hierkit.sampling.kernels.parameters import make_parameters


@pytest.mark.parametrize(
    "log_density",
    [
        lambda t: -(4 * t + 8 * np.exp(-2 * t)) - np.exp(2 * t) / 18,
        lambda t: t - np.exp(2 * t) / 2,
        lambda t: -(t**2) / 0.02,
    ],
    ids=["a wall on the left and a long tail", "down to zero", "well known"],
)
def test_quantiles_are_normal(log_density: Any) -> None:
    """Of a density of log sd; the curve's value at x is the sd below which a share of Phi(x) lies."""
    parameters = make_parameters(design := design_of("y ~ 1 + (1 | g)", table()), make_priors(design))
    curved, start = along_curves(parameters, lambda x: float(log_density(x[0])), np.array([0.3, 0.0]), 1)
    assert curved.codes[1, 0] == codes.CURVE
    grid = np.linspace(-25, 6, 400_001)
    density = np.exp(log_density(grid) - log_density(grid).max())
    below = np.cumsum(density) / density.sum()
    for x in (-2.0, -1.0, 0.0, 1.0, 2.0):
        value = d.transform(codes.CURVE, x, curved.numbers[1])[0]
        assert np.interp(np.log(value), grid, below) == pytest.approx(stats.norm.cdf(x), abs=0.01)
    assert np.interp(0.3, grid, below) == pytest.approx(stats.norm.cdf(start[0]), abs=0.05)


def test_what_has_no_curve_keeps_its_transform() -> None:
    """A log density that is no number anywhere but at the start."""
    parameters = make_parameters(design := design_of("y ~ 1 + (1 | g)", table()), make_priors(design))
    same, start = along_curves(parameters, lambda x: 0.0 if x[0] == 0 else np.nan, np.zeros(2), 1)
    assert same is parameters
    assert (start == 0).all()
