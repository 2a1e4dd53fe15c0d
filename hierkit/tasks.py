"""Independent tasks on all cores of this machine, or on the Dask cluster that a client is connected to.

What a task gives does not depend on where it runs: what tells it from others, a seed among it, is in its item, and
linear algebra has one thread everywhere, so that it rounds alike.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any, NoReturn

from threadpoolctl import threadpool_limits

from hierkit.cores import one_blas_thread, usable_cores, waiting_for
from hierkit.errors import HierkitError, refusal
from hierkit.progress import counting

MEMORY = "Processes die of too little memory more often than of anything else"


def in_threads[Item, Result](
    task: Callable[[Item], Result], items: Sequence[Item], what: str, progressbar: bool | None
) -> list[Result]:
    """What the task gives for each item, in their order; for tasks that mostly release Python's lock.

    Parameters
    ----------
    task : callable
        What is done; it and the items are sent to the workers of a cluster, if there is one.
    items : sequence
        One for each task.
    what : str
        The first word of the line of progress.
    progressbar : bool, optional
        Whether it is shown; if not given, in a terminal or a notebook after two seconds.
    """
    return _collected(partial(_on_cluster, _raise) if _client() else _in_threads, task, items, what, progressbar)


def in_turn[Item, Result](task: Callable[[Item], Result], items: Sequence[Item], what: str) -> list[Result]:
    """As `in_threads`, for tasks that use all cores each: one after the other without a cluster."""
    return _collected(partial(_on_cluster, _raise) if _client() else map, task, items, what, None)


def in_processes[Item, Result](
    task: Callable[[Item], Result],
    items: Sequence[Item],
    what: str,
    progressbar: bool | None,
    lost: Callable[[HierkitError], Result] | None = None,
) -> list[Result]:
    """As `in_threads`, for tasks that hold the lock: processes take seconds to start.

    `lost` makes a result of what is wrong with a task that took the workers down which it was given to; without it the
    error is raised.
    """
    run = partial(_on_cluster, _raise if lost is None else lost) if _client() else _in_processes
    return _collected(run, task, items, what, progressbar)


def _raise(error: HierkitError) -> NoReturn:
    raise error


def _collected[Item, Result](
    run: Callable[..., Iterator[Result]],
    task: Callable[[Item], Result],
    items: Sequence[Item],
    what: str,
    progressbar: bool | None,
) -> list[Result]:
    done = []
    with counting(what, len(items), progressbar) as advance:
        for result in run(task, items):
            done.append(result)
            advance()
    return done


def _in_a_worker[Item, Result](task: Callable[[Item], Result], caller: int, item: Item) -> Result:
    if os.getpid() != caller:  # a cluster may have its workers in the caller's own process, which stays as it is
        threadpool_limits(1, "blas")  # for as long as the worker lives: its tasks may overlap
    return task(item)


def _end_with(caller: int) -> None:
    """End this process soon after the one that started it, which may be killed."""

    def watch() -> None:
        while os.getppid() == caller:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="hierkit-watch", daemon=True).start()


def _in_threads[Item, Result](task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    with one_blas_thread(), waiting_for(ThreadPoolExecutor(usable_cores())) as threads:
        for future in [threads.submit(task, item) for item in items]:
            yield future.result()


def _in_processes[Item, Result](task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    if min(usable_cores(), len(items)) < 2:
        with one_blas_thread():
            yield from map(task, items)
        return
    from joblib import Parallel, delayed  # a fit alone does not need it

    calls = (delayed(_in_a_worker)(task, os.getpid(), item) for item in items)
    starting = {"initializer": _end_with, "initargs": (os.getpid(),)}
    try:
        yield from Parallel(min(usable_cores(), len(items)), return_as="generator", **starting)(calls)
    except BrokenProcessPool:
        raise refusal("A process was killed while it worked on a task", MEMORY, "Work on fewer rows at once") from None


def _on_cluster[Item, Result](
    lost: Callable[[HierkitError], Result], task: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[Result]:
    from distributed import KilledWorker

    futures = _client().map(partial(_in_a_worker, task, os.getpid()), items, pure=False)
    try:
        for future in futures:
            try:
                yield future.result()
            except KilledWorker as error:
                what = f"Every worker that a task was given to died, {error.allowed_failures + 1} in all"
                yield lost(refusal(what, MEMORY, "Give workers more memory, or work on fewer rows at once"))
    finally:
        for future in futures:
            future.release()


def _client() -> Any:
    """The Dask client of this process; None where there is none."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.Client.current(allow_global=True)
    except ValueError:
        return None
