"""What hypothesis makes: priors, possible and not, and the other arguments of `fit`."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

PARAMETER_NAMES = [
    "Intercept",
    "x",
    "sigma",
    "sd(g)",
    "sd(Intercept|g)",
    "sd(x|g)",
    "cor(g)",
    "nu(g)",
    "h",
    "",
    "sd()",
    "z",
]
PRIOR_TEXTS = [
    "Normal(0, 1)", "Normal(0, 1e-9)", "Normal(1e9, 1)", "StudentT(3, 0, 1)", "Cauchy(0, 1)", "Laplace(0, 1)", "Flat()",
    "HalfNormal(1)", "HalfNormal(1e9)", "HalfCauchy(1)", "Exponential(1)", "Gamma(2, 1)", "InverseGamma(2, 1)",
    "LKJ(2)",
    "LogNormal(0, 1)", "Uniform(0, 5)", "LKJ(0)", "Normal(0, -1)", "Normal(0)", "Normal", "", "normal(0, 1)",
    "Normal(0, 1",
    "Normal(nan, 1)", "Normal(0, inf)", "Normal(mu=0, sigma=1)", "Normal(0, sigma=1)", "Gamma(1e-300, 1)", "eval('1')",
    "Normal(0, 1) + 1", "Normal(0, 10**9)", "Uniform(5, 0)", "Normal(0, x)", "HalfNormal(-0.0)", "StudentT(1e-9, 0, 1)",
]  # fmt: skip
PRIORS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(PARAMETER_NAMES), st.sampled_from([*PRIOR_TEXTS, *PRIOR_TEXTS, None, 1, []]), max_size=2
)
OPTION: dict[str, list[Any]] = {
    "effects": ["normal", "student_t", "cauchy", None],
    "engine": ["auto", "marginal", "joint", "stan", 3],
    "weights": ["w", "w", "tries", "x", "h", "none", 3, None],
    "known_sd": ["w", "z", "x", "h", "none", None],
    "missing": ["drop", "error", "ignore"],
    "target_accept": [0.5, 0.8, 0.99, 0, 1, -1, np.nan, "0.8", None],
    "random_seed": [0, 1, 2**63, -1, 1.5, "1", None, True],
    "chains": [1, 2, 0, -1, 1.0, "4", None, True],
    "draws": [6, 1, 0, 1.5, None, 10**15],
    "tune": [20, 1, 0, -3, "9"],
    "cores": [1, 2, 0, 99, None],
}


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """None, one or two arguments of `fit`."""
    names = draw(st.lists(st.sampled_from(sorted(OPTION)), max_size=2, unique=True))
    return {name: draw(st.sampled_from(OPTION[name])) for name in names}
