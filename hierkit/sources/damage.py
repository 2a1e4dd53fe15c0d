"""The refusal of a file that is damaged, or no table."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from hierkit.errors import HierkitError, refusal

OF_DAMAGE = (OSError, LookupError, ValueError, TypeError, AttributeError, OverflowError)
OF_TEXT = (".csv", ".tsv")


def cannot_read(path: str | Path, error: Exception) -> HierkitError:
    """What is raised instead of a library's own error."""
    if isinstance(error, UnicodeError) and Path(path).suffix.lower() in OF_TEXT:
        return refusal(
            f"{str(path)!r} is not text in UTF-8 ({error})",
            "A .csv or .tsv is read as UTF-8",
            "Save it as UTF-8, or pass the table that pandas.read_csv reads with its encoding, such as 'latin-1'",
        )
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return refusal(
        f"{str(path)!r} cannot be read: {reason}",
        "Each file must be a whole table",
        "Open it to see what it holds, write it again, or leave it out",
    )


@contextlib.contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Refuse what Arrow and the system cannot read, and the notes of a damaged file that pandas stumbles over."""
    pyarrow = sys.modules["pyarrow"]
    try:
        yield
    except HierkitError:
        raise
    except (*OF_DAMAGE, pyarrow.ArrowException) as error:
        raise cannot_read(path, error) from error
