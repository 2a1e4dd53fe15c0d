"""Importance sampling of draws."""

from hierkit.validation.importance import good_k


def test_the_limit_of_pareto_k_is_arvizs() -> None:
    assert good_k(4000) == 0.7
    assert good_k(100) == 0.5
