"""Pictures as bytes: the same for the same picture, and small."""

import numpy as np
import pytest
from synthetic import many_groups, synthetic_fit

from hierkit.plots.canvas import paper
from hierkit.plots.export import to_svg


def test_the_same_figure_has_the_same_bytes():
    fit = synthetic_fit("y ~ x + (x | g)", many_groups(5), draws=30)
    one, other = (to_svg(fit.group_effects().plot()) for _ in range(2))
    assert one == other
    assert b"<dc:date>" not in one


@pytest.mark.parametrize("draw", ["lines", "points", "segments"])
def test_thousands_of_marks_stay_small(draw):
    figure, (axes,) = paper()
    x = np.random.default_rng(0).normal(size=(5000, 2))
    if draw == "lines":
        axes.plot(x[:300].T)
    elif draw == "points":
        axes.plot(x[:, 0], x[:, 1], "o")
    else:
        axes.hlines(np.arange(5000), x[:, 0], x[:, 1])
    assert len(to_svg(figure)) < 150_000


def test_names_are_drawn_not_written():
    figure, (axes,) = paper()
    axes.set_xlabel("<script>alert(1)</script>")
    svg = to_svg(figure)
    assert b"<script>" not in svg
