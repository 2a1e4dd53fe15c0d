"""An interval for each entry."""

import numpy as np
import pytest
from pictures import labels, points, segments
from synthetic import synthetic_fit, table

from hierkit.intervals import interval


def test_a_panel_for_each_term_with_its_interval() -> None:
    quantity = synthetic_fit("y ~ x + z + (1 | g)", table(80), draws=50).coefficients()
    found = interval(quantity.draws["coefficient"])
    panels = [axes for axes in quantity.plot().axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in panels] == ["coefficient: Intercept", "coefficient: x", "coefficient: z"]
    for place, axes in enumerate(panels):
        assert points(axes)[0, 0] == pytest.approx(found.estimate[place])
        np.testing.assert_allclose(segments(axes)[0][:, 0], [found.lower[place], found.upper[place]])


def test_entries_of_one_scale_share_a_panel_and_keep_their_names() -> None:
    quantity = synthetic_fit("y ~ h + (1 | g)", table(80), draws=50).slopes("h", kind="typical")
    (axes,) = [axes for axes in quantity.plot().axes if axes.get_visible()]
    means = quantity.draws["average"].mean(("chain", "draw"))
    np.testing.assert_allclose(points(axes)[:, 0], means.values[::-1])
    assert labels(axes) == [f"average {label}" for label in means["contrast"].values[::-1]]
