"""The console while sampling: progress in one line, why nothing happens yet, and Ctrl-C."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from tqdm import tqdm

from hierkit.progress import has_no_console
from hierkit.sampling.settings import Settings

Update = Callable[[Sequence[Any]], None]
INTERRUPTED = "Sampling was interrupted. No draws were kept."
_PRESSED: ContextVar[threading.Event | None] = ContextVar("pressed", default=None)


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
    with tqdm(total=total, desc=engine, unit=" draws", disable=has_no_console() or not settings.progressbar) as line:

        def update(chains: Sequence[Any]) -> None:
            line.n = sum(chain.finished_draws for chain in chains)
            line.refresh()

        yield update
        line.n = total


@contextlib.contextmanager
def explaining_a_wait(message: str, shown: bool, seconds: float = 8.0) -> Iterator[None]:
    """Say on stderr why nothing happens, if what is done inside takes longer than some seconds."""
    timer = threading.Timer(seconds, lambda: print(message, file=sys.stderr, flush=True))
    if shown and not has_no_console():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def stopping_on_interrupt() -> Iterator[None]:
    """Make Ctrl-C end in KeyboardInterrupt: the samplers catch it and return the draws so far as if they were all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = threading.Event()

    def note(signum: int, frame: Any) -> None:
        pressed.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    own = _PRESSED.set(pressed)
    try:
        yield
    except BaseException:
        if pressed.is_set():
            raise KeyboardInterrupt(INTERRUPTED) from None
        raise
    finally:
        _PRESSED.reset(own)
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)
    if pressed.is_set():
        raise KeyboardInterrupt(INTERRUPTED)


def stop_if_interrupted() -> None:
    """Raise KeyboardInterrupt after Ctrl-C, which a sampler took for its end: nothing is made of its draws."""
    pressed = _PRESSED.get()
    if pressed is not None and pressed.is_set():
        raise KeyboardInterrupt(INTERRUPTED)
