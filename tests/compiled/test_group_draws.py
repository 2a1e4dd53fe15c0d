"""Effects of groups given all else, beside the formulas in NumPy."""

import numpy as np

from hierkit.compiled.group_draws import LANES, draw_groups
from hierkit.compiled.keyed_normals import fill_normals

Q, HEAD, GROUPS, SAMPLES = 3, 2, 4, LANES + 7
KEY = np.array([3, 7], dtype=np.uint64)


def test_effects_are_their_mean_and_normal_numbers_times_their_sd() -> None:
    """v = M^-1 s + M^-1/2' z with M = I + L'A L / σ² in units of L, and u = T L v."""
    rng = np.random.default_rng(0)
    Z, H, e = rng.normal(size=(GROUPS, 6, Q)), rng.normal(size=(GROUPS, 6, HEAD)), rng.normal(size=(GROUPS, 6, 1))
    sums = np.swapaxes(Z, 1, 2) @ np.concatenate([Z, H, e], axis=2)
    L = np.tril(rng.normal(size=(SAMPLES, Q, Q)))
    T = np.triu(rng.normal(size=(Q, Q)))
    sigma, head = rng.uniform(0.5, 2, SAMPLES), rng.normal(size=(SAMPLES, HEAD))
    draws = np.array([np.arange(SAMPLES), np.full(SAMPLES, 2)], dtype=np.uint64)
    places = np.array([11, 2, 5, 3])
    u = np.empty((GROUPS, Q, SAMPLES))
    by_sample = np.ascontiguousarray(np.moveaxis(L, 0, -1))
    draw_groups(sums, by_sample, T, sigma, np.ascontiguousarray(head.T), KEY, draws, places, u)
    for j in (0, GROUPS - 1):
        z = np.empty((Q + 1, SAMPLES))
        fill_normals(KEY, draws, 0, SAMPLES, places[j], z)
        for d in (0, LANES - 1, LANES, SAMPLES - 1):
            M = np.eye(Q) + L[d].T @ sums[j, :, :Q] @ L[d] / sigma[d] ** 2
            right = L[d].T @ (sums[j, :, -1] - sums[j, :, Q:-1] @ head[d]) / sigma[d] ** 2
            v = np.linalg.solve(M, right) + np.linalg.solve(np.linalg.cholesky(M).T, z[:Q, d])
            np.testing.assert_allclose(u[j, :, d], T @ L[d] @ v, rtol=1e-10)
