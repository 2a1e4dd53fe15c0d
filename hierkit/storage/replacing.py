"""A file that is written beside another and takes its place when it is complete."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The path of an empty file in the same folder, which replaces the one at `path` if nothing is raised.

    It has the permissions of the file that it replaces, or else those of any new file. After an error nothing of it is
    left; after a kill, a hidden file that ends in `.part` may be.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(_mode(path))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced; of a new one, those that any new file beside it gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        beside.touch()
        return beside.stat().st_mode & 0o777
    finally:
        beside.unlink(missing_ok=True)
