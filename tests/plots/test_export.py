"""Pictures as bytes: the same for the same picture, and small."""

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from synthetic import many_groups, synthetic_fit

from hierkit.plots.canvas import paper, shorten
from hierkit.plots.export import to_svg


def test_the_same_figure_has_the_same_bytes() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", many_groups(5), draws=30)
    one, other = (to_svg(fit.group_effects().plot()) for _ in range(2))
    assert one == other
    assert b"<dc:date>" not in one


@pytest.mark.parametrize("draw", ["lines", "points", "segments"])
def test_thousands_of_marks_stay_small(draw: Any) -> None:
    figure, (axes,) = paper()
    x = np.random.default_rng(0).normal(size=(5000, 2))
    if draw == "lines":
        axes.plot(x[:300].T)
    elif draw == "points":
        axes.plot(x[:, 0], x[:, 1], "o")
    else:
        axes.hlines(np.arange(5000), x[:, 0], x[:, 1])
    assert len(to_svg(figure)) < 150_000


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "]]> --> &amp;", "bell \a, nul \0", "\u202eegnol", "\"'"]
)
def test_names_are_text_and_nothing_else(name: Any) -> None:
    figure, (axes,) = paper()
    axes.set_xlabel(shorten(name, 60))
    root = ElementTree.fromstring(to_svg(figure))
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "".join(c if c.isprintable() else "\ufffd" for c in name) in words
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
