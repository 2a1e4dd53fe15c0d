"""Methods that show the docstring of the function that they call."""

import inspect
import re
from collections.abc import Callable
from typing import Any


def documented_by[F: Callable[..., Any]](function: Callable[..., Any]) -> Callable[[F], F]:
    """Give a method the docstring of a function, without the parameters that the method does not have."""

    def decorate(method: F) -> F:
        kept = inspect.signature(method).parameters
        method.__doc__ = _only(inspect.getdoc(function) or "", kept)
        return method

    return decorate


def _only(text: str, kept: Any) -> str:
    """A numpydoc text, its section of parameters reduced to some."""
    before, found, rest = text.partition("Parameters\n----------\n")
    if not found:
        return text
    section, gap, after = _split(rest)
    entries = re.findall(r"^\S[^\n]*(?:\n(?:[ ]+[^\n]*|(?=\n)))*", section, flags=re.MULTILINE)
    shown = [entry.rstrip() for entry in entries if _names(entry) & set(kept)]
    return before + (found + "\n".join(shown) + gap if shown else "") + after


def _split(rest: str) -> tuple[str, str, str]:
    """The section of parameters, what separates it from the next one, and the rest."""
    end = re.search(r"\n\n(?=\w[\w ]*\n-+\n)", rest)
    return (rest[: end.start()], "\n\n", rest[end.end() :]) if end else (rest, "", "")


def _names(entry: str) -> set[str]:
    return {name.strip() for name in entry.split("\n")[0].split(":")[0].split(",")}
