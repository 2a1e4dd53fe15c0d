from typing import Any

import numpy as np
import pytest

from hierkit.sampling.kernels.integrated_groups import MOST_LANES, in_lanes, invert_lanes


@pytest.mark.parametrize("n_groups", [1, 3, 16, 64, 65, 100, 1000])
def test_every_group_has_a_lane_and_the_other_lanes_are_empty(n_groups: Any) -> None:
    sums = np.random.default_rng(0).normal(size=(n_groups, 2, 3))
    lanes = in_lanes(sums)
    flat = np.moveaxis(lanes, 3, 1).reshape(-1, 2, 3)
    np.testing.assert_array_equal(flat[:n_groups], sums)
    assert not flat[n_groups:].any()
    assert lanes.shape[3] <= MOST_LANES
    assert lanes.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("q", [1, 2, 3, 6])
def test_inverses_and_log_determinants(q: Any) -> None:
    roots = np.random.default_rng(1).normal(size=(24, q, q))
    matrices = np.eye(q) + roots @ np.swapaxes(roots, 1, 2)
    lower = np.ascontiguousarray(np.moveaxis(np.tril(matrices), 0, 2))
    inverse = np.empty((q, q, 24))
    total = invert_lanes(lower, inverse)
    np.testing.assert_allclose(np.moveaxis(inverse, 2, 0), np.linalg.inv(matrices), rtol=1e-10, atol=1e-12)
    assert total == pytest.approx(np.linalg.slogdet(matrices)[1].sum(), rel=1e-12)
