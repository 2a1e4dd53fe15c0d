"""Many simulations, each with a seed of its own."""

from collections.abc import Callable

from numpy.random import SeedSequence

from hierkit.tasks import in_threads


def many[Made](task: Callable[[int, int], Made], count: int, seed: int, what: str, progressbar: bool) -> list[Made]:
    """The results of so many tasks in their order: the same wherever they run.

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
    return in_threads(lambda item: task(*item), list(enumerate(seeds_from(seed, count))), what, progressbar)


def seeds_from(seed: int, count: int) -> list[int]:
    """So many seeds made from one, of which the first are the same for any count."""
    return [int(one.generate_state(1)[0]) for one in SeedSequence(seed).spawn(count)]
