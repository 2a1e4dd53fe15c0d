"""Numba kernels that go over rows: linear predictors, and what is summed back to coefficients and effects.

What is common to a predictor lies side by side, (column, row), so that the compiler does several rows at once.
"""

from hierkit.arrays import Array, Ints
from hierkit.compiled.compiling import row_kernel


@row_kernel
def add_columns(beta: Array, X: Array, eta: Array) -> None:
    """Add X' beta to eta, for X (column, row)."""
    for k in range(X.shape[0]):
        b = beta[k]
        for i in range(eta.shape[0]):
            eta[i] += b * X[k, i]


@row_kernel
def column_products(X: Array, r: Array, grad: Array) -> None:
    """Add X r to grad, for X (column, row)."""
    for k in range(X.shape[0]):
        s = 0.0
        for i in range(r.shape[0]):
            s += X[k, i] * r[i]
        grad[k] += s


@row_kernel
def add_effects(u: Array, Z: Array, codes: Ints, eta: Array) -> None:
    """Add each row's effects (effect, group) times Z (effect, row) to eta."""
    for k in range(Z.shape[0]):
        for i in range(eta.shape[0]):
            eta[i] += Z[k, i] * u[k, codes[i]]


@row_kernel
def less_weighed_effects(u: Array, Z: Array, W: Array, codes: Ints, eta: Array) -> None:
    """Subtract each row's effects (effect, group) times Z (effect, row) and its weight from eta."""
    for k in range(Z.shape[0]):
        for i in range(eta.shape[0]):
            eta[i] -= W[i] * Z[k, i] * u[k, codes[i]]


@row_kernel
def effect_products(Z: Array, codes: Ints, r: Array, grad: Array) -> None:
    """Add each row's Z r to its group's entries of grad (effect, group)."""
    for k in range(Z.shape[0]):
        for i in range(r.shape[0]):
            grad[k, codes[i]] += Z[k, i] * r[i]


@row_kernel
def group_products(Z: Array, starts: Ints, r: Array, grad: Array) -> None:
    """Add Z_j r_j to grad (effect, group), for rows sorted by group."""
    for k in range(Z.shape[0]):
        for j in range(grad.shape[1]):
            s = 0.0
            for i in range(starts[j], starts[j + 1]):
                s += Z[k, i] * r[i]
            grad[k, j] += s


@row_kernel
def gaussian_rows(eta: Array, y: Array, size: Array, precision: float, residual: Array) -> float:
    """Sum of squares, in units of 1 / precision, of `size` rows of mean y around eta.

    Fills `residual` with precision size (y - eta), the derivative by eta of minus half that sum.
    """
    total = 0.0
    for i in range(eta.shape[0]):
        r = y[i] - eta[i]
        residual[i] = precision * size[i] * r
        total += r * residual[i]
    return total


@row_kernel
def less_products(S: Array, v: Array, s: Array) -> None:
    """Subtract S v from s."""
    for j in range(S.shape[0]):
        a = 0.0
        for k in range(S.shape[1]):
            a += S[j, k] * v[k]
        s[j] -= a


@row_kernel
def less_transposed_products(S: Array, g: Array, grad: Array) -> None:
    """Subtract S'g from grad."""
    for j in range(S.shape[0]):
        for k in range(S.shape[1]):
            grad[k] -= S[j, k] * g[j]
