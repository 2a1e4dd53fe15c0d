"""What a sampler raises when it cannot start or go on, in the user's words."""

import contextlib
from collections.abc import Iterator

from hierkit.errors import HierkitError, refusal

PANIC = "PanicException"  # of nutpie's Rust, which is no Exception


@contextlib.contextmanager
def refusing_what_nuts_raises() -> Iterator[None]:
    """Turn a sampler's error into a refusal: chains that find no finite density have data or priors as their cause."""
    try:
        with refusing_panics():
            yield
    except HierkitError:
        raise
    except (RuntimeError, ValueError) as error:
        raise _refused(error) from error


@contextlib.contextmanager
def refusing_panics() -> Iterator[None]:
    """The same of a panic alone: other errors may be of the libraries between here and the sampler."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise _refused(error) from error


def _refused(error: BaseException) -> HierkitError:
    return refusal(
        f"The sampler stopped: {str(error).strip().splitlines()[0]}",
        "The posterior density must be finite where chains start",
        "Look for extreme values in the outcome and the predictors, and check the priors",
    )
