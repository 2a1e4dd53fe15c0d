"""Tasks in processes."""

import os
from typing import Any

import dask
import distributed
import pytest

from hierkit.errors import HierkitError
from hierkit.tasks import in_processes, in_threads, in_turn

pytestmark = pytest.mark.usefixtures("processes")


def square(x: int) -> int:
    if x < 0:
        raise ValueError("negative")
    return x * x


def dying(x: int) -> int:
    if x < 0:
        os._exit(1)
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


@pytest.mark.filterwarnings("ignore:A worker stopped while some jobs were given to the executor")
def test_a_process_that_dies_is_said_to_have_died() -> None:
    with pytest.raises(HierkitError, match=r"A process was killed while it worked on a task\. Processes die of too"):
        in_processes(dying, [1, -1, 2], "squares", False)


def test_tasks_in_turn_are_done_one_after_the_other() -> None:
    assert in_turn(square, [3, 1, 2], "squares") == [9, 1, 4]


@pytest.mark.slow
def test_a_task_that_takes_workers_down_costs_only_its_own_result() -> None:
    """Two workers in turn die of it; a new one does the others."""
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    failures = dask.config.set({"distributed.scheduler.allowed-failures": 1})
    with failures, distributed.LocalCluster(**local) as cluster, distributed.Client(cluster):
        found = in_processes(dying, [1, -1, 2], "squares", False, lost=str)
        assert found[::2] == [1, 4]
        assert "Every worker that a task was given to died, 2 in all" in str(found[1])
        assert in_turn(square, [3, 1], "squares") == [9, 1]
        with pytest.raises(HierkitError, match="Give workers more memory"):
            in_threads(dying, [-1], "squares", False)
