"""Random numbers that are had again from a key and a counter."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from hierkit.compiled.keyed_normals import fill_normals, fill_quantiles, philox

ONES = 0xFFFFFFFF
# the known answers of the authors' library Random123 for philox4x32-10: key, counter, words
KNOWN = [
    ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES), (ONES, ONES, ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def normals(effects: int, draws: Any, group: int = 5, seed: int = 1) -> Any:
    """(effect, draw), of draws (2, draw)."""
    z = np.empty((effects + 1, draws.shape[1]))
    fill_normals(np.array([0, seed], dtype=np.uint64), draws, 0, draws.shape[1], group, z)
    return z[:effects]


@pytest.mark.parametrize(("key", "counter", "words"), KNOWN)
def test_words_are_those_of_the_authors(key: Any, counter: Any, words: Any) -> None:
    assert tuple(int(word) for word in philox(*map(np.uint64, (*key, *counter)))) == words


def test_quantiles_are_those_of_scipy() -> None:
    tails = 10.0 ** -np.arange(1, 17)
    p = np.concatenate([np.linspace(0.001, 0.999, 999), tails, 1 - tails[:15], [0.075, 0.925, 0.5]])
    found = p.copy()
    fill_quantiles(found)
    np.testing.assert_allclose(found, ndtri(p), rtol=1e-13, atol=1e-15)


def test_numbers_are_normal_and_independent() -> None:
    """Among effects, draws, chains, groups and seeds: 2,000 correlations of 4,000 numbers within 5 standard errors."""
    draws = np.array([np.arange(4000), np.zeros(4000)], dtype=np.uint64)
    other_chain = draws + np.array([[0], [1]], dtype=np.uint64)
    many = np.concatenate(
        [
            *(normals(3, draws, group) for group in range(20)),
            normals(3, other_chain),
            normals(3, draws, seed=2),
            np.roll(normals(3, draws), 1, axis=1),
        ]
    )
    correlations = np.corrcoef(many)[np.triu_indices(len(many), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(4000)
    assert stats.kstest(many.ravel(), "norm").pvalue > 0.001


def test_an_odd_number_of_effects_has_the_numbers_of_an_even_one() -> None:
    draws = np.array([np.arange(10), np.zeros(10)], dtype=np.uint64)
    np.testing.assert_array_equal(normals(3, draws), normals(4, draws)[:3])
    np.testing.assert_array_equal(normals(3, draws[:, 4:6]), normals(3, draws)[:, 4:6])
