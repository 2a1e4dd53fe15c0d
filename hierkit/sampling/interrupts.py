"""Ctrl-C during sampling ends in KeyboardInterrupt, not in half of the draws."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


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
    message = "Sampling was interrupted. No draws were kept."
    try:
        yield
    except BaseException:
        if pressed.is_set():
            raise KeyboardInterrupt(message) from None
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)
    if pressed.is_set():
        raise KeyboardInterrupt(message)
