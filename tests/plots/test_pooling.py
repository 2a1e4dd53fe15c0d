"""Complete, no and partial pooling side by side."""

import numpy as np
from pictures import points
from synthetic import many_groups, synthetic_fit


def test_pooling_has_a_line_for_each_group_in_three_panels() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", many_groups(6), draws=50)
    quantity = fit.compare_pooling()
    figure = quantity.plot()
    assert [axes.get_title() for axes in figure.axes] == ["complete pooling", "no pooling", "partial pooling"]
    partial = quantity.draws["partial"].mean(("chain", "draw")).transpose("group", "term").values
    ends = [fit.design.X[:, 1].min(), fit.design.X[:, 1].max()]
    lines = [np.asarray(line.get_ydata()) for line in figure.axes[2].lines[:6]]
    np.testing.assert_allclose(lines, partial[:, :1] + partial[:, 1:] * ends)


def test_each_panel_has_its_own_levels() -> None:
    quantity = synthetic_fit("y ~ 1 + (1 | g)", many_groups(6), draws=50).compare_pooling()
    for axes, name in zip(quantity.plot().axes, ("complete", "none", "partial"), strict=True):
        values = quantity.draws[name]
        means = values.mean([dim for dim in ("chain", "draw") if dim in values.dims]).isel(term=0)
        np.testing.assert_allclose(points(axes)[:, 1], means)
