"""The refusal of a file that is damaged, or no table."""

from pathlib import Path

from hierkit.errors import HierkitError, refusal


def cannot_read(path: str | Path, error: Exception) -> HierkitError:
    """What is raised instead of a library's own error."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return refusal(
        f"{str(path)!r} cannot be read: {reason}",
        "Each file must be a whole table",
        "Open it to see what it holds, write it again, or leave it out",
    )
