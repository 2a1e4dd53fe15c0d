"""Effects at the centre of the predictors, however far their zero is, up to where numbers end."""

import pytest
from synthetic import design_of, table

from hierkit.errors import HierkitError


@pytest.mark.parametrize("sds", [1e3, 9e5])
def test_slopes_far_from_zero_are_centred(sds: float) -> None:
    rows = table()
    far = rows.assign(x=(rows.x - rows.x.mean()) / rows.x.std() + sds)
    (factor,) = design_of("y ~ x + (x | g)", far).factors
    assert factor.T[0, 1] == pytest.approx(-sds)


@pytest.mark.parametrize("formula", ["y ~ x + (x | g)", "y ~ x * z + (x * z | g)"])
def test_slopes_too_far_from_zero_are_refused(formula: str) -> None:
    """The variance of intercepts there would have lost fourteen of sixteen digits."""
    rows = table()
    far = rows.assign(x=rows.x + 3e7 * rows.x.std())
    with pytest.raises(HierkitError, match=r"'x' lies more than 10,000,000 sds from zero.*or write I\(x - number\)"):
        design_of(formula, far)


def test_uncorrelated_effects_hold_at_zero_by_their_formula() -> None:
    rows = table()
    (factor,) = design_of("y ~ x + (x || g)", rows.assign(x=rows.x + 1e9)).factors
    assert (factor.T == [[1, 0], [0, 1]]).all()
