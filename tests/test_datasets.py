"""The seeded sets are the same bit for bit: lme4 gives the published estimates on them."""

from typing import Any

import numpy as np
import pytest

from hierkit import datasets

FIRST_AND_SUM = {
    "csat": (1434, [0, 18.66537688323488, 62.4625504182273], [18451, 21596.240452778766, 89977.95312405494]),
    "csat_slopes": (1434, [0, 24.75496550926337, 61.099184553246445], [18451, 20988.1228932746, 89330.25330120306]),
    "churn": (4000, [0, 16.208934580001035, 1], [30000, 59834.56610946775, 2057]),
    "noise": (612, [0, -9.560670100748759], [1602, 366.2965026444856]),
}


@pytest.mark.parametrize("name", FIRST_AND_SUM)
def test_seeded_sets_do_not_change(name: Any) -> None:
    rows, first, total = FIRST_AND_SUM[name]
    data = getattr(datasets, name)()
    assert len(data) == rows
    np.testing.assert_array_equal(data.iloc[0], first)
    np.testing.assert_allclose(data.sum(), total, rtol=1e-12)


def test_team_of_six_has_the_wrong_sign_alone() -> None:
    data = datasets.csat_slopes()
    six = data[data.team == 0]
    assert len(six) == 6
    assert np.polyfit(six.wait, six.csat, 1)[0] == pytest.approx(0.715, abs=5e-4)


def test_group_sizes_of_noise() -> None:
    assert datasets.noise().group.value_counts(sort=False).tolist() == [100] * 6 + [2] * 6


def test_real_sets() -> None:
    assert datasets.sleepstudy().shape == (180, 3)
    assert datasets.radon().shape == (919, 4)
    assert datasets.baseball().shape == (18, 5)
    assert datasets.eight_schools().shape == (8, 3)
    assert datasets.sleepstudy().Subject.nunique() == 18
    assert datasets.radon().county.nunique() == 85
    assert (datasets.baseball().Hits / datasets.baseball().AB).mean() == pytest.approx(0.2654, abs=1e-4)
