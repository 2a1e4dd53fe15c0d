"""Work on all cores that the process may use, for functions that release Python's lock."""

import os
from collections.abc import Callable, Sequence
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
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_cores()) as threads:
        return list(counted(threads.map(work, items), what, len(items)))
