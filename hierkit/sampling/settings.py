"""How long and how to sample."""

from dataclasses import dataclass
from numbers import Real
from typing import get_args

import numpy as np

from hierkit.errors import check_word, refusal
from hierkit.model.run import NutsSampler

LARGEST_SEED = 2**63


@dataclass(frozen=True)
class Settings:
    """Settings of a sampling run, checked.

    Attributes
    ----------
    draws, tune, chains : int
        Draws kept and discarded per chain, and chains.
    cores : int or None
        Chains run at once; None for as many as there are processors, at most 4.
    random_seed : int
        Recorded with the draws.
    target_accept : float
        NUTS's target acceptance; larger is smaller steps.
    nuts_sampler : str
        Which implementation of NUTS runs PyMC's model.
    progressbar : bool
        Whether progress is shown.
    thin : int
        Every how many draws one is kept.
    keep_effects : bool
        Whether the effects of the largest factor are kept; else they are drawn when they are read.
    """

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    cores: int | None = None
    random_seed: int = 0
    target_accept: float = 0.8
    nuts_sampler: NutsSampler = "nutpie"
    progressbar: bool = True
    thin: int = 1
    keep_effects: bool = True

    @property
    def careful_target_accept(self) -> float:
        """A quarter of the distance to 1: 0.95 for 0.8."""
        return 1 - (1 - self.target_accept) / 4


def make_settings(
    draws: int = Settings.draws,
    tune: int | None = None,
    chains: int = Settings.chains,
    cores: int | None = None,
    random_seed: int | np.random.Generator | None = None,
    target_accept: float | None = None,
    nuts_sampler: NutsSampler | None = None,
    progressbar: bool = True,
) -> Settings:
    """Settings from what a user passed; the seed is drawn where none was given, so that it can be recorded.

    Raises
    ------
    HierkitError
        For a number or a name outside its range.
    """
    check_count("draws", draws)
    check_count("chains", chains)
    if draws * chains == 1:
        raise refusal("draws=1 and chains=1", "One draw says nothing of a distribution", "Pass draws=1000 and chains=4")
    if tune is not None:
        check_count("tune", tune)
    if cores is not None:
        check_count("cores", cores)
    if target_accept is not None and not (isinstance(target_accept, Real) and 0 < target_accept < 1):
        raise refusal(f"target_accept={target_accept!r}", "It lies between 0 and 1", "Try 0.95")
    if nuts_sampler is not None:
        check_word("nuts_sampler", nuts_sampler, get_args(NutsSampler))
    return Settings(
        draws=int(draws),
        tune=Settings.tune if tune is None else int(tune),
        chains=int(chains),
        cores=cores,
        random_seed=read_seed(random_seed),
        target_accept=float(target_accept or Settings.target_accept),
        nuts_sampler=nuts_sampler or Settings.nuts_sampler,
        progressbar=progressbar,
    )


def check_count(name: str, value: int) -> None:
    """Refuse what is no whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise refusal(f"{name}={value!r}", f"{name} is a whole number of at least 1", f"Pass {name}=1000 or the like")


def read_seed(given: int | np.random.Generator | None) -> int:
    """A seed from what a user passed; drawn if nothing was, or from a Generator."""
    if given is None or isinstance(given, np.random.Generator):
        return int(np.random.default_rng(given).integers(2**31))
    if isinstance(given, int | np.integer) and 0 <= given < LARGEST_SEED:
        return int(given)
    allowed = "It is a whole number from 0 to 2**63 - 1, a numpy Generator or None"
    raise refusal(f"random_seed={given!r}", allowed, "Pass a whole number such as 1")
