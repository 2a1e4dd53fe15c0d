"""How long and how to sample."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from hierkit.errors import refusal


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
    """

    SAMPLERS: ClassVar = ("nutpie", "pymc", "numpyro", "blackjax")

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    cores: int | None = None
    random_seed: int = 0
    target_accept: float = 0.8
    nuts_sampler: str = "nutpie"
    progressbar: bool = True
    thin: int = 1

    @property
    def careful_target_accept(self) -> float:
        """A quarter of the distance to 1: 0.95 for 0.8."""
        return 1 - (1 - self.target_accept) / 4


def make_settings(
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | np.random.Generator | None = None,
    target_accept: float | None = None,
    nuts_sampler: str | None = None,
    progressbar: bool = True,
) -> Settings:
    """Settings from what a user passed; the seed is drawn where none was given, so that it can be recorded.

    Raises
    ------
    HierkitError
        For a number or a name outside its range.
    """
    for name, value in {"draws": draws, "tune": tune, "chains": chains, "cores": 1 if cores is None else cores}.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise refusal(f"{name}={value!r}", f"{name} is a whole number of at least 1", "Correct it")
    if target_accept is not None and not (isinstance(target_accept, Real) and 0 < target_accept < 1):
        raise refusal(f"target_accept={target_accept!r}", "It lies between 0 and 1", "Try 0.95")
    if nuts_sampler is not None and nuts_sampler not in Settings.SAMPLERS:
        allowed = ", ".join(map(repr, Settings.SAMPLERS))
        raise refusal(f"nuts_sampler={nuts_sampler!r}", f"It is one of {allowed}", "Choose one")
    if random_seed is None or isinstance(random_seed, np.random.Generator):
        seed = int(np.random.default_rng(random_seed).integers(2**31))
    elif isinstance(random_seed, int | np.integer) and random_seed >= 0:
        seed = int(random_seed)
    else:
        raise refusal(f"random_seed={random_seed!r}", "It is a whole number, a numpy Generator or None", "Correct it")
    return Settings(
        int(draws),
        int(tune),
        int(chains),
        cores,
        seed,
        float(target_accept or 0.8),
        nuts_sampler or "nutpie",
        progressbar,
    )
