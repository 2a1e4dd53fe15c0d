"""Tasks in processes."""

import os

import pytest

from hierkit.tasks import in_processes


def square(x: int) -> int:
    if x < 0:
        raise ValueError("negative")
    return x * x


def process(_: int) -> int:
    return os.getpid()


def test_results_are_in_the_order_of_the_items() -> None:
    assert in_processes(square, range(20), "squares", False) == [x * x for x in range(20)]


def test_one_task_needs_no_other_process() -> None:
    assert in_processes(process, [1], "processes", False) == [os.getpid()]


def test_what_a_task_raises_is_raised_here() -> None:
    with pytest.raises(ValueError, match="negative"):
        in_processes(square, [1, -1, 2], "squares", False)
