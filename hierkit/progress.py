"""One line on the console that counts what is done, for what takes longer than a user likes to wait in the dark."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator

WAIT = 2.0  # seconds before the line appears


@contextlib.contextmanager
def counting(what: str, total: int, shown: bool | None = None) -> Iterator[Callable[[], None]]:
    """A line on stderr that counts tasks; yields what is called after each.

    Parameters
    ----------
    what : str
        Its first word.
    total : int
        How many tasks there are.
    shown : bool, optional
        Whether there is a line from the beginning. If not given there is one after two seconds, in a terminal or a
        notebook: what is written to a file has none.
    """
    from tqdm import tqdm  # many processes count nothing

    disable = has_no_console() or (None if shown is None else not shown)
    with tqdm(total=total, desc=what, disable=disable, delay=WAIT if shown is None else 0, leave=shown is True) as line:

        def advance() -> None:
            line.update()

        yield advance


def has_no_console() -> bool:
    """Whether nothing can be said on stderr, as where a program has no window."""
    return sys.stderr is None


def counted[Item](items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """The items one after the other, with a line that counts those that are done once they take two seconds."""
    with counting(what, total) as advance:
        for item in items:
            yield item
            advance()
