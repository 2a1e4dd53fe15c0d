"""Text whose control characters are seen and not obeyed: labels come from anywhere, and terminals and pages obey."""

import re

# controls but tab and newline, marks of direction, and halves of characters
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SYMBOLS = 0x2400  # of the controls up to 0x1f, one after the other
DELETE = 0x7F


def visible(text: str) -> str:
    """The text with a symbol in the place of each such character: ␛ of an escape, � of those without one."""
    return OBEYED.sub(_symbol, text)


def _symbol(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < ord(" "):
        return chr(SYMBOLS + code)
    return "\N{SYMBOL FOR DELETE}" if code == DELETE else "\N{REPLACEMENT CHARACTER}"
