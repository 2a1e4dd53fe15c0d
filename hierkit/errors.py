"""hierkit's error and its two warnings.

Every refusal has one shape: what was given, what is allowed, what to do. `refusal` builds it, so that a message
without advice cannot be written by accident.
"""

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from hierkit.visible import visible

_FILTERS = threading.RLock()
_SILENCED: ContextVar[type[Warning] | None] = ContextVar("silenced", default=None)


class HierkitError(ValueError):
    """A request that cannot be carried out; the message names the column, level or term, and the way out."""


class HierkitWarning(UserWarning):
    """Something was done that the user may not have meant; the message says what."""


class SamplingWarning(HierkitWarning):
    """The draws may not represent the posterior; the message says which check failed and what to do."""


def refusal(given: str, allowed: str, advice: str) -> HierkitError:
    """The error for a refused request, as three sentences.

    Parameters
    ----------
    given, allowed, advice : str
        What was found, what would be accepted, and what to do; each a sentence without its full stop.

    Returns
    -------
    HierkitError
        To be raised by the caller.
    """
    return HierkitError(visible(f"{given}. {allowed}. {advice}" + ("" if advice.endswith("?") else ".")))


def check_word(name: str, given: object, allowed: Sequence[str]) -> None:
    """Refuse a value of an argument that is none of the words it can be."""
    if given not in allowed:
        words = ", ".join(map(repr, allowed))
        raise refusal(f"{name}={given!r}", f"It is one of {words}", f"Pass {name}={allowed[0]!r}, or another of them")


def warn(message: str, category: type[HierkitWarning] = HierkitWarning) -> None:
    """Warn at the line outside this package that led here, unless such warnings are silenced."""
    silenced = _SILENCED.get()
    if silenced is not None and issubclass(category, silenced):
        return
    warnings.warn(visible(message), category, skip_file_prefixes=(str(Path(__file__).parent),))


@contextmanager
def silencing(category: type[HierkitWarning]) -> Iterator[None]:
    """Leave warnings of one category out, in this thread alone: the filters of `warnings` are those of all threads."""
    token = _SILENCED.set(category)
    try:
        yield
    finally:
        _SILENCED.reset(token)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Leave all warnings out, those of libraries too; one thread at a time, because the filters are those of all."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
