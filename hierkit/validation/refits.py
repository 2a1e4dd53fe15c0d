"""Scores of rows left out, from fits without them."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.errors import HierkitError
from hierkit.integration.unknown_groups import connected, log_density, without
from hierkit.model.design import Design
from hierkit.model.matrices import fitted_matrices
from hierkit.model.subset import places_in, subset
from hierkit.posterior.draws import Draws
from hierkit.posterior.posterior import Posterior

Refit = Callable[[Design], tuple[Posterior, str]]  # and what is wrong with its draws, if anything
STEPS, STILL = 1000, 1e-8


class Scored(NamedTuple):
    """A score, or why there is none; beside a score, what is wrong with the draws behind it."""

    score: float | None
    note: str


def score_without(design: Design, draws: Draws, places: NDArray[np.intp], refit: Refit) -> Scored:
    """Log p of rows jointly given all others, from draws with them and draws of a fit without them.

    Parameters
    ----------
    design, draws : Design, Draws
        Of the fit to all rows.
    places : ndarray of int
        Of the rows left out.
    refit : callable
        From the design of some rows to the posterior of the same model given those, and what is wrong with its draws.

    Returns
    -------
    Scored
        Without a score where no such model can be made.
    """
    try:
        posterior, trouble = refit(subset(design, np.setdiff1d(np.arange(len(design.offset)), places)))
    except HierkitError as error:
        return Scored(None, f"there is no fit without: {error}".removesuffix("."))
    smaller, all_rows = posterior.design.factors, fitted_matrices(design)
    outcome, rng = design.outcome.at(places), np.random.default_rng(0)
    pairs = list(zip(smaller, design.factors, strict=True))
    codes = tuple(places_in(own, factor)[factor.codes[places]] for own, factor in pairs)
    rows = replace(all_rows.at(places), codes=codes)
    unknown = [own >= len(factor.levels) for own, factor in zip(codes, smaller, strict=True)]
    others = posterior.in_memory.draws
    blocks = connected(len(places), codes, unknown)
    without_them = np.sum([log_density(others, rows, one, outcome, rng)[0] for one in blocks], axis=0)
    with_them = log_density(draws, all_rows, without(design, places), design.outcome, rng)[0]
    return Scored(bridged(with_them, without_them), trouble)


def bridged(with_them: Array, without_them: Array) -> float:
    """Log p(y_j | others), by bridge sampling (Meng and Wong 1996).

    The mean of p(y_j | θ) over draws without the rows alone would do, but has a heavy tail where the rows are unusual.

    Parameters
    ----------
    with_them, without_them : ndarray
        (sample,), log p(y_j | θ) in draws given all rows, and in draws given the others.
    """
    level = np.median(with_them)
    one, other = np.exp(with_them - level), np.exp(without_them - level)
    share, ratio = len(one) / (len(one) + len(other)), 1.0
    for _ in range(STEPS):
        upper = np.mean(other / (share * other + (1 - share) * ratio))
        lower = np.mean(1 / (share * one + (1 - share) * ratio))
        before, ratio = ratio, float(upper / lower)
        if abs(ratio / before - 1) < STILL:
            break
    return float(np.log(ratio) + level)
