"""Warnings that are silenced in one thread are heard in another."""

import threading
import warnings

import pytest

from hierkit.errors import HierkitWarning, SamplingWarning, silencing, warn


def test_one_category_is_silenced_and_others_are_not() -> None:
    with silencing(SamplingWarning):
        warn("unheard", SamplingWarning)
        with pytest.warns(HierkitWarning, match="heard"):
            warn("heard")
    with pytest.warns(SamplingWarning, match="heard again"):
        warn("heard again", SamplingWarning)


def test_another_thread_is_not_silenced() -> None:
    heard: list[str] = []

    def other() -> None:
        with pytest.raises(SamplingWarning, match="from the other thread"):
            warn("from the other thread", SamplingWarning)
        heard.append("done")

    with warnings.catch_warnings(), silencing(SamplingWarning):
        warnings.simplefilter("error")
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert heard == ["done"]
