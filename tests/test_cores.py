"""Work on all cores."""

import os
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from hierkit.cores import on_all_cores, one_blas_thread, shares, usable_cores


def test_results_are_in_the_order_of_the_items() -> None:
    assert on_all_cores(lambda i: i**2, range(50)) == [i**2 for i in range(50)]


def test_cores_that_the_process_may_not_use_are_not_used() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert usable_cores() == 1
        assert len(set(on_all_cores(lambda _: threading.get_ident(), range(20)))) == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert usable_cores() == len(allowed)


@pytest.mark.parametrize("count", [0, 1, 7, 4000])
def test_shares_are_all_of_it_once(count: int) -> None:
    assert [i for share in shares(count) for i in range(count)[share]] == list(range(count))
    assert len(shares(count)) == usable_cores()


def test_linear_algebra_inside_has_one_thread() -> None:
    np.linalg.inv(np.eye(2))
    (found,) = on_all_cores(
        lambda _: [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"], [0]
    )
    assert set(found) == {1}


def blas_threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_overlapping_blocks_leave_linear_algebra_as_it_was() -> None:
    np.linalg.inv(np.eye(2))
    before = blas_threads()
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == before


def test_an_error_does_not_wait_for_what_others_do() -> None:
    release = threading.Event()

    def work(item: int) -> None:
        if item == 0:
            raise KeyboardInterrupt
        release.wait(60)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        on_all_cores(work, range(2))
    release.set()
    assert time.monotonic() - start < 30
