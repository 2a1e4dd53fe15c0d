"""Codings of categories that formulae does not have: R's polynomial and Helmert contrasts."""

from typing import Any

import numpy as np
from formulae.categorical import ContrastMatrix, Encoding, Sum, Treatment


class _InFull:
    """Codings that have one column per level where they are in full, as R's have."""

    def code_with_intercept(self, levels: list[Any]) -> ContrastMatrix:
        return ContrastMatrix(np.eye(len(levels), dtype=int), [str(level) for level in levels])


class Poly(_InFull, Encoding):  # type: ignore[misc]
    """contr.poly: orthonormal polynomials of the levels' places, linear (.L), quadratic (.Q), cubic (.C), ^4, ..."""

    def code_without_intercept(self, levels: list[Any]) -> ContrastMatrix:
        """(level, power)."""
        n = len(levels)
        places = np.arange(n) - (n - 1) / 2
        basis, signs = np.linalg.qr(places[:, None] ** np.arange(n))
        labels = [*(".L", ".Q", ".C"), *(f"^{power}" for power in range(4, n))][: n - 1]
        return ContrastMatrix(basis[:, 1:] * np.sign(np.diag(signs)[1:]), labels)


class Helmert(_InFull, Encoding):  # type: ignore[misc]
    """contr.helmert: each level from the second on with the mean of those before it."""

    def code_without_intercept(self, levels: list[Any]) -> ContrastMatrix:
        """(level, comparison)."""
        n = len(levels)
        columns = np.zeros((n, n - 1))
        for k in range(1, n):
            columns[:k, k - 1] = -1
            columns[k, k - 1] = k
        return ContrastMatrix(columns, [str(k) for k in range(1, n)])


class Deviation(_InFull, Sum):  # type: ignore[misc]
    """contr.sum: each level but the last with the mean of all."""


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
