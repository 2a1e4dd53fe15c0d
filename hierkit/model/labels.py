"""Labels of groups and levels: how messages name them, and which look like numbers and are none."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

SHOWN = 5
LONGEST = 300  # letters of what a user wrote
LEADING_ZERO = re.compile(r"\s*[+-]?0\d")  # 007 is a label


def some(labels: Sequence[Any], shown: int = SHOWN) -> str:
    """The first of several labels, and how many more there are: `'a', 'b' and 3 more`."""
    first = ", ".join(repr(label) if isinstance(label, str) else in_text(label) for label in list(labels)[:shown])
    return first + (f" and {len(labels) - shown} more" if len(labels) > shown else "")


def shortened(text: str) -> str:
    """The beginning of a text that is too long for a message."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def in_text(label: Any) -> str:
    """A label as text, the same for 5, 5.0 and "5", and for a day in any type."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    if isinstance(label, np.datetime64):
        label = pd.Timestamp(label)
    return str(label).removesuffix(" 00:00:00")
