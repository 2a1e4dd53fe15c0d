"""How far the sampler is, in one line of a terminal or a notebook, which stays as a record."""

import contextlib
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
