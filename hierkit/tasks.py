"""Independent tasks, each in a process: of this machine, or of the Dask cluster that a client is connected to.

For work that holds Python's lock; what releases it runs in threads (`hierkit.cores`).
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hierkit.cores import usable_cores
from hierkit.progress import counting

RETRIES = 3  # of a task whose worker is lost


def in_processes[Item, Result](
    task: Callable[[Item], Result], items: Sequence[Item], what: str, progressbar: bool
) -> list[Result]:
    """What the task gives for each item, in their order.

    Parameters
    ----------
    task : callable
        What is done; it and the items are sent to the processes.
    items : sequence
        Whatever tells one task from another, a seed among it: results do not depend on where and when tasks run.
    what : str
        The first word of the line of progress.
    progressbar : bool
        Whether it is shown.
    """
    run = _on_cluster if _client() is not None else _on_this_machine
    done = []
    with counting(what, len(items), progressbar) as advance:
        for result in run(task, items):
            done.append(result)
            advance()
    return done


def _on_this_machine[Item, Result](task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    if min(usable_cores(), len(items)) < 2:
        yield from map(task, items)
        return
    from joblib import Parallel, delayed  # a fit alone needs it not

    yield from Parallel(usable_cores(), return_as="generator")(delayed(task)(item) for item in items)


def _on_cluster[Item, Result](task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    futures = _client().map(task, items, pure=False, retries=RETRIES)
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.release()


def _client() -> Any:
    """The Dask client of this process; None where there is none, and within one of its tasks."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.Client.current(allow_global=True)
    except ValueError:
        return None
