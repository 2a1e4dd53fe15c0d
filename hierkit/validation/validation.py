"""Log scores of what was left out, and their sum with its standard error."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.arrays import Array
from hierkit.model.outcome import Outcome
from hierkit.posterior.quantity import Quantity


@dataclass(frozen=True, eq=False, repr=False)
class Validation(Quantity):
    """Log scores of what was left out, one at a time.

    Attributes
    ----------
    draws : xarray.Dataset
        (row,) or (group,): `elpd`, log p of the row or of the group's rows given all others; `p`, what it lost by being
        left out; `pareto_k`; `refitted`, whether it comes from a new fit; `n`, the rows of a group, or the trials of a
        row of a frequency table, over which its `elpd` and `p` are sums.
    definition : str
        What was computed, with the sum and its standard error.
    left_out : str
        "row", or the label of the factor.
    outcome : Outcome
        What was predicted; models of the same outcome can be compared.
    rows, units : ndarray
        (row,), where each row stood in the table that was given, and with which others it was left out.
    good_k : float
        The Pareto k up to which importance sampling can be relied on.
    """

    left_out: str
    outcome: Outcome
    rows: NDArray[np.intp]
    units: NDArray[np.intp]
    good_k: float

    @property
    def unit(self) -> str:
        """What was left out, one at a time: "row", "trial" for a frequency table, or "group of team"."""
        if self.left_out != "row":
            return f"group of {self.left_out}"
        return "trial" if self.outcome.is_frequencies else "row"

    @property
    def elpd(self) -> float:
        """The sum over rows or groups: the larger, the better."""
        return float(self.draws["elpd"].sum())

    @property
    def se(self) -> float:
        """The standard error of `elpd` over other rows or groups of the same kind."""
        return standard_error(self.draws["elpd"].values, self.sizes)

    @property
    def sizes(self) -> Array:
        """(row,) or (group,), how many were left out one at a time: the trials of a row of a frequency table, or 1."""
        by_trial = self.left_out == "row" and self.outcome.is_frequencies
        return self.outcome.trials_of_each if by_trial else np.ones(self.draws["elpd"].size)

    @property
    def p(self) -> float:
        """The effective number of parameters."""
        return float(self.draws["p"].sum())

    @property
    def bad(self) -> int:
        """How many Pareto k are too large for what is left of importance sampling to be relied on."""
        return int((self.draws["pareto_k"] > self.good_k).sum())

    @property
    def _shown(self) -> pd.DataFrame:
        """The sum over rows, which are many; the table of groups."""
        if self.left_out != "row":
            return super()._shown
        total = {"elpd": self.elpd, "se": self.se, "p": self.p, "bad_k": self.bad}
        return pd.DataFrame({name: [value] for name, value in total.items()})

    @property
    def _rest(self) -> str:
        return "The scores of single rows: .table()" if self.left_out == "row" else super()._rest


def standard_error(sums: Array, sizes: Array) -> float:
    """That of a total of independent values: sqrt(n Var), the variance with n - 1 in its denominator.

    Vehtari, Gelman and Gabry (2017, eq. 23) have n - 1, and so has R's loo; ArviZ divides by n.

    Parameters
    ----------
    sums, sizes : ndarray
        (row,), the sum of equal values, and how many they are.
    """
    n = sizes.sum()
    if n <= 1:
        return np.nan
    values = np.divide(sums, sizes, out=np.zeros(len(sums)), where=sizes > 0)
    squares = sizes @ (values - sums.sum() / n) ** 2
    return float(np.sqrt(n * squares / (n - 1)))
