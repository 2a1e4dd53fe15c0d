import numpy as np

from hierkit.sampling.kernels.packing import cubes, matrix, pack, vector


def test_arrays_come_back_as_they_were() -> None:
    rng = np.random.default_rng(0)
    a, b, c, d = rng.normal(size=5), np.arange(6).reshape(2, 3), rng.normal(size=(2, 3, 4, 5)), np.empty((0, 4))
    block = pack(a, b, c, d, 7.5)
    assert block.view(np.int64)[0] == len(block)
    np.testing.assert_array_equal(vector(block, 0), a)
    np.testing.assert_array_equal(matrix(block, 1).view(np.int64), b)
    np.testing.assert_array_equal(cubes(block, 2), c)
    assert matrix(block, 3).shape == (0, 4)
    assert vector(block, 4)[0] == 7.5
