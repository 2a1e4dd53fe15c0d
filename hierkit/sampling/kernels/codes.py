"""What kernels call transforms and priors: small whole numbers. Importing them compiles nothing."""

from dataclasses import dataclass

import numpy as np

REAL, POSITIVE, INTERVAL, PARTIAL, CURVE = range(5)
FLAT, NORMAL, STUDENT_T, CAUCHY, LAPLACE, HALF, EXPONENTIAL, GAMMA, INVERSE_GAMMA, LOG_NORMAL, UNIFORM, LKJ = range(12)


@dataclass(frozen=True)
class KernelPrior:
    """A prior as `densities.log_density` knows it.

    Attributes
    ----------
    code : int
        The branch that computes it.
    first : tuple of float
        Numbers before the prior's own: the degrees of freedom of a half Student t that has a name of its own.
    """

    code: int
    first: tuple[float, ...] = ()


PRIORS = {
    "Flat": KernelPrior(FLAT),
    "Normal": KernelPrior(NORMAL),
    "StudentT": KernelPrior(STUDENT_T),
    "Cauchy": KernelPrior(CAUCHY),
    "Laplace": KernelPrior(LAPLACE),
    "HalfNormal": KernelPrior(HALF, (np.inf,)),
    "HalfStudentT": KernelPrior(HALF),
    "HalfCauchy": KernelPrior(HALF, (1.0,)),
    "Exponential": KernelPrior(EXPONENTIAL),
    "Gamma": KernelPrior(GAMMA),
    "InverseGamma": KernelPrior(INVERSE_GAMMA),
    "LogNormal": KernelPrior(LOG_NORMAL),
    "Uniform": KernelPrior(UNIFORM),
    "LKJ": KernelPrior(LKJ),
}
