"""Tasks in processes."""

import os
from typing import Any

import pytest

from hierkit.tasks import in_processes, in_threads

pytestmark = pytest.mark.usefixtures("processes")


def square(x: int) -> int:
    if x < 0:
        raise ValueError("negative")
    return x * x


def process(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("run", [in_threads, in_processes])
def test_results_are_in_the_order_of_the_items(run: Any) -> None:
    assert run(square, range(20), "squares", False) == [x * x for x in range(20)]


def test_tasks_have_processes_of_their_own() -> None:
    others = in_processes(process, range(20), "processes", False)
    assert os.getpid() not in others


def test_one_task_needs_no_other_process() -> None:
    assert in_processes(process, [1], "processes", False) == [os.getpid()]


@pytest.mark.parametrize("run", [in_threads, in_processes])
def test_what_a_task_raises_is_raised_here(run: Any) -> None:
    with pytest.raises(ValueError, match="negative"):
        run(square, [1, -1, 2], "squares", False)
