"""Sums over groups against NumPy, one draw and group at a time."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from hierkit.compiled.group_sums import sum_bends, sum_derivatives

STARTS = np.array([0, 1, 1, 7, 40], dtype=np.int64)  # one row, none, six, many
SAMPLES, ROWS, GROUPS = 3, 40, 4


def problem(q: int, far: float) -> dict[str, Any]:
    rng = np.random.default_rng(q)
    trials = rng.integers(1, 5, ROWS).astype(float)
    return {
        "rest": far * rng.normal(size=(SAMPLES, ROWS)),
        "u": rng.normal(size=(q, SAMPLES, GROUPS)),
        "Z": np.vstack([np.ones(ROWS), rng.normal(size=(q - 1, ROWS))]),
        "y": np.floor(trials * rng.uniform(size=ROWS)),
        "trials": trials,
    }


@pytest.mark.parametrize("q", [1, 2, 3])
@pytest.mark.parametrize("far", [1.0, 300.0])
def test_information_and_score(q: int, far: float) -> None:
    given = problem(q, far)
    M, score = np.empty((q, q, SAMPLES, GROUPS)), np.empty((q, SAMPLES, GROUPS))
    sum_derivatives(**given, starts=STARTS, M=M, score=score)
    for d in range(SAMPLES):
        for j in range(GROUPS):
            own = slice(STARTS[j], STARTS[j + 1])
            Z, trials = given["Z"][:, own], given["trials"][own]
            p = expit(given["rest"][d, own] + given["u"][:, d, j] @ Z)
            weight = trials * p * expit(-(given["rest"][d, own] + given["u"][:, d, j] @ Z))
            np.testing.assert_allclose(M[:, :, d, j], (Z * weight) @ Z.T, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(score[:, d, j], Z @ (given["y"][own] - trials * p), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("q", [1, 2])
def test_bends_are_differences_of_the_information(q: int) -> None:
    """The derivative by a step of the predictor of Σ_i w_i (z_i'C z_i) z_i."""
    given = problem(q, 1.0)
    del given["y"]
    root = np.random.default_rng(0).normal(size=(SAMPLES, GROUPS, q, q))
    covariance = np.ascontiguousarray(np.moveaxis(root @ np.swapaxes(root, -1, -2), (2, 3), (0, 1)))
    pull = np.empty((q, SAMPLES, GROUPS))
    sum_bends(**given, starts=STARTS, covariance=covariance, pull=pull)
    step = 1e-5
    for d in range(SAMPLES):
        for j in range(GROUPS):
            own = slice(STARTS[j], STARTS[j + 1])
            Z = given["Z"][:, own]
            eta = given["rest"][d, own] + given["u"][:, d, j] @ Z
            ends = [expit(eta + way * step) * expit(-eta - way * step) for way in (1, -1)]
            slope = given["trials"][own] * (ends[0] - ends[1]) / (2 * step)
            spread = np.einsum("ai,ab,bi->i", Z, covariance[:, :, d, j], Z)
            np.testing.assert_allclose(pull[:, d, j], Z @ (slope * spread), rtol=1e-6, atol=1e-9)
