"""Labels of groups and levels in messages."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

SHOWN = 5


def some(labels: Sequence[Any], shown: int = SHOWN) -> str:
    """The first of several labels, and how many more there are: `'a', 'b' and 3 more`."""
    first = ", ".join(repr(label) if isinstance(label, str) else in_text(label) for label in list(labels)[:shown])
    return first + (f" and {len(labels) - shown} more" if len(labels) > shown else "")


def in_text(label: Any) -> str:
    """A label as text, the same for 5, 5.0 and "5", and for a day in any type."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    if isinstance(label, np.datetime64):
        label = pd.Timestamp(label)
    return str(label).removesuffix(" 00:00:00")
