"""Many independent tasks on all cores, each with a seed of its own, with a line of progress."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

from numpy.random import SeedSequence
from threadpoolctl import threadpool_limits

from hierkit.cores import usable_cores
from hierkit.progress import counting


def many[Made](task: Callable[[int, int], Made], count: int, seed: int, what: str, progressbar: bool) -> list[Made]:
    """The results of so many tasks in their order: the same whatever the number of cores.

    Parameters
    ----------
    task : callable
        The place of the task, and its seed -> result.
    count, seed : int
        How many, and from which the seeds of the tasks are made.
    what : str
        The first word of the line of progress.
    progressbar : bool
        Whether it is shown.
    """
    seeds = [int(one.generate_state(1)[0]) for one in SeedSequence(seed).spawn(count)]
    with (
        threadpool_limits(1, "blas"),
        counting(what, count, progressbar) as advance,
        ThreadPoolExecutor(usable_cores()) as threads,
    ):
        futures = [threads.submit(task, place, one) for place, one in enumerate(seeds)]
        try:
            for future in as_completed(futures):
                future.result()
                advance()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]
