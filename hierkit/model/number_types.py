"""Booleans and whole numbers in the types in which formulae gives them their meaning in R."""

import numpy as np
import pandas as pd

from hierkit.model.syntax import Node, columns_in_powers, plain_columns

LARGEST_INTEGER = 1_000_000  # products of three stay exact; of larger ones they would wrap around


def as_formulae_needs(frame: pd.DataFrame, trees: list[Node]) -> pd.DataFrame:
    """Booleans as the categories that they are in R, or as 0 and 1 in arithmetic; large whole numbers as floats."""
    words = {name for tree in trees for name in plain_columns(tree)}
    powers = {name for tree in trees for name in columns_in_powers(tree)}
    changed: dict[str, pd.Series] = {}
    for name, values in ((str(name), values) for name, values in frame.items()):
        if values.dtype == bool and name in words:
            changed[name] = pd.Series(pd.Categorical(values, categories=[False, True], ordered=True))
        elif values.dtype == bool:
            changed[name] = values.astype(np.int64)
        elif values.dtype.kind in "iu" and (name in powers or values.abs().max() > LARGEST_INTEGER):
            changed[name] = values.astype(np.float64)
    return frame.assign(**changed)
