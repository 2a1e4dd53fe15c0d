"""Work on all cores that the process may use, for functions that release Python's lock."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from threadpoolctl import threadpool_limits

from hierkit.progress import counted


def usable_cores() -> int:
    """The cores that the process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def shares(count: int) -> list[slice]:
    """Slices of so many items, one for each core."""
    bounds = [count * place // usable_cores() for place in range(usable_cores() + 1)]
    return [slice(first, last) for first, last in pairwise(bounds)]


def on_all_cores[Item, Result](
    work: Callable[[Item], Result], items: Sequence[Item], what: str = "hierkit"
) -> list[Result]:
    """What the work gives for each item, in their order; linear algebra inside it has one thread.

    `what` is the first word of a line of progress, which appears after two seconds.
    """
    with one_blas_thread(), waiting_for(ThreadPoolExecutor(usable_cores())) as threads:
        return list(counted(threads.map(work, items), what, len(items)))


@contextlib.contextmanager
def waiting_for(threads: ThreadPoolExecutor) -> Iterator[ThreadPoolExecutor]:
    """Wait for all that the threads do; but after an error or Ctrl-C leave them to end by themselves."""
    try:
        yield threads
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        raise
    threads.shutdown()


class _Blas:
    """How many blocks want linear algebra to have one thread now, and how to undo it after the last."""

    lock = threading.Lock()
    blocks = 0
    limits: threadpool_limits | None = None


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Linear algebra has one thread inside; afterwards it has as many as before the first of overlapping blocks."""
    with _Blas.lock:
        if not _Blas.blocks:
            _Blas.limits = threadpool_limits(1, "blas")
        _Blas.blocks += 1
    try:
        yield
    finally:
        with _Blas.lock:
            _Blas.blocks -= 1
            if not _Blas.blocks and _Blas.limits is not None:
                _Blas.limits.restore_original_limits()
