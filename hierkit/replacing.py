"""A file that is written beside another and takes its place when it is complete."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from hierkit.errors import refusal

OWN = 0o600  # what is needed to write it
LONGEST = 40  # letters of a name that the temporary one repeats


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """The path of an empty file in the same folder, which replaces the one at `path` if nothing is raised.

    A link is followed. The new file has the permissions of the one that it replaces, or else those of any new file, and
    is on the disk when it takes its place. After an error nothing of it is left; after a kill, a hidden file that ends
    in `.part` may be.

    Raises
    ------
    HierkitError
        For a folder, a folder that does not exist, and what is no file, such as a device.
    OSError
        Where nothing can be written.
    """
    target = writable(path)
    temporary = target.with_name(f".{target.name[:LONGEST]}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        mode = (target if target.exists() else temporary).stat().st_mode & 0o777
        temporary.chmod(mode | OWN)
        yield temporary
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def writable(path: str | Path) -> Path:
    """Where a file of this name is written, links followed; refused before anything is computed for it."""
    given = str(path)
    target = Path(path).resolve()
    if not given or target.is_dir():
        raise refusal(f"{given!r} is a folder", "Results go into files", "Name a file in it")
    if target.exists() and not target.is_file():
        raise refusal(f"{given!r} is a device or a pipe", "Results replace files", "Name a file")
    if not target.parent.is_dir():
        raise refusal(
            f"There is no folder {str(Path(path).parent)!r}", "Files go into folders that exist", "Make it first"
        )
    return target
