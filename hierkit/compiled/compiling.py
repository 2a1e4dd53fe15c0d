"""How functions are compiled: once per machine, without Python's lock."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numba

from hierkit.errors import warn


def kernel[F: Callable[..., Any]](function: F) -> F:
    """Compile, once per machine, without Python's lock and without exceptions from arithmetic.

    Without `fastmath=False` a kernel would take over the setting of whichever function first calls it.
    """
    return kept(partial(numba.njit, nogil=True, error_model="numpy", fastmath=False, forceinline=True), function)


def part[F: Callable[..., Any]](function: F) -> F:
    """Make a function a part of the kernels that call it, which are compiled with it in one piece.

    For the long functions between a log posterior and its loops: numba would compile each by itself, and then each
    again with all that calls it.
    """
    return kept(partial(numba.njit, nogil=True, error_model="numpy", fastmath=False, inline="always"), function)


def row_kernel[F: Callable[..., Any]](function: F) -> F:
    """Compile as `kernel` does, free to reorder sums; infinities and not-a-numbers still pass as they are."""
    reorder = {"contract", "reassoc", "arcp", "nsz", "afn"}
    return kept(partial(numba.njit, nogil=True, error_model="numpy", fastmath=reorder, forceinline=True), function)


def series_kernel[F: Callable[..., Any]](function: F) -> F:
    """Compile as `kernel` does, with a product and a sum as one operation, which rounds once: for series."""
    return kept(partial(numba.njit, nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True), function)


def kept[F: Callable[..., Any]](compiler: Callable[..., Callable[[F], F]], function: F) -> F:
    """Compile with the result kept in a file for the next process; without, where none can be written."""
    try:
        return compiler(cache=True)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        _say_that_nothing_is_kept()
        return compiler()(function)


@cache
def _say_that_nothing_is_kept() -> None:
    warn(
        "Compiled code cannot be kept, because no folder for it can be written: each process compiles anew, for "
        "up to half a minute. Set NUMBA_CACHE_DIR to a folder that can be written."
    )
