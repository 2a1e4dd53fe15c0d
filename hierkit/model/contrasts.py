"""Codings of categories that formulae does not have: R's polynomial and Helmert contrasts."""

from typing import Any

import numpy as np
from formulae.categorical import ContrastMatrix, Encoding, Sum, Treatment

from hierkit.arrays import Array


class _Contrasts(Encoding):  # type: ignore[misc]
    """A coding of which each level has its row of a matrix, and in full one column per level."""

    def code_with_intercept(self, levels: list[Any]) -> ContrastMatrix:
        return _indicators(levels)

    def code_without_intercept(self, levels: list[Any]) -> ContrastMatrix:
        return ContrastMatrix(*self._contrasts(len(levels)))

    def _contrasts(self, n: int) -> tuple[Array, list[str]]:
        raise NotImplementedError


class Poly(_Contrasts):
    """contr.poly: orthonormal polynomials of the levels' places, linear (.L), quadratic (.Q), cubic (.C), ^4, ..."""

    def _contrasts(self, n: int) -> tuple[Array, list[str]]:
        places = np.arange(n) - (n - 1) / 2
        basis, signs = np.linalg.qr(places[:, None] ** np.arange(n))
        columns = basis[:, 1:] * np.sign(np.diag(signs)[1:])
        return columns, [*(".L", ".Q", ".C"), *(f"^{power}" for power in range(4, n))][: n - 1]


class Helmert(_Contrasts):
    """contr.helmert: each level from the second on with the mean of those before it."""

    def _contrasts(self, n: int) -> tuple[Array, list[str]]:
        columns = np.zeros((n, n - 1))
        for k in range(1, n):
            columns[:k, k - 1] = -1
            columns[k, k - 1] = k
        return columns, [str(k) for k in range(1, n)]


class Deviation(Sum):  # type: ignore[misc]
    """contr.sum: each level but the last with the mean of all; in full one column per level."""

    def code_with_intercept(self, levels: list[Any]) -> ContrastMatrix:
        """A column for each level."""
        return _indicators(levels)


def _indicators(levels: list[Any]) -> ContrastMatrix:
    return ContrastMatrix(np.eye(len(levels), dtype=int), [str(level) for level in levels])


# the words for them, each with what formulae is told
WORDS_OF_CODINGS = {
    "Sum": "Sum",
    "Treatment": "Treatment",
    "Helmert": "Helmert",
    "Poly": "Poly",
    "contr.helmert": "Helmert",
    "contr.poly": "Poly",
    "contr.sum": "Deviation",
    "contr.treatment": "Treatment",
    "helmert": "Helmert",
    "poly": "Poly",
    "sum": "Deviation",
    "treatment": "Treatment",
}
CODINGS = {"Deviation": Deviation, "Helmert": Helmert, "Poly": Poly, "Sum": Sum, "Treatment": Treatment}
