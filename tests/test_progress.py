"""A line that counts, where something takes long."""

import sys
import time
from typing import Any

import pytest

from hierkit import progress


class Terminal:
    """What is written to a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: Any) -> Terminal:
    """Standard error from here on; pytest puts its own there after each fixture."""
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    return made


def test_what_takes_long_is_counted(monkeypatch: Any) -> None:
    """The line is written anew every tenth of a second."""
    seen = terminal(monkeypatch)
    monkeypatch.setattr(progress, "WAIT", 0.1)
    done = []
    for item in progress.counted("abc", "logo", 3):
        time.sleep(0.15)
        done.append(item)
    assert done == ["a", "b", "c"]
    assert "logo" in seen.text
    assert "/3" in seen.text


def test_what_is_quick_has_no_line(monkeypatch: Any) -> None:
    seen = terminal(monkeypatch)
    assert list(progress.counted(range(3), "logo", 3)) == [0, 1, 2]
    assert seen.text == ""


def test_a_file_has_no_line(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(progress, "WAIT", 0.0)
    list(progress.counted(range(3), "logo", 3))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("shown", [True, False])
def test_a_line_that_was_asked_for_is_there_at_once(capsys: Any, shown: Any) -> None:
    with progress.counting("studies", 2, shown) as advance:
        advance()
    assert ("studies" in capsys.readouterr().err) == shown
