import contextlib
import signal
import time
from types import SimpleNamespace
from typing import Any

import pytest

from hierkit.sampling.console import explaining_a_wait, progress, stop_if_interrupted, stopping_on_interrupt
from hierkit.sampling.settings import make_settings


def test_one_line_with_all_draws(capsys: Any) -> None:
    with progress("joint", make_settings(draws=50, tune=30, chains=2)) as update:
        update([SimpleNamespace(finished_draws=40), SimpleNamespace(finished_draws=10)])
    err = capsys.readouterr().err
    assert "joint" in err
    assert "50/160" in err
    assert "160/160" in err.splitlines()[-1]
    assert err.count("\n") == 1


def test_nothing_is_shown_if_nobody_asked(capsys: Any) -> None:
    with progress("joint", make_settings(progressbar=False)) as update:
        update([SimpleNamespace(finished_draws=40)])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("wait", "shown", "said"), [(0.5, True, "why\n"), (0.0, True, ""), (0.5, False, "")])
def test_a_long_wait_is_explained(capsys: Any, wait: Any, shown: Any, said: Any) -> None:
    with explaining_a_wait("why", shown, seconds=0.1):
        time.sleep(wait)
    assert capsys.readouterr().err == said


def test_without_a_console_nothing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("sys.stderr", None)
    with progress("joint", make_settings()) as update, explaining_a_wait("why", True, seconds=0.01):
        update([SimpleNamespace(finished_draws=40)])
        time.sleep(0.1)
    assert capsys.readouterr().out == ""  # where print() goes without a stderr


def test_nothing_is_made_of_draws_after_an_interrupt_that_the_sampler_kept() -> None:
    def sampler() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    def sample() -> None:
        with stopping_on_interrupt():
            sampler()
            stop_if_interrupted()
            pytest.fail("draws were used")

    with pytest.raises(KeyboardInterrupt, match=r"Sampling was interrupted\. No draws were kept\."):
        sample()
    stop_if_interrupted()
