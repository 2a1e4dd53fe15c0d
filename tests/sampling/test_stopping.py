"""A sampler that cannot start is said so in words; Ctrl-C stays what it is."""

import pytest

from hierkit.errors import HierkitError, refusal
from hierkit.sampling.stopping import refusing_what_nuts_raises

PanicException = type("PanicException", (BaseException,), {})  # as nutpie's Rust raises


def stop(error: BaseException) -> None:
    with refusing_what_nuts_raises():
        raise error


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, PanicException])
def test_what_a_sampler_raises_is_a_refusal(kind: type[BaseException]) -> None:
    with pytest.raises(HierkitError, match=r"The sampler stopped: no point\. The posterior density must be finite"):
        stop(kind("no point\nbacktrace"))


def test_a_refusal_and_an_interrupt_are_left_alone() -> None:
    with pytest.raises(HierkitError, match=r"^one\. two\. three\.$"):
        stop(refusal("one", "two", "three"))
    with pytest.raises(KeyboardInterrupt):
        stop(KeyboardInterrupt())
