"""Standardised effects against normal quantiles."""

import numpy as np
from pictures import band, points
from synthetic import many_groups, synthetic_fit


def test_outlying_groups_are_named() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(30), draws=50).blup_qq()
    quantity.draws["outlying"][:] = quantity.draws["group"] == 7
    axes = quantity.plot().axes[0]
    assert [text.get_text() for text in axes.texts] == ["7"]


def test_points_and_envelope_are_those_of_the_quantity() -> None:
    quantity = synthetic_fit("y ~ x + (1 | g)", many_groups(30), draws=50).blup_qq()
    axes = quantity.plot().axes[0]
    part = quantity.draws.isel(effect=0).sortby("expected")
    known = part.where(part["expected"].notnull(), drop=True)
    shown = points(axes)
    np.testing.assert_allclose(
        shown[np.isfinite(shown[:, 0])], np.column_stack([known["expected"], known["standardised"]])
    )
    lower, upper = band(axes, known["expected"].values)
    np.testing.assert_allclose(lower, known["lower"])
    np.testing.assert_allclose(upper, known["upper"])
    assert axes.get_xlabel() == "normal quantile"
    assert " ".join(axes.get_ylabel().split()) == "level: standardised difference"
