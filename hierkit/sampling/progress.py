"""How far the sampler is, in one line of a terminal or a notebook, which stays as a record."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tqdm import tqdm

from hierkit.sampling.settings import Settings

Update = Callable[[Sequence[Any]], None]


@contextlib.contextmanager
def progress(engine: str, settings: Settings) -> Iterator[Update]:
    """A line on stderr with the draws so far, tuning included.

    Parameters
    ----------
    engine : str
        Its first word.
    settings : Settings
        How many draws to expect, and whether to show anything.

    Yields
    ------
    callable
        Takes nutpie's progress of the chains.
    """
    total = settings.chains * (settings.draws + settings.tune)
    with tqdm(total=total, desc=engine, unit=" draws", disable=not settings.progressbar) as line:

        def update(chains: Sequence[Any]) -> None:
            line.n = sum(chain.finished_draws for chain in chains)
            line.refresh()

        yield update
        line.n = total


@contextlib.contextmanager
def explaining_a_wait(message: str, shown: bool, seconds: float = 8.0) -> Iterator[None]:
    """Say on stderr why nothing happens, if what is done inside takes longer than some seconds."""
    timer = threading.Timer(seconds, lambda: print(message, file=sys.stderr, flush=True))
    if shown:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
