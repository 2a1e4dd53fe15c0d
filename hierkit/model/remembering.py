"""Functions of a formula that depend on all fitted rows, and remember them: scale, ave, ns, mean and others.

Each is a class: formulae makes one object of it for each call in a formula, and calls that for the fitted rows first.
What it has found there holds for new rows.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.interpolate import BSpline

from hierkit.arrays import Array


def plain(x: Any) -> Any:
    """Values as an array, labels as themselves."""
    return np.asarray(x.astype(object) if isinstance(getattr(x, "dtype", None), pd.CategoricalDtype) else x)


class WithMemory:
    """What formulae takes for a function with memory."""

    __stateful_transform__ = True


class Scale(WithMemory):
    """scale(x): (x - mean) / sd, the sd with n - 1; either may be left out, or be a number."""

    def __init__(self) -> None:
        self.moments: tuple[Any, Any] | None = None

    def __call__(self, x: Any, center: Any = True, scale: Any = True) -> Any:
        """(row,), x less its place, over its size."""
        values = np.asarray(x, dtype=float)
        if self.moments is None:
            place = np.mean(values) if center is True else center
            left = values - place if center is not False else values
            # without centring R divides by the root mean square
            size = np.sqrt((left**2).sum() / (len(left) - 1)) if scale is True else scale
            self.moments = (0.0 if center is False else place, 1.0 if scale is False else size)
        return (values - self.moments[0]) / self.moments[1]


class Average(WithMemory):
    """ave(x, g): in each row the mean of x over the fitted rows of its group, or over the new rows of a new one."""

    def __init__(self) -> None:
        self.means: pd.Series | None = None

    def __call__(self, x: Any, *groups: Any) -> Any:
        """(row,), the mean of each row's group."""
        values = pd.Series(np.asarray(x, dtype=float))
        labels = pd.Series(list(zip(*(plain(one).tolist() for one in groups), strict=True)) or [()] * len(values))
        found = values.groupby(labels).transform("mean")
        if self.means is None:
            self.means = values.groupby(labels).mean()
        return labels.map(self.means).fillna(found).to_numpy(dtype=float)


class Summary(WithMemory):
    """One number of the fitted rows, as in I(x - mean(x))."""

    def __init__(self, of: Callable[[Array], Any]) -> None:
        self.of = of
        self.value: float | None = None

    def __call__(self, x: Any) -> float:
        """The number of the first x that it was called with."""
        if self.value is None:
            self.value = float(self.of(np.asarray(x, dtype=float)))
        return self.value


class Largest(Summary):
    """max(x)."""

    def __init__(self) -> None:
        super().__init__(np.max)


class Mean(Summary):
    """mean(x)."""

    def __init__(self) -> None:
        super().__init__(np.mean)


class Median(Summary):
    """median(x)."""

    def __init__(self) -> None:
        super().__init__(np.median)


class Smallest(Summary):
    """min(x)."""

    def __init__(self) -> None:
        super().__init__(np.min)


class StandardDeviation(Summary):
    """sd(x), with n - 1."""

    def __init__(self) -> None:
        super().__init__(_sd)


def _sd(x: Array) -> float:
    return float(np.std(x, ddof=1))


class NaturalSpline(WithMemory):
    """R's splines::ns: cubic splines that are straight beyond the boundary knots, the knots at quantiles of x."""

    def __init__(self) -> None:
        self.knots: Array | None = None

    def __call__(
        self, x: Any, df: int | None = None, knots: Any = None, intercept: bool = False, Boundary_knots: Any = None
    ) -> Array:
        """(row, df), the basis, whose columns are those that R makes."""
        values = np.asarray(x, dtype=float)
        if self.knots is None:
            inner = _inner_knots(values, df, knots, 1 + int(intercept), Boundary_knots)
            ends = [values.min(), values.max()] if Boundary_knots is None else list(Boundary_knots)
            self.knots = np.concatenate([[ends[0]] * 4, inner, [ends[1]] * 4])
        low, high = self.knots[0], self.knots[-1]
        basis = _splines(values, self.knots)
        for end, beyond in ((low, values < low), (high, values > high)):
            slopes = _splines(np.array([end]), self.knots, 1)
            basis[beyond] = _splines(np.array([end]), self.knots) + np.outer(values[beyond] - end, slopes)
        bends = np.vstack([_splines(np.array([end]), self.knots, 2) for end in (low, high)])
        if not intercept:
            basis, bends = basis[:, 1:], bends[:, 1:]
        rotation = np.linalg.qr(bends.T, mode="complete")[0]
        return np.asarray(basis @ rotation[:, 2:])


def _inner_knots(values: Array, df: int | None, knots: Any, fixed: int, ends: Any) -> Array:
    if knots is not None:
        return np.atleast_1d(np.asarray(knots, dtype=float))
    if df is None:
        return np.empty(0)
    count = df - fixed
    if count < 0:
        raise ValueError(f"df={df} is too small; it must be at least {fixed}")
    inside = values if ends is None else values[(values >= min(ends)) & (values <= max(ends))]
    return np.asarray(np.quantile(inside, np.linspace(0, 1, count + 2)[1:-1]))


def _splines(x: Array, knots: Array, derivative: int = 0) -> Array:
    """(row, basis function), cubic B-splines or a derivative of them; at the last knot as to its left."""
    count = len(knots) - 4
    inside = np.clip(x, knots[0], knots[-1])
    return np.asarray(BSpline(knots, np.eye(count), 3)(inside, nu=derivative)).reshape(len(x), count)
