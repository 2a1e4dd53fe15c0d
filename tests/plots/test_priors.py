"""Posterior sds beside their priors."""

import numpy as np
from pictures import line, rectangles
from synthetic import synthetic_fit, table


def test_prior_densities_are_those_of_the_priors() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", table(80), draws=50)
    draws = fit.prior_and_posterior().draws
    for name in draws["component"].values:
        part = draws.sel(component=name)
        np.testing.assert_allclose(np.log(part["prior_density"]), fit.priors[name].log_density(part["at"].values))


def test_the_histogram_and_the_density_of_each_panel() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", table(80), draws=50).prior_and_posterior()
    axes = quantity.plot().axes
    for panel, name in zip(axes, quantity.draws["component"].values, strict=False):
        part = quantity.draws.sel(component=name)
        heights, _ = np.histogram(part["value"].values.ravel(), bins=len(panel.patches), density=True)
        np.testing.assert_allclose([patch.get_height() for patch in rectangles(panel)], heights)
        np.testing.assert_allclose(line(panel, "prior").get_ydata(), part["prior_density"])
        np.testing.assert_allclose(line(panel, "prior").get_xdata(), part["at"])
        assert panel.get_xlabel() == name
